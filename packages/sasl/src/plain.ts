/** RFC 4616 PLAIN: its one message, for protocols that offer it under TLS. */
import { isUtf8 } from 'node:buffer'
import { SaslError } from './sasl-error.ts'

/** Who signs in, with what, and as whom: `authzid` is undefined when the client did not ask to act as another. */
export interface PlainMessage {
  readonly authzid: string | undefined
  readonly username: string
  readonly password: string
}

/** Longest part in bytes of UTF-8. RFC 4616 §2 asks for room for 255 at least. */
const PART_BYTES_MAX = 1023

/** Reads the decoded message `[authzid] NUL authcid NUL passwd`. Throws SaslError `malformed-request`. */
export function parsePlain(message: Buffer): PlainMessage {
  if (message.length > 3 * PART_BYTES_MAX + 2 || !isUtf8(message)) throw new SaslError('malformed-request')
  const parts = message.toString('utf8').split('\0')
  const [authzid = '', username = '', password = ''] = parts
  const fits = parts.every((part) => Buffer.byteLength(part) <= PART_BYTES_MAX)
  if (parts.length !== 3 || username === '' || password === '' || !fits)
    throw new SaslError('malformed-request')
  return { authzid: authzid === '' ? undefined : authzid, username, password }
}
