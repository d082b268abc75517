/**
 * The keys of mails in the relay's keyring: one slot seals the key of one mail, and destroying the slot destroys the mail. Mails of one account that go the same way are a
 * queue of the keyring, which has a name in the database only while it holds any.
 */
import { assert } from '@sealpost/errors'
import { type Keyring, ShredLag } from '@sealpost/keyring'
import type { Metrics } from '@sealpost/metrics'
import { ContentKey } from './content-key.ts'
import type { KeptMail } from './kept-mail.ts'
import type { NewRow, RowHead } from './mail-rows.ts'

/** What is on its way out, what waits to be fetched, what is counted for reports, what audits plant, and policies of other domains: names of queues in the keyring. */
const PLACES = {
  outgoing: '00000000-0000-4000-8000-000000000001',
  mailbox: '00000000-0000-4000-8000-000000000002',
  reports: '00000000-0000-4000-8000-000000000003',
  canaries: '00000000-0000-4000-8000-000000000004',
  policies: '00000000-0000-4000-8000-000000000005',
} as const
export type Place = keyof typeof PLACES

/** Mails from outside and of our own making are no account's. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** What the keyring knows of a mail. */
export type SealedKey = Pick<NewRow, 'id' | 'handle' | 'seq' | 'key'>
export type KeyOwner = Pick<KeptMail, 'account' | 'place' | 'key'>

export class MailKeys implements Disposable {
  readonly #keyring: Keyring
  readonly #lag: ShredLag

  constructor(keyring: Keyring, metrics: Metrics) {
    this.#keyring = keyring
    this.#lag = new ShredLag(metrics, 'smtp', () => keyring.synced())
  }

  [Symbol.dispose](): void {
    this.#lag[Symbol.dispose]()
  }

  get available(): boolean {
    return this.#keyring.available
  }

  /** The key of a mail, which gets its id by it. `due`: second when it is destroyed at the latest. Throws KeyringError. */
  seal({ account, place, key }: KeyOwner, due: number): SealedKey {
    const queue = this.#keyring.queue(account ?? NOBODY, PLACES[place])
    const seq = queue.lastSeq + 1
    try {
      const { id, blob, sizeClass } = this.#keyring.seal(queue, seq, key.bytes, due, 'message')
      assert.equal(sizeClass, 0, 'a key has the smallest size')
      return { id, handle: queue.handle, seq, key: blob }
    } finally {
      if (queue.count === 0) this.#keyring.drain(queue)
    }
  }

  /** Undefined: it was destroyed. Throws BLOB_CORRUPT when the database gave us something else than we put there. */
  open({ id, seq, key }: Pick<RowHead, 'id' | 'seq' | 'key'>): KeyOwner | undefined {
    const queue = this.#keyring.queueOf(id)
    const bytes = queue && this.#keyring.open(id, queue, seq, key)
    if (queue === undefined || bytes === undefined) return undefined
    return {
      account: queue.account === NOBODY ? undefined : queue.account,
      place: placeOf(queue.device),
      key: new ContentKey(bytes),
    }
  }

  /** Ids of an account's mails, oldest first. */
  ofAccount(account: string, place: Place): string[] {
    const queue = this.#keyring.findQueue(account, PLACES[place])
    return queue === undefined ? [] : this.#keyring.messages(queue).map(({ id }) => id)
  }

  /** Some of those whose time is over. */
  due(second: number): string[] {
    return this.#keyring.due(second).map(({ id }) => id)
  }

  /** Gone when this returns, from disk within milliseconds. */
  destroy(id: string): void {
    const queue = this.#keyring.queueOf(id)
    this.#keyring.shred([id])
    if (queue?.count === 0) this.#keyring.drain(queue)
    this.#lag.shredded()
  }

  /** Resolves when everything sealed and destroyed so far is so on disk, too. Throws KeyringError. */
  async synced(): Promise<void> {
    await this.#keyring.synced()
  }
}

function placeOf(device: string): Place {
  const places = Object.keys(PLACES) as Place[]
  return places.find((place) => PLACES[place] === device) ?? 'outgoing'
}
