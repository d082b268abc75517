/** RFC 5802 §7: the four messages of SCRAM, read strictly. Optional extensions are passed over, mandatory ones refused. */
import { isUtf8 } from 'node:buffer'
import { SaslError } from './sasl-error.ts'

/** Longest message looked at, in bytes: room for a name, an authzid and a channel binding of the largest sizes. */
export const SCRAM_MESSAGE_BYTES_MAX = 4096
/** Longest username, in bytes of UTF-8: that of a localpart (RFC 7622 §3.3). */
const USERNAME_BYTES_MAX = 1023
const NONCE_LENGTH_MAX = 256

/** gs2-cbind-flag: `n` no binding, `y` the client would but thinks the server cannot, or the type it binds with. RFC 5802 §6 */
export type BindingFlag = 'n' | 'y' | { readonly type: string }

export interface ClientFirst {
  readonly flag: BindingFlag
  readonly authzid: string | undefined
  /** The header as sent, which `c=` of the last message must repeat. */
  readonly gs2Header: string
  readonly bare: string
  readonly username: string
  readonly nonce: string
}

export interface ClientFinal {
  readonly channelBinding: Buffer
  readonly nonce: string
  readonly proof: Buffer
  readonly withoutProof: string
}

export interface ServerFirst {
  readonly nonce: string
  readonly salt: Buffer
  readonly iterations: number
  /** What the server says that it offered. XEP-0474 §5.1 */
  readonly offerHash: string | undefined
  /** The version of TLS at the server's end. XEP-0515 §4.1 */
  readonly tlsVersion: string | undefined
}

const FIRST =
  /^((?:n|y|p=([A-Za-z0-9.-]{1,64})),(?:a=([^,]+))?,)(n=([^,]+),r=([!-+\--~]+)((?:,[A-Za-z]=[^,]+)*))$/
const FINAL = /^(c=([A-Za-z0-9+/=]+),r=([!-+\--~]+)((?:,[A-Za-z]=[^,]+)*)),p=([A-Za-z0-9+/=]+)$/
const SERVER_FIRST = /^r=([!-+\--~]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]{0,8})((?:,[A-Za-z]=[^,]+)*)$/

function readText(message: Buffer): string {
  if (message.length > SCRAM_MESSAGE_BYTES_MAX || !isUtf8(message) || message.includes(0)) {
    throw new SaslError('malformed-request')
  }
  return message.toString('utf8')
}

/** Base64 exactly as RFC 4648 §4 writes it: padded, no stray bits. */
function readBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new SaslError('malformed-request')
  return bytes
}

/** saslname: every `=` begins `=2C` or `=3D`, or the exchange fails. RFC 5802 §5.1 */
function readName(text: string): string {
  if (/=(?!2C|3D)/.test(text)) throw new SaslError('malformed-request')
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

/** The other way round of what a saslname says. RFC 5802 §5.1 */
export function writeName(text: string): string {
  return text.replaceAll('=', '=3D').replaceAll(',', '=2C')
}

function refuseMandatory(extensions: string): void {
  if (extensions.includes(',m=')) throw new SaslError('malformed-request') // RFC 5802 §5.1
}

/** client-first-message. Throws SaslError `malformed-request`. */
export function readClientFirst(message: Buffer): ClientFirst {
  const match = FIRST.exec(readText(message))
  if (!match) throw new SaslError('malformed-request')
  const [, gs2Header = '', type, authzid, bare = '', name = '', nonce = '', extensions = ''] = match
  refuseMandatory(extensions)
  const username = readName(name)
  if (Buffer.byteLength(username) > USERNAME_BYTES_MAX || nonce.length > NONCE_LENGTH_MAX) {
    throw new SaslError('malformed-request')
  }
  return {
    flag: type === undefined ? (gs2Header.startsWith('y') ? 'y' : 'n') : { type },
    authzid: authzid === undefined ? undefined : readName(authzid),
    gs2Header,
    bare,
    username,
    nonce,
  }
}

/** client-final-message. Throws SaslError `malformed-request`. */
export function readClientFinal(message: Buffer): ClientFinal {
  const match = FINAL.exec(readText(message))
  if (!match) throw new SaslError('malformed-request')
  const [, withoutProof = '', channelBinding = '', nonce = '', extensions = '', proof = ''] = match
  refuseMandatory(extensions)
  return { channelBinding: readBase64(channelBinding), nonce, proof: readBase64(proof), withoutProof }
}

/** server-first-message. Throws SaslError `malformed-request`. */
export function readServerFirst(message: Buffer): ServerFirst {
  const match = SERVER_FIRST.exec(readText(message))
  if (!match) throw new SaslError('malformed-request')
  const [, nonce = '', salt = '', iterations = '', extensions = ''] = match
  refuseMandatory(extensions)
  const offerHash = /,h=([^,]+)/.exec(extensions)?.[1]
  const tlsVersion = /,t=([^,]+)/.exec(extensions)?.[1]
  return { nonce, salt: readBase64(salt), iterations: Number(iterations), offerHash, tlsVersion }
}

/** The signature in a server-final-message; SaslError `not-authorized` when it reports an error instead. RFC 5802 §7 */
export function readServerFinal(message: Buffer): Buffer {
  const match = /^v=([A-Za-z0-9+/=]+)(?:,|$)/.exec(readText(message))
  if (!match) throw new SaslError('not-authorized')
  return readBase64(match[1] ?? '')
}
