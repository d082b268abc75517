/** What stands for an address on a list, and what a link to leave says: both under a key that is kept apart from the database. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { type EmailAddress, formatAddress } from '@sealpost/mail'

const HASH_BYTES = 16
const LIST_BYTES = 16
const LINK = /^[\w-]{64}$/

export interface Membership {
  /** Id of the list. */
  readonly list: string
  readonly address: Buffer
}

export class MemberHashes {
  readonly #key: string

  constructor(key: string) {
    this.#key = key
  }

  of(list: string, address: EmailAddress): Buffer {
    return this.#hash('member', list, formatAddress(address).toLowerCase())
  }

  /** For a link that works as long as the membership (RFC 8058 §3.1: who leaves which list, and nobody can guess it). */
  link({ list, address }: Membership): string {
    const bytes = Buffer.concat([Buffer.from(list.replaceAll('-', ''), 'hex'), address])
    return Buffer.concat([bytes, this.#hash('leave', bytes.toString('hex'))]).toString('base64url')
  }

  /** Undefined: it is none of ours. */
  readLink(link: string): Membership | undefined {
    if (!LINK.test(link)) return undefined
    const bytes = Buffer.from(link, 'base64url')
    const said = bytes.subarray(0, LIST_BYTES + HASH_BYTES)
    if (!timingSafeEqual(bytes.subarray(said.length), this.#hash('leave', said.toString('hex'))))
      return undefined
    const hex = said.toString('hex', 0, LIST_BYTES)
    const list = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    return { list, address: said.subarray(LIST_BYTES) }
  }

  #hash(...parts: readonly string[]): Buffer {
    return createHmac('sha256', this.#key).update(parts.join('\0')).digest().subarray(0, HASH_BYTES)
  }
}
