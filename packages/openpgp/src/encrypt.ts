/**
 * Encrypting to a certificate, by openpgp.js. Apart from the rest of this package: it draws randomness, and is slow to load. Whoever calls it sees to it that it
 * runs in a thread of its own, since openpgp.js bounds neither its time nor its memory.
 */
import { createMessage, encrypt, readKey } from 'openpgp'

/**
 * The armored message, or undefined when the certificate has no key that openpgp.js can encrypt to at this time, or does not read the certificate.
 * `now` in milliseconds since 1970.
 */
export async function encryptTo(
  certificate: Uint8Array,
  plain: Uint8Array,
  now: number,
): Promise<string | undefined> {
  try {
    const encryptionKeys = await readKey({ binaryKey: certificate })
    const message = await createMessage({ binary: plain })
    const armored: unknown = await encrypt({
      message,
      encryptionKeys,
      date: new Date(now),
      format: 'armored',
    })
    return typeof armored === 'string' ? armored : undefined
  } catch {
    return undefined
  }
}
