/** RFC 9580 §5.2.4: what a signature is made over, and its digest. */
import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import type { PacketBytes } from '../packet-sequence.ts'
import { CertificatePacket } from '../packet-sequence.ts'
import { hashName } from './algorithm.ts'
import { keyHashPrefix } from './key.ts'
import type { Key } from './key.ts'
import type { Signature } from './signature.ts'

/** Pieces of bytes that come before what a signature says of itself. */
export type Subject = readonly Buffer[]

export function keySubject({ version, packet: { body } }: Key): Subject {
  return [keyHashPrefix(version, body.length), body]
}

export function userIdSubject(primary: Key, { type, body }: PacketBytes): Subject {
  const prefix = Buffer.from([type === CertificatePacket.userId ? 0xb4 : 0xd1, 0, 0, 0, 0])
  prefix.writeUInt32BE(body.length, 1)
  return [...keySubject(primary), prefix, body]
}

/** The same for version 3, which hashes the bare user id. RFC 9580 §5.2.4 */
export function bareUserIdSubject(primary: Key, { body }: PacketBytes): Subject {
  return [...keySubject(primary), body]
}

export function subjectBytes(subject: Subject): number {
  return subject.reduce((sum, { length }) => sum + length, 0)
}

function trailer({ version, hashedBytes }: Signature): Buffer {
  if (version === 3) return Buffer.alloc(0)
  const bytes = Buffer.from([version, 0xff, 0, 0, 0, 0])
  bytes.writeUInt32BE(hashedBytes.length, 2)
  return bytes
}

/** Everything that is hashed, for algorithms that hash by themselves. */
export function signedBytes(subject: Subject, signature: Signature): Buffer {
  return Buffer.concat([signature.salt, ...subject, signature.hashedBytes, trailer(signature)])
}

/** Digests over one subject: what many signatures of a component have in common is hashed once. */
export class SubjectDigests {
  readonly subject: Subject
  readonly #begun = new Map<string, Hash>()

  constructor(subject: Subject) {
    this.subject = subject
  }

  /** The hash algorithm must be known. */
  digest(signature: Signature): Buffer {
    const name = hashName(signature.hashAlgorithm) ?? ''
    const hash = signature.version === 6 ? this.#begin(name, signature.salt) : this.#continue(name)
    return hash.update(signature.hashedBytes).update(trailer(signature)).digest()
  }

  #begin(name: string, salt?: Buffer): Hash {
    const hash = createHash(name)
    if (salt) hash.update(salt)
    for (const piece of this.subject) hash.update(piece)
    return hash
  }

  #continue(name: string): Hash {
    let begun = this.#begun.get(name)
    if (begun === undefined) {
      begun = this.#begin(name)
      this.#begun.set(name, begun)
    }
    return begun.copy()
  }
}
