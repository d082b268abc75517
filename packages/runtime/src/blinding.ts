/** Telling people and addresses apart without keeping either. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

const KEY_LIFE_MS = 24 * 60 * 60 * 1000
const KEY_BYTES = 32

/** HMAC under a key that exists in memory only, and for a day only. */
export class Blinding implements Disposable {
  readonly #random: Random
  readonly #turning: Disposable
  /** Made once: with the bytes themselves each HMAC would cost six times as much. */
  #key: KeyObject

  /** `onTurn`: there is a new key, and what is known under the old one is worth nothing. */
  constructor(clock: Clock, random: Random, onTurn: () => void = () => undefined) {
    this.#random = random
    this.#key = this.#newKey()
    this.#turning = clock.every(KEY_LIFE_MS, () => {
      this.#key = this.#newKey()
      onTurn()
    })
  }

  /** Says whether two are the same, today, and nothing else about them. */
  blind(...parts: readonly string[]): string {
    const text = parts.map((part) => `${part.length}:${part}`).join('')
    return createHmac('sha256', this.#key).update(text).digest('base64')
  }

  /** The one before is wiped when its memory is collected. */
  #newKey(): KeyObject {
    const bytes = this.#random.bytes(KEY_BYTES)
    const key = createSecretKey(bytes)
    bytes.fill(0)
    return key
  }

  [Symbol.dispose](): void {
    this.#turning[Symbol.dispose]()
  }
}

/** The address itself, or the first 64 bits of an IPv6 address, which one client has at its disposal. */
export function clientNetwork(address: string): string {
  const mapped = /^::ffff:(?<inner>[\d.]+)$/i.exec(address)?.groups?.['inner']
  if (mapped !== undefined && isIPv4(mapped)) return mapped
  const [bare = ''] = address.toLowerCase().split('%')
  if (!isIPv6(bare)) return address
  const [head = '', tail] = bare.split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  if (tail !== undefined) while (groups.length + after.length < 8) groups.push('0')
  return [...groups, ...after]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
