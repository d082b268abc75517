/** The keyring against a plain model, through restarts, kills and power cuts at any byte. */
import { setTimeout as pause } from 'node:timers/promises'
import { VirtualClock, systemRandom } from '@sealpost/runtime'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryVolume } from './_memory-volume.ts'
import { openKeyringOn, packRow } from './index.ts'
import type { Keyring } from './index.ts'

const ACCOUNTS = ['aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb']
const DEVICE = 'dddddddd-dddd-4ddd-8ddd-dddddddddddd'

type Step =
  | { do: 'seal'; account: number; due: number; bytes: number }
  | { do: 'shred'; pick: number; count: number }
  | { do: 'sync' | 'tick' | 'restart' | 'kill' }
  | { do: 'powerCut'; cuts: number[] }
  | { do: 'due'; second: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('seal' as const),
      account: fc.nat(1),
      due: fc.nat(100),
      bytes: fc.nat(2000),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('shred' as const), pick: fc.nat(), count: fc.nat(4) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('sync' as const, 'tick' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'kill' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('powerCut' as const),
      cuts: fc.array(fc.nat(), { minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('due' as const), second: fc.nat(100) }) },
)

interface Modelled {
  readonly account: number
  readonly handle: string
  readonly seq: number
  readonly due: number
  readonly text: Buffer
  readonly blob: Buffer
  live: boolean
  /** The state that is known to be on disk: after a crash nothing older may come back. */
  sealSynced: boolean
  shredSynced: boolean
  key?: Buffer
}

class Run {
  volume = new MemoryVolume()
  keyring!: Keyring
  epoch = 0
  readonly messages = new Map<string, Modelled>()

  async open(): Promise<void> {
    this.keyring = await openKeyringOn(this.volume, {
      mode: 'file',
      directory: '',
      instanceId: '11111111-1111-4111-8111-111111111111',
      lastSeen: undefined,
      rowsExist: false,
      random: systemRandom,
      clock: new VirtualClock(),
      windowMs: 1,
    })
    expect(this.keyring.epoch).toBeGreaterThan(this.epoch)
    this.epoch = this.keyring.epoch
  }

  async take(action: Step): Promise<void> {
    if (action.do === 'seal') this.seal(action.account, action.due, Buffer.alloc(action.bytes, action.due))
    else if (action.do === 'shred') this.shred(action.pick, action.count)
    else if (action.do === 'sync') await this.sync()
    else if (action.do === 'tick') await pause(1)
    else if (action.do === 'due') this.checkDue(action.second)
    else await this.reopen(action)
  }

  seal(account: number, due: number, text: Buffer): void {
    const queue = this.keyring.queue(ACCOUNTS[account] ?? '', DEVICE)
    const seq = queue.lastSeq + 1
    const { id, blob } = this.keyring.seal(queue, seq, text, due, 'message')
    const { handle } = queue
    const fresh = { live: true, sealSynced: false, shredSynced: false }
    this.messages.set(id, { account, handle, seq, due, text, blob, ...fresh })
  }

  shred(pick: number, count: number): void {
    const ids = [...this.messages.keys()]
    const chosen = Array.from({ length: count }, (_, index) => ids[(pick + index) % ids.length] ?? '').filter(
      Boolean,
    )
    const live = new Set(chosen.filter((id) => this.messages.get(id)?.live))
    expect(this.keyring.shred(chosen)).toBe(live.size)
    for (const id of live) Object.assign(this.messages.get(id) ?? {}, { live: false })
    for (const queue of this.keyring.queues()) if (queue.count === 0) this.keyring.drain(queue)
  }

  async sync(): Promise<void> {
    await this.keyring.synced()
    for (const [id, message] of this.messages) {
      message.sealSynced = true
      if (!message.live) message.shredSynced = true
      const at = this.volume.content.indexOf(Buffer.from(id.replaceAll('-', ''), 'hex'))
      if (at > 0) message.key ??= Buffer.from(this.volume.content.subarray(at + 16, at + 48))
      expect(at > 0, 'an id is on disk as long as its key').toBe(message.live)
      if (!message.live && message.key !== undefined)
        expect(this.volume.content.includes(message.key)).toBe(false)
    }
  }

  async reopen(action: Step): Promise<void> {
    const old = this.keyring
    if (action.do === 'restart') {
      await old[Symbol.asyncDispose]()
      for (const message of this.messages.values()) {
        message.sealSynced = true
        message.shredSynced ||= !message.live
      }
    }
    if (action.do === 'kill') this.volume = this.volume.kill()
    if (action.do === 'powerCut') {
      let turn = 0
      this.volume = this.volume.crash(
        (bytes) => (action.cuts[(turn += 1) % action.cuts.length] ?? 0) % (bytes + 1),
      )
    }
    await this.open()
    this.observe()
    await old[Symbol.asyncDispose]()
  }

  /** What a crash may leave is observed and becomes the model; what it must not change is checked. */
  observe(): void {
    const reconciliation = this.keyring.reconcile()
    for (const [id, message] of this.messages) {
      const row = packRow({ id, handle: message.handle, seq: message.seq, sizeClass: 0 })
      const found = reconciliation.rows(row).length === 0
      if (message.live && message.sealSynced) expect(found, 'a synced seal survives').toBe(true)
      if (message.shredSynced) expect(found, 'a synced shred stays').toBe(false)
      message.live = found
      message.sealSynced = true
      message.shredSynced = !found
    }
    reconciliation.finish()
  }

  check(): void {
    const live = [...this.messages].filter(([, message]) => message.live)
    expect(this.keyring.size).toBe(live.length)
    for (const [id, { account, seq, blob, live: isLive, text }] of this.messages) {
      expect(this.keyring.has(id)).toBe(isLive)
      if (!isLive) continue
      const queue = this.keyring.findQueue(ACCOUNTS[account] ?? '', DEVICE)
      expect(queue !== undefined && this.keyring.open(id, queue, seq, blob)).toEqual(text)
    }
    for (const queue of this.keyring.queues()) {
      const expected = live.filter(([, { handle }]) => handle === queue.handle).map(([id]) => id)
      expect(this.keyring.messages(queue).map(({ id }) => id)).toEqual(expected)
      expect(queue.count).toBe(expected.length)
    }
  }

  checkDue(second: number): void {
    const expected = [...this.messages].filter(([, { live, due }]) => live && due <= second).map(([id]) => id)
    const ids = this.keyring.due(second).map(({ id }) => id)
    expect(new Set(ids)).toEqual(new Set(expected))
  }
}

test('it does what the model does, whatever happens to the process and the power', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), async (steps) => {
      const run = new Run()
      await run.open()
      for (const action of steps) {
        await run.take(action)
        run.check()
      }
      await run.sync()
      await run.keyring[Symbol.asyncDispose]()
    }),
    { numRuns: 150, interruptAfterTimeLimit: 5_000, markInterruptAsFailure: false },
  )
})
