/** What people are told who submit a key by mail. The protocol has two of these letters; the others say why nothing was published. */
import { groupFingerprint } from '../verification/letters.ts'
import type { Letter } from '../verification/key-mail.ts'

export interface SubmittedKey {
  /** Name of the server: its first domain. */
  readonly server: string
  /** Hexadecimal in upper case. */
  readonly fingerprint: string
}

const closing = 'Mails to this address are read by a program alone.'

function letter(subject: string, paragraphs: readonly string[]): Letter {
  return { subject, text: `${[...paragraphs, closing].join('\n\n')}\n` }
}

/** draft-koch-openpgp-webkey-service §4.3: in ASCII, since it is signed (RFC 3156 §3). */
export function confirmationLetter({ server, fingerprint }: SubmittedKey): Letter {
  return letter('Confirm your key publication', [
    `Somebody, probably you, sent an OpenPGP key to the key directory of\n${server} by mail, to be published for your address.\nThe key has the fingerprint`,
    groupFingerprint(fingerprint),
    'If that is your key, let your OpenPGP program answer this mail within three\ndays. By hand: decrypt the second part, and send its line "nonce" back to\nthe sender, encrypted, with a line "type: confirmation-response".',
    'If it is not yours, do nothing: without an answer nothing is published.',
  ])
}

export function publishedLetter({ server, fingerprint }: SubmittedKey, address: string): Letter {
  return letter('Your key has been published', [
    `The key directory of ${server} now gives everybody who\nlooks for ${address}\nthe key with the fingerprint`,
    groupFingerprint(fingerprint),
    'A key that was published for the address before is no longer found by it.',
  ])
}

export function refusalLetter(reason: string): Letter {
  return letter('Your key was not published', [
    'You sent a key to the key directory by mail. It was not published:',
    reason,
    'A key that was published for your address before stays so.',
  ])
}
