/** What the directory writes to people. Each letter says who asked for what, what happens next, and that doing nothing is fine. */
import { writeToken } from './token-document.ts'
import type { SentToken } from './token-document.ts'
import type { Letter } from './key-mail.ts'

export interface LetterFacts {
  /** Name of the server: its first domain. */
  readonly server: string
  readonly address: string
  /** Hexadecimal in upper case. */
  readonly fingerprint: string
}

/** Groups of four, so that people can compare it. */
export function groupFingerprint(fingerprint: string): string {
  return (fingerprint.match(/.{1,4}/g) ?? []).join(' ')
}

const closing = 'Nobody reads answers to this address.'

function letter(subject: string, paragraphs: readonly string[]): Letter {
  return { subject, text: `${[...paragraphs, closing].join('\n\n')}\n` }
}

export function confirmLetter({ server, address, fingerprint }: LetterFacts, link: string): Letter {
  return letter('Confirm your OpenPGP key', [
    `Somebody, probably you, uploaded an OpenPGP key with the address\n${address} to the key directory of ${server}\nand asked to publish it. The key has the fingerprint`,
    groupFingerprint(fingerprint),
    'If that is your key, open this link within a day and confirm:',
    link,
    'Everybody who looks for your address will then find this key, and a key\nthat was published for it before will no longer be found.',
    'If it is not yours, or if you do not want that, do nothing: without the\nlink the address is not published, and it is forgotten in two weeks.',
  ])
}

export function manageLetter({ server, address, fingerprint }: LetterFacts, link: string): Letter {
  return letter('Manage your OpenPGP key', [
    `Somebody, probably you, asked the key directory of ${server}\nfor a link with which to manage the key that is published for the\naddress ${address}. It has the fingerprint`,
    groupFingerprint(fingerprint),
    'With this link you can take the address or the key off the directory.\nIt works for a day:',
    link,
    'If you did not ask for it, do nothing: nothing changes.',
  ])
}

/** draft-ietf-openpgp-hkp §5.2.2 */
export function tokenLetter(
  { server, address }: Pick<LetterFacts, 'server' | 'address'>,
  sent: SentToken,
): Letter {
  const written = letter('Your token for the key directory', [
    `Somebody, probably you, asked the key directory of ${server}\nfor a token with which to set the OpenPGP key that is found by the\naddress ${address}. Give it to the program that asked\nfor it:`,
    sent.token,
    'It works once, for a day. Everybody who has it can set your key: give it\nto nobody else.',
    'If you did not ask for it, do nothing: nothing changes.',
  ])
  return { ...written, document: writeToken(sent) }
}

export function expiryLetter(
  { server, address, fingerprint }: LetterFacts,
  { expiresOn, manage }: { readonly expiresOn: string; readonly manage: string },
): Letter {
  return letter('Your OpenPGP key expires soon', [
    `The OpenPGP key that the key directory of ${server}\npublishes for ${address} expires on ${expiresOn}. It has\nthe fingerprint`,
    groupFingerprint(fingerprint),
    'After that day most programs refuse to encrypt to it. You can give it a\nlater expiry in your OpenPGP program and upload it again; the address\nneeds no new confirmation. Or upload and confirm a new key.',
    'If you want it to expire, do nothing. To take it off the directory, ask\nfor a link here:',
    manage,
  ])
}
