import { VirtualClock } from '@sealpost/runtime'
import { StreamError } from '@sealpost/stanza'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { MemorySealedStore } from './_memory-sealed-store.ts'
import { Peer, silentEvents } from './_peer.ts'
import { Copy } from './copy.ts'
import { Delivery } from './delivery.ts'
import { DeliveryQueue } from './delivery-queue.ts'
import { Outbox } from './outbox.ts'

const KEY = { account: 'one', device: 'a' }
const WRAP = 2 ** 32

/** An outbox of its own on a peer's stream, and what it tells. */
class Bench {
  readonly acknowledged: string[] = []
  overflows = 0
  readonly clock = new VirtualClock()
  readonly peer: Peer
  readonly outbox: Outbox
  readonly #queue = new DeliveryQueue(KEY)
  #barriers = 0

  constructor() {
    const { clock } = this
    const delivery = new Delivery({
      store: new MemorySealedStore(clock),
      clock,
      limits: { messagesMax: 1, bytesMax: 1 },
      domain: 'localhost',
      events: silentEvents(),
      onWaiting: () => undefined,
    })
    this.peer = new Peer(delivery, clock, KEY)
    const events = {
      acknowledged: (copy: Copy) => void this.acknowledged.push(copy.id ?? ''),
      roomy: () => undefined,
    }
    this.outbox = new Outbox(
      events,
      clock,
      () => `barrier${this.#barriers++}`,
      () => void this.overflows++,
    )
    const { stream } = this.peer.session
    if (!stream) throw new Error('a peer has a stream')
    this.outbox.connect(stream)
  }

  send(...ids: string[]): Copy[] {
    return ids.map((id) => {
      const copy = new Copy(this.#queue, undefined, undefined)
      copy.id = id
      this.outbox.send(`<message id='${id}'/>`, copy)
      return copy
    })
  }

  get last(): string {
    return this.peer.wire.at(-1) ?? ''
  }
}

describe('outbox', () => {
  let bench: Bench
  let outbox: Outbox
  beforeEach(() => {
    bench = new Bench()
    ;({ outbox } = bench)
  })

  test('a client whose count stands still is asked again after a while, not in a circle', async () => {
    const asked = () => bench.peer.wire.filter((xml) => xml.startsWith('<r ')).length
    outbox.enable()
    bench.send('a', 'b')
    await bench.clock.advance(0)
    const before = asked()
    for (let answers = 0; answers < 100; answers++) outbox.acknowledge(0)
    await bench.clock.advance(0)
    expect(asked()).toBe(before)
    await bench.clock.advance(5_000)
    expect(asked()).toBe(before + 1)
    outbox.acknowledge(2)
    expect(bench.acknowledged).toEqual(['a', 'b'])
  })

  test('R7: h acknowledges in order; too high ends the stream; lower and repeated mean nothing', () => {
    outbox.enable()
    bench.send('a', 'b', 'c')
    outbox.acknowledge(2)
    outbox.acknowledge(2)
    outbox.acknowledge(1)
    expect(bench.acknowledged).toEqual(['a', 'b'])
    expect(() => outbox.acknowledge(4)).toThrow(StreamError)
    outbox.acknowledge(3)
    expect(bench.acknowledged).toEqual(['a', 'b', 'c'])
  })

  test('R7: h wraps at 2^32', () => {
    outbox.enable(WRAP - 2)
    bench.send('a', 'b', 'c', 'd')
    outbox.acknowledge(WRAP - 1)
    expect(bench.acknowledged).toEqual(['a'])
    outbox.acknowledge(1)
    expect(bench.acknowledged).toEqual(['a', 'b', 'c'])
    expect(() => outbox.acknowledge(3)).toThrow(StreamError)
    outbox.acknowledge(WRAP - 1)
    expect(bench.acknowledged.length).toBe(3)
  })

  test('without stream management the answer to a ping covers what was sent before it', () => {
    bench.send('a', 'b')
    bench.peer.connection.beforeFlush?.()
    expect(bench.last).toContain('urn:xmpp:ping')
    bench.send('c')
    expect(outbox.barrierAnswered('another')).toBe(false)
    expect(outbox.barrierAnswered('barrier0')).toBe(true)
    expect(bench.acknowledged).toEqual(['a', 'b'])
    expect(bench.last).toContain(`id='barrier1'`)
  })

  test('what was sent before stream management is acknowledged with the first count, whatever became of the ping', () => {
    bench.send('a', 'b')
    bench.peer.connection.beforeFlush?.()
    outbox.enable()
    bench.send('c')
    expect(outbox.barrierAnswered('barrier0')).toBe(false)
    outbox.acknowledge(0)
    expect(bench.acknowledged).toEqual(['a', 'b'])
    outbox.acknowledge(1)
    expect(bench.acknowledged).toEqual(['a', 'b', 'c'])
  })

  test('what is withdrawn is neither replayed nor counted', () => {
    outbox.enable()
    const [, second] = bench.send('a', 'b', 'c')
    const reached: string[] = []
    outbox.whenAcknowledged(() => reached.push('all'))
    outbox.acknowledge(0)
    expect(outbox.withdraw((copy) => copy === second)).toEqual([second])
    bench.peer.messages.length = 0
    outbox.replay()
    expect(bench.peer.messages).toEqual(['a', 'c'])
    outbox.acknowledge(2)
    expect(bench.acknowledged).toEqual(['a', 'c'])
    expect(reached).toEqual(['all'])
    expect(() => outbox.acknowledge(3)).toThrow(StreamError)
  })

  test('too much without an acknowledgement ends the session, told once and later', async () => {
    outbox.enable()
    for (let n = 0; n < 6_000; n++) outbox.send('<presence/>')
    expect(bench.overflows).toBe(0)
    await bench.clock.advance(0)
    expect(bench.overflows).toBe(1)
  })

  test('too many bytes without an acknowledgement do so too', async () => {
    outbox.enable()
    const large = `<iq>${'x'.repeat(200_000)}</iq>`
    for (let n = 0; n < 90; n++) outbox.send(large)
    await bench.clock.advance(0)
    expect(bench.overflows).toBe(1)
  })

  test('a peer without stream management that does not read what it asks for is given up', async () => {
    bench.peer.connection.congested = true
    bench.peer.connection.backlogBytes = 9 * 1024 * 1024
    outbox.send('<iq/>')
    await bench.clock.advance(0)
    expect(bench.overflows).toBe(1)
  })

  test('acknowledgements in any portions give back every copy once, in order', () => {
    const step = fc.oneof(fc.record({ send: fc.nat({ max: 5 }) }), fc.record({ take: fc.nat({ max: 7 }) }))
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const each = new Bench()
        each.outbox.enable()
        const sent: string[] = []
        let h = 0
        for (const part of steps) {
          if ('send' in part) {
            const ids = Array.from({ length: part.send }, (_, n) => `${sent.length + n}`)
            sent.push(...ids)
            each.send(...ids)
          } else {
            h = Math.min(sent.length, h + part.take)
            each.outbox.acknowledge(h)
          }
        }
        expect(each.acknowledged).toEqual(sent.slice(0, h))
        expect(each.outbox.unacknowledged).toBe(sent.length - h)
      }),
      { interruptAfterTimeLimit: 2_000 },
    )
  })

  test('what waits for somebody to look is bounded in size, not in number alone; what it replaces does not count', () => {
    outbox.active = false
    const large = 'x'.repeat(400_000)
    for (let time = 0; time < 5; time++) outbox.sendWhenActive('same', large)
    const before = bench.peer.wire.length
    outbox.sendWhenActive('b', large)
    expect(bench.peer.wire.length).toBe(before)
    outbox.sendWhenActive('c', large)
    expect(bench.peer.wire.slice(before)).toEqual([large, large, large])
    outbox.sendWhenActive('d', large)
    expect(bench.peer.wire.length).toBe(before + 3)
  })
})
