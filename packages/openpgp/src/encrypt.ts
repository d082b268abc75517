/**
 * Encrypting to a certificate. Apart from the rest of this package: it draws randomness, and openpgp.js is slow to load. Whoever calls it sees to it that it
 * runs in a thread of its own, since openpgp.js bounds neither its time nor its memory.
 */
import { createMessage, encrypt, encryptSessionKey, generateSessionKey, readKey } from 'openpgp'
import { writeCertificate } from './certificate/certificate.ts'
import { minimalForAddress } from './certificate/strip.ts'
import { summarize } from './certificate/summary.ts'
import { normalizeAddress } from './certificate/user-id.ts'
import type { SessionKey } from './encrypting.ts'
import { readUpload } from './upload.ts'

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

/**
 * A new session key for the owner of the address, encrypted to the certificate: armored or binary, of anybody's making. It is verified, must have a valid user
 * id with the address, and a key that can encrypt now; otherwise undefined. `now` in milliseconds since 1970.
 */
export async function makeSessionKey(
  certificate: Uint8Array,
  address: string,
  now: number,
): Promise<SessionKey | undefined> {
  try {
    const own = ownedCertificate(Buffer.from(certificate), address, Math.floor(now / 1000))
    if (own === undefined) return undefined
    const date = new Date(now)
    const encryptionKeys = await readKey({ binaryKey: own.bytes })
    const { data, algorithm, aeadAlgorithm } = await generateSessionKey({ encryptionKeys, date })
    if (algorithm !== 'aes128' && algorithm !== 'aes192' && algorithm !== 'aes256') return undefined
    if (aeadAlgorithm !== undefined && aeadAlgorithm !== 'ocb' && aeadAlgorithm !== 'gcm') return undefined
    const packets: unknown = await encryptSessionKey({
      data,
      algorithm,
      ...(aeadAlgorithm === undefined ? {} : { aeadAlgorithm }),
      encryptionKeys,
      date,
      format: 'binary',
    })
    if (!(packets instanceof Uint8Array)) return undefined
    return { cipher: algorithm, aead: aeadAlgorithm, key: data, packets, fingerprint: own.fingerprint }
  } catch {
    return undefined
  }
}

interface Owned {
  readonly bytes: Buffer
  readonly fingerprint: string
}

/** The one certificate with the address that is in force. Throws OpenPgpError for what is no certificate. */
function ownedCertificate(certificate: Buffer, address: string, now: number): Owned | undefined {
  const wanted = normalizeAddress(address)
  if (wanted === undefined) return undefined
  const owned = readUpload(certificate, now).certificates.flatMap((each) => {
    const { userIds, revoked, fingerprint } = summarize(each, now)
    const isOwners = userIds.some((userId) => userId.address === wanted && userId.valid && !userId.revoked)
    if (!isOwners || revoked !== undefined) return []
    return { bytes: writeCertificate(minimalForAddress(each, wanted, now)), fingerprint }
  })
  return owned.length === 1 ? owned[0] : undefined
}
