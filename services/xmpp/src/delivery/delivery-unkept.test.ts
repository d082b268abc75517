/** Messages that must not be kept, under everything that can happen to those who take them. */
import { VirtualClock } from '@sealpost/runtime'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemorySealedStore, turns } from './_memory-sealed-store.ts'
import { Peer, silentEvents } from './_peer.ts'
import type { Outcome } from './copy.ts'
import { Delivery } from './delivery.ts'
import type { QueueKey } from './sealed-store/sealed-store.ts'

const QUEUES: readonly QueueKey[] = ['a', 'b'].map((device) => ({ account: 'one', device }))

class SenderView implements Outcome {
  held = 0
  releases = 0
  refused: string | undefined

  hold(): void {
    this.held++
  }

  release(): void {
    this.releases++
  }

  refuse(error: { readonly condition: string }): void {
    this.refused = error.condition
  }
}

class World {
  readonly clock = new VirtualClock()
  readonly store = new MemorySealedStore(this.clock)
  readonly delivery = new Delivery({
    store: this.store,
    clock: this.clock,
    limits: { messagesMax: 1e9, bytesMax: 1e9 },
    domain: 'localhost',
    events: silentEvents(),
    onWaiting: () => undefined,
  })
  readonly sent: { readonly id: string; readonly queue: QueueKey; readonly outcome: SenderView }[] = []
  readonly peers: Peer[] = []

  send(queue: QueueKey, to?: Peer): SenderView {
    const [id, outcome] = [`m${String(this.sent.length)}`, new SenderView()]
    this.sent.push({ id, queue, outcome })
    const xml = `<message id='${id}'><x/></message>`
    const message = { xml, stampMs: 1, dueSeconds: 4e9, kind: 'message', wakes: false, kept: false } as const
    if (to) this.delivery.deliverTo(to.session, queue, message, outcome)
    else this.delivery.deliver(queue, message, outcome)
    return outcome
  }

  join(queue: QueueKey): Peer {
    const peer = new Peer(this.delivery, this.clock, queue)
    this.peers.push(peer)
    this.delivery.attach(peer.session, queue)
    return peer
  }

  lose(peer: Peer): void {
    peer.session.stream = undefined
    peer.session.outbox.disconnect()
    this.delivery.suspend(peer.session)
  }

  resume(peer: Peer): void {
    peer.acknowledge(peer.messages.length)
    peer.reconnect()
    this.delivery.withdrawDue(peer.session)
    peer.session.outbox.replay()
    this.delivery.attach(peer.session, peer.queue)
  }

  end(peer: Peer): void {
    if (peer.session.closed) return
    peer.session.closed = true
    peer.session.stream = undefined
    this.delivery.close(peer.session)
  }
}

test('nobody is there: refused at once, and no queue is left in memory', () => {
  const world = new World()
  expect(world.send(QUEUES[0]!)).toMatchObject({ held: 1, releases: 1, refused: 'recipient-unavailable' })
  expect(world.delivery.queueCount).toBe(0)
})

test('it waits for its acknowledgement, however long, and is not sealed', async () => {
  const world = new World()
  const peer = world.join(QUEUES[0]!)
  const outcome = world.send(peer.queue)
  await world.clock.advance(60_000)
  expect(outcome).toMatchObject({ releases: 0, refused: undefined })
  peer.acknowledge(1)
  expect(outcome).toMatchObject({ releases: 1, refused: undefined })
  expect(world.store.appended).toBe(0)
})

test('who does not read, or still has a backlog to take, does not take it', async () => {
  const world = new World()
  const peer = world.join(QUEUES[0]!)
  peer.connection.congested = true
  expect(world.send(peer.queue).refused).toBe('recipient-unavailable')
  expect(world.send(peer.queue, peer).refused).toBe('recipient-unavailable')
  peer.connection.drain()
  expect(world.send(peer.queue).refused).toBeUndefined()
})

const actions = ['send', 'send', 'send', 'sendTo', 'join', 'acknowledge', 'acknowledge'] as const
const mishaps = ['lose', 'resume', 'end', 'leave', 'return', 'congest', 'drain', 'pass'] as const
const step = fc.record({
  do: fc.constantFrom(...actions, ...mishaps),
  queue: fc.nat({ max: QUEUES.length - 1 }),
  peer: fc.nat({ max: 5 }),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

async function act(world: World, { do: what, queue, peer: index }: Step): Promise<void> {
  if (what === 'pass') return world.clock.advance(100).then(() => turns(2))
  if (what === 'send') return void world.send(QUEUES[queue]!)
  if (what === 'join') return void world.join(QUEUES[queue]!)
  const peer = world.peers[index % Math.max(1, world.peers.length)]
  if (!peer || peer.session.closed) return
  const connected = peer.session.stream !== undefined
  if (what === 'end') return world.end(peer)
  if (what === 'resume' && !connected) return world.resume(peer)
  if (connected) actOn(world, peer, what)
}

function actOn(world: World, peer: Peer, what: Step['do']): void {
  if (what === 'sendTo') world.send(peer.queue, peer)
  else if (what === 'acknowledge') peer.acknowledge(Math.ceil((peer.acknowledged + peer.messages.length) / 2))
  else if (what === 'lose') world.lose(peer)
  else if (what === 'leave') world.delivery.detach(peer.session)
  else if (what === 'return') world.delivery.attach(peer.session, peer.queue)
  else if (what === 'congest') peer.connection.congested = true
  else if (what === 'drain') peer.connection.drain()
}

function check(world: World): void {
  expect(world.store.appended, 'sealed').toBe(0)
  const taken = new Set(
    world.peers.flatMap((peer) =>
      peer.messages.slice(0, peer.acknowledged).map((id) => `${peer.queue.device} ${id}`),
    ),
  )
  for (const { id, queue, outcome } of world.sent) {
    expect(outcome, id).toMatchObject({ held: 1, releases: 1 })
    expect(outcome.refused === undefined, `${id}: refused, or taken`).toBe(taken.has(`${queue.device} ${id}`))
  }
  for (const peer of world.peers) expect(new Set(peer.messages).size).toBe(peer.messages.length)
  expect(world.delivery.queueCount).toBe(0)
}

test('whatever happens: taken by somebody or back with its sender, never both, never sealed', async () => {
  const seed = Number(process.env['SEED'] ?? Math.trunc(Math.random() * 2 ** 31))
  process.stdout.write(`SEED=${String(seed)}\n`)
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const world = new World()
    for (const each of steps) await act(world, each)
    for (const peer of world.peers) world.end(peer)
    await world.clock.advance(2_000)
    check(world)
  })
  await fc.assert(property, { seed, numRuns: 2_000, interruptAfterTimeLimit: 4_000 })
})
