/** What programs of users send to a submission address, made with OpenPGP.js; and what they read of the answers. */
import {
  createMessage,
  decrypt,
  encrypt,
  generateKey,
  readKey,
  readMessage,
  readPrivateKey,
  readSignature,
  verify,
  type Config,
} from 'openpgp'
import { MailHeader } from '@sealpost/mail'

export interface Person {
  readonly address: string
  readonly publicKey: string
  readonly privateKey: string
}

/** Somebody with a key on Curve25519. */
export async function person(address: string, userIds: readonly string[] = [address]): Promise<Person> {
  const { publicKey, privateKey } = await generateKey({
    type: 'ecc',
    curve: 'curve25519Legacy',
    userIDs: userIds.map((email) => ({ name: 'Somebody', email })),
    date: new Date(Date.now() - 60_000),
    format: 'armored',
  })
  return { address, publicKey, privateKey }
}

export const lines = (...all: readonly string[]): string => all.join('\r\n')

/** RFC 3156 §7 */
export const keyPart = (armored: string): string => `Content-Type: application/pgp-keys\n\n${armored}`

export const wksPart = (text: string): string => `Content-Type: application/vnd.gnupg.wks\n\n${text}`

export async function encryptedTo(
  certificate: Uint8Array,
  plain: string | Uint8Array,
  config: Partial<Config> = {},
): Promise<string> {
  const message = await createMessage({ binary: Buffer.from(plain) })
  const encryptionKeys = await readKey({ binaryKey: certificate })
  return String(await encrypt({ message, encryptionKeys, config, format: 'armored' }))
}

export interface Around {
  readonly from: string
  readonly fields?: readonly string[]
}

/** A mail with these header fields around an entity. */
export function mail({ from, fields = [] }: Around, entity: string): Buffer {
  const head = [
    `From: ${from}`,
    'To: key-submission@example.org',
    'Subject: Key publishing request',
    ...fields,
  ]
  return Buffer.from(lines(...head, entity.replaceAll(/\r?\n/g, '\r\n')))
}

/** RFC 3156 §4 */
export function pgpMime(around: Around, armored: string): Buffer {
  return mail(
    around,
    lines(
      'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="=-=01=-="',
      '',
      '--=-=01=-=',
      'Content-Type: application/pgp-encrypted',
      '',
      'Version: 1',
      '',
      '--=-=01=-=',
      'Content-Type: application/octet-stream',
      '',
      armored,
      '',
      '--=-=01=-=--',
      '',
    ),
  )
}

/** The parts of a multipart, each from its header on, as they stand between the delimiters. */
export function partsOf(entity: string): string[] {
  const end = entity.indexOf('\r\n\r\n')
  const header = MailHeader.parse(Buffer.from(entity.slice(0, end + 4)))
  const boundary = /boundary="([^"]+)"/.exec(header?.value('content-type') ?? '')?.[1] ?? ''
  const [, ...parts] = `\r\n${entity.slice(end + 4)}`.split(`\r\n--${boundary}`)
  return parts.slice(0, -1).map((part) => part.replace(/^\r\n/, ''))
}

const contentOf = (part: string): string => part.slice(part.indexOf('\r\n\r\n') + 4)

export interface Opened {
  readonly text: string
  /** The document in the second part. */
  readonly document: string
}

/** draft-koch-openpgp-webkey-service §4.3: the outer signature is checked, then the second part is decrypted. Throws when either fails. */
export async function openRequest(
  message: string,
  submissionKey: Uint8Array,
  { privateKey }: Person,
): Promise<Opened> {
  const [signed = '', signature = ''] = partsOf(message)
  const verificationKeys = await readKey({ binaryKey: submissionKey })
  const { signatures } = await verify({
    message: await createMessage({ binary: Buffer.from(signed) }),
    signature: await readSignature({ armoredSignature: contentOf(signature) }),
    verificationKeys,
  })
  await Promise.all(signatures.map(({ verified }) => verified))
  if (signatures.length !== 1) throw new Error('not one signature')
  const [text = '', attachment = ''] = partsOf(signed)
  return { text, document: await decryptFor(privateKey, contentOf(attachment)) }
}

export async function decryptFor(privateKey: string, armoredMessage: string): Promise<string> {
  const decryptionKeys = await readPrivateKey({ armoredKey: privateKey })
  const opened = await decrypt({ message: await readMessage({ armoredMessage }), decryptionKeys })
  return String(opened.data)
}

/** The armored message in a mail. */
export const armoredIn = (message: string): string =>
  /-----BEGIN PGP MESSAGE-----[^]*?-----END PGP MESSAGE-----/.exec(message)?.[0] ?? ''
