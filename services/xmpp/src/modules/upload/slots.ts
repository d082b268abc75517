/** Slots that were granted and are not used yet (XEP-0363 §4). They are in memory only: whoever loses one asks for another. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { Budget, type Clock } from '@sealpost/runtime'
import { UploadError } from './upload-error.ts'

/** XEP-0363 §8: a client has no reason to wait. */
const SLOT_MS = 300_000
/** Of everybody together, and of one account: beyond it the next has to wait. */
const SLOTS_MAX = 10_000
const ACCOUNT_SLOTS_MAX = 50
/** Uploads of one account at a time: whoever sends them slowly keeps no room from others. */
const ACCOUNT_BUSY_MAX = 16
/** Accounts whose rate is remembered; beyond it the one that asked longest ago is forgotten. */
const ACCOUNTS_MAX = 20_000
const HOUR_SECONDS = 3_600

export interface Slot {
  readonly accountId: string
  readonly addressHash: Buffer
  readonly ownerHash: Buffer
  readonly bytes: number
  /** As it was announced; undefined: it was not. */
  readonly contentType: string | undefined
  readonly keepSeconds: number
  /** The second since the epoch at which the file must be gone, if its uploader said so. */
  readonly expireBefore: number | undefined
  readonly fetches: number | undefined
}

interface OpenSlot extends Slot {
  readonly untilMs: number
  busy: boolean
}

/** What an upload says of itself. */
export interface PutClaim {
  readonly address: string
  readonly ownerToken: string
  /** Undefined: not said, or in chunks of unknown number. */
  readonly bytes: number | undefined
  readonly contentType: string | undefined
}

interface Rate {
  readonly perHour: number
  readonly budget: Budget
}

export class Slots {
  readonly #clock: Clock
  /** By `keyOf` the hash of their address; the oldest first. */
  readonly #slots = new Map<string, OpenSlot>()
  /** Least recently used first. */
  readonly #rates = new Map<string, Rate>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds until the account may have another; 0: now, and it is taken. */
  takeTurn(accountId: string, perHour: number): number {
    const now = this.#clock.monotonic()
    const { budget } = this.#rateOf(accountId, perHour)
    if (this.#slots.size >= SLOTS_MAX || this.#of(accountId).length >= ACCOUNT_SLOTS_MAX) return SLOT_MS
    return budget.take(now) ? 0 : budget.waitMs(now)
  }

  add(slot: Slot): void {
    const untilMs = this.#clock.monotonic() + SLOT_MS
    this.#slots.set(keyOf(slot.addressHash), { ...slot, untilMs, busy: false })
  }

  /** Bytes that are promised to an account. */
  bytesOf(accountId: string): number {
    return this.#of(accountId).reduce((sum, { bytes }) => sum + bytes, 0)
  }

  countOf(accountId: string): number {
    return this.#of(accountId).length
  }

  /** Undefined: there is none of this address. From now on it is the claimer's, until `release` or `use`. Throws UploadError. */
  claim({ address, ownerToken, bytes, contentType }: PutClaim): Slot | undefined {
    const slot = this.#slots.get(keyOf(hashToken(address)))
    if (slot === undefined || this.#isOver(slot)) return undefined
    if (!isOwner(slot, ownerToken)) throw new UploadError('UPLOAD_FORBIDDEN')
    if (slot.busy) throw new UploadError('UPLOAD_DONE')
    if (bytes !== slot.bytes) throw new UploadError('UPLOAD_LENGTH') // XEP-0363 §7
    const differs =
      contentType !== undefined && slot.contentType !== undefined && contentType !== slot.contentType
    if (differs) throw new UploadError('UPLOAD_TYPE')
    if (this.#of(slot.accountId).filter(({ busy }) => busy).length >= ACCOUNT_BUSY_MAX)
      throw new UploadError('UPLOAD_BUSY')
    slot.busy = true
    return slot
  }

  /** It failed: the client may try again while the slot lasts. */
  release({ addressHash }: Slot): void {
    const slot = this.#slots.get(keyOf(addressHash))
    if (slot !== undefined) slot.busy = false
  }

  /** The file is there. False: the slot was taken away meanwhile. */
  use({ addressHash }: Slot): boolean {
    return this.#slots.delete(keyOf(addressHash))
  }

  forget(accountId: string): void {
    for (const { addressHash } of this.#of(accountId)) this.#slots.delete(keyOf(addressHash))
    this.#rates.delete(accountId)
  }

  /** Drops those whose time is over, but for those in use. */
  expire(): void {
    for (const [key, slot] of this.#slots) if (this.#isOver(slot)) this.#slots.delete(key)
  }

  #isOver({ busy, untilMs }: OpenSlot): boolean {
    return !busy && untilMs <= this.#clock.monotonic()
  }

  #of(accountId: string): OpenSlot[] {
    return [...this.#slots.values()].filter((slot) => slot.accountId === accountId && !this.#isOver(slot))
  }

  #rateOf(accountId: string, perHour: number): Rate {
    const known = this.#rates.get(accountId)
    this.#rates.delete(accountId)
    const rate = known?.perHour === perHour ? known : this.#newRate(perHour)
    const [oldest] = this.#rates.size >= ACCOUNTS_MAX ? this.#rates.keys() : []
    if (oldest !== undefined) this.#rates.delete(oldest)
    this.#rates.set(accountId, rate)
    return rate
  }

  #newRate(perHour: number): Rate {
    const budget = new Budget({ burst: perHour, perSecond: perHour / HOUR_SECONDS }, this.#clock.monotonic())
    return { perHour, budget }
  }
}

export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

export function keyOf(hash: Buffer): string {
  return hash.toString('base64url')
}

export function isOwner({ ownerHash }: Pick<Slot, 'ownerHash'>, ownerToken: string): boolean {
  return timingSafeEqual(ownerHash, hashToken(ownerToken))
}
