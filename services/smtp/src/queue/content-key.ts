/**
 * The key of one mail: AES-256-GCM over each of its parts. A nonce never repeats under it (NIST SP 800-38D §8): its first byte names the part, the rest
 * counts, or is random where a part is written more than once.
 */
import { type CipherGCM, createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import type { Random } from '@sealpost/runtime'

export const KEY_BYTES = 32
export const TAG_BYTES = 16
const NONCE_BYTES = 12
const ALGORITHM = 'aes-256-gcm'

/** The byte is never used for another part. */
const PARTS = { envelope: 1, header: 2, body: 3, state: 4 } as const
export type MailPart = keyof typeof PARTS

export class ContentKey implements Disposable {
  /** The caller's to wipe when it is no longer needed: disposal does. */
  readonly bytes: Buffer
  destroyed = false

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  static make(random: Random): ContentKey {
    return new ContentKey(random.bytes(KEY_BYTES))
  }

  /** `count` tells chunks of one part apart; each may be sealed once. */
  seal(part: MailPart, plaintext: Buffer, count = 0): Buffer {
    return this.#seal(counted(part, count), plaintext)
  }

  /** As `seal`, of what comes in pieces. */
  sealing(part: MailPart, count: number): Sealing {
    return new Sealing(this.#cipher(counted(part, count)))
  }

  /** Throws when it is not what was sealed for this place. */
  open(part: MailPart, sealed: Buffer, count = 0): Buffer {
    return this.#open(counted(part, count), sealed)
  }

  /** For what is written again and again: a few thousand times at most. */
  sealAnew(part: MailPart, plaintext: Buffer, random: Random): Buffer {
    const nonce = random.bytes(NONCE_BYTES)
    nonce[0] = PARTS[part]
    return Buffer.concat([nonce, this.#seal(nonce, plaintext)])
  }

  openAnew(part: MailPart, sealed: Buffer): Buffer {
    const nonce = Buffer.from(sealed.subarray(0, NONCE_BYTES))
    nonce[0] = PARTS[part]
    return this.#open(nonce, sealed.subarray(NONCE_BYTES))
  }

  [Symbol.dispose](): void {
    this.destroyed = true
    this.bytes.fill(0)
  }

  #seal(nonce: Buffer, plaintext: Buffer): Buffer {
    const sealing = new Sealing(this.#cipher(nonce))
    return Buffer.concat([sealing.update(plaintext), sealing.end()])
  }

  /** NOTE: given a key object Node is eight times as fast as given bytes. Like the cipher itself it is wiped when it is collected. */
  #cipher(nonce: Buffer): CipherGCM {
    return createCipheriv(ALGORITHM, createSecretKey(this.bytes), nonce)
  }

  #open(nonce: Buffer, sealed: Buffer): Buffer {
    const end = Math.max(sealed.length - TAG_BYTES, 0)
    const decipher = createDecipheriv(ALGORITHM, createSecretKey(this.bytes), nonce, {
      authTagLength: TAG_BYTES,
    })
    decipher.setAuthTag(sealed.subarray(end))
    const opened = decipher.update(sealed.subarray(0, end))
    decipher.final()
    return opened
  }
}

/** One sealed text while it is written. */
export class Sealing {
  readonly #cipher: CipherGCM

  constructor(cipher: CipherGCM) {
    this.#cipher = cipher
  }

  /** As many bytes as it is given. */
  update(plaintext: Buffer): Buffer {
    return this.#cipher.update(plaintext)
  }

  /** What stands behind the others. */
  end(): Buffer {
    this.#cipher.final()
    return this.#cipher.getAuthTag()
  }
}

function counted(part: MailPart, count: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES)
  nonce[0] = PARTS[part]
  nonce.writeUInt32BE(count, NONCE_BYTES - 4)
  return nonce
}
