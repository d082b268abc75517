/** The store against a plain model, through restarts, with a clock that moves. */
import { VirtualClock } from '@sealpost/runtime'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFixture, newQueue, texts } from './_fixture.ts'
import type { Fixture } from './_fixture.ts'
import type { SealedStore } from './sealed-store.ts'

type Step =
  | { do: 'append'; queue: number; lifeSeconds: number; bytes: number }
  | { do: 'shred'; pick: number; count: number }
  | { do: 'read'; queue: number; skip: number }
  | { do: 'time'; seconds: number }
  | { do: 'shredQueue'; queue: number }
  | { do: 'settle' | 'collect' | 'restart' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      queue: fc.nat(2),
      lifeSeconds: fc.integer({ min: 1, max: 50 }),
      bytes: fc.nat(1500),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('shred' as const), pick: fc.nat(), count: fc.nat(3) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('read' as const), queue: fc.nat(2), skip: fc.nat(5) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('time' as const), seconds: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('shredQueue' as const), queue: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('settle' as const, 'collect' as const, 'restart' as const) }),
  },
)

interface Modelled {
  readonly queue: number
  readonly text: string
  readonly due: number
}

class Run {
  readonly fixture: Fixture
  readonly clock = new VirtualClock()
  readonly queues = [newQueue(), newQueue(), newQueue()]
  readonly live = new Map<string, Modelled>()
  readonly lastSeq = [0, 0, 0]
  store!: SealedStore

  constructor(fixture: Fixture) {
    this.fixture = fixture
  }

  async open(): Promise<void> {
    this.store = await this.fixture.open({ clock: this.clock })
  }

  key(queue: number) {
    return this.queues[queue] ?? newQueue()
  }

  ofQueue(queue: number): [string, Modelled][] {
    return [...this.live].filter(([, message]) => message.queue === queue)
  }

  async take(action: Step): Promise<void> {
    const { store } = this
    if (action.do === 'append') this.append(action.queue, action.lifeSeconds, 'x'.repeat(action.bytes))
    else if (action.do === 'shred') this.shred(action.pick, action.count)
    else if (action.do === 'shredQueue') this.shredQueue(action.queue)
    else if (action.do === 'read') await this.read(action.queue, action.skip)
    else if (action.do === 'time') await this.pass(action.seconds)
    else if (action.do === 'settle') await store.flushed()
    else if (action.do === 'collect') await store.garbage()
    else await this.restart()
  }

  append(queue: number, lifeSeconds: number, filler: string): void {
    const due = this.clock.now() / 1000 + lifeSeconds
    const text = `${String(this.live.size)} ${filler}`
    const { id, seq } = this.store.append(this.key(queue), Buffer.from(text), due, 'message')
    expect(seq).toBeGreaterThan(this.lastSeq[queue] ?? 0)
    this.lastSeq[queue] = seq
    this.live.set(id, { queue, text, due })
  }

  shred(pick: number, count: number): void {
    const ids = [...this.live.keys()]
    const chosen = new Set(ids.slice(pick % (ids.length + 1)).slice(0, count))
    expect(this.store.shred([...chosen])).toBe(chosen.size)
    for (const id of chosen) this.live.delete(id)
  }

  shredQueue(queue: number): void {
    const gone = this.ofQueue(queue)
    expect(this.store.shredQueue(this.key(queue))).toBe(gone.length)
    for (const [id] of gone) this.live.delete(id)
  }

  async read(queue: number, skip: number): Promise<void> {
    const all = await this.store.read(this.key(queue), 0, 1000, 1e9)
    const expected = this.ofQueue(queue).map(([id, { text }]) => [id, text])
    expect(all.map(({ id, plaintext }) => [id, plaintext.toString()])).toEqual(expected)
    const after = all[skip]?.seq
    if (after === undefined) return
    expect(await texts(this.store, this.key(queue), after)).toEqual(
      expected.slice(skip + 1).map(([, text]) => text),
    )
  }

  async pass(seconds: number): Promise<void> {
    await this.clock.advance(seconds * 1000)
    const due = [...this.live].filter(([, message]) => message.due <= this.clock.now() / 1000)
    expect(this.store.expire().count).toBe(due.length)
    for (const [id] of due) this.live.delete(id)
  }

  async restart(): Promise<void> {
    await this.store[Symbol.asyncDispose]()
    expect(await this.fixture.rowCount()).toBe(this.live.size)
    await this.open()
    this.lastSeq.fill(0)
  }

  check(): void {
    for (const queue of this.queues.keys()) {
      const { count } = this.store.depth(this.key(queue))
      expect(count).toBe(this.ofQueue(queue).length)
      expect(this.store.queuesOf(this.key(queue).account)).toHaveLength(count > 0 ? 1 : 0)
    }
  }
}

test('it does what the model does', async () => {
  await using fixture = await createFixture()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), async (steps) => {
      const run = new Run(fixture)
      await run.open()
      for (const action of steps) {
        await run.take(action)
        run.check()
      }
      for (const queue of run.queues.keys()) run.shredQueue(queue)
      await run.restart()
      await run.store[Symbol.asyncDispose]()
    }),
    { numRuns: 60, interruptAfterTimeLimit: 5_000, markInterruptAsFailure: false },
  )
})
