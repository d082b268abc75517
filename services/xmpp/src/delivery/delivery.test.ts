import { VirtualClock } from '@sealpost/runtime'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemorySealedStore, turns } from './_memory-sealed-store.ts'
import { Peer, silentEvents } from './_peer.ts'
import type { Outcome, QueuedMessage } from './copy.ts'
import { Delivery } from './delivery.ts'
import type { QueueKey } from './sealed-store/sealed-store.ts'

const QUEUES: readonly QueueKey[] = ['a', 'b'].map((device) => ({ account: 'one', device }))
const LATER = 4_000_000_000

/** What a sender knows of one message. */
class SenderView implements Outcome {
  held = 0
  releases = 0
  refused = false

  hold(): void {
    this.held++
  }

  release(): void {
    this.releases++
  }

  refuse(): void {
    this.refused = true
  }
}

interface Sent {
  readonly id: string
  readonly queue: QueueKey
  readonly outcome: SenderView
  /** To one session of the queue: another one may get it late, when that one is gone. */
  readonly direct: boolean
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
  readonly sent: Sent[] = []
  readonly peers: Peer[] = []

  message(id: string, dueSeconds = LATER): QueuedMessage {
    return {
      xml: `<message id='${id}'><x/></message>`,
      stampMs: 1,
      dueSeconds,
      kind: 'message',
      wakes: false,
      kept: true,
    }
  }

  send(queue: QueueKey, dueSeconds = LATER): Sent {
    const sent = this.#sent(queue, false)
    this.delivery.deliver(queue, this.message(sent.id, dueSeconds), sent.outcome)
    return sent
  }

  sendTo(peer: Peer): Sent {
    const sent = this.#sent(peer.queue, true)
    this.delivery.deliverTo(peer.session, peer.queue, this.message(sent.id), sent.outcome)
    return sent
  }

  /** A client that is here and takes from the queue. */
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

  /** Lets everything that is under way come to an end. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms)
    await turns(6)
  }

  #sent(queue: QueueKey, direct: boolean): Sent {
    const sent = { id: `m${this.sent.length}`, queue, outcome: new SenderView(), direct }
    this.sent.push(sent)
    return sent
  }
}

test('what is acknowledged in time is never stored', async () => {
  const world = new World()
  const peer = world.join(QUEUES[0]!)
  const { outcome } = world.send(peer.queue)
  await world.pass(20)
  peer.acknowledge(1)
  await world.pass(500)
  expect(outcome).toMatchObject({ held: 1, releases: 1, refused: false })
  expect(world.store.appended).toBe(0)
})

test('a copy acknowledged while it is being sealed is released once and leaves nothing', async () => {
  const world = new World()
  const peer = world.join(QUEUES[0]!)
  const { outcome } = world.send(peer.queue)
  world.lose(peer)
  peer.reconnect()
  peer.acknowledge(1)
  await world.pass(500)
  expect(outcome).toMatchObject({ releases: 1, refused: false })
  expect(world.store.size).toBe(0)
})

test('available again while copies are unacknowledged: none comes twice', async () => {
  const world = new World()
  const peer = world.join(QUEUES[0]!)
  for (let n = 0; n < 3; n++) world.send(peer.queue)
  world.delivery.detach(peer.session)
  await world.pass(100)
  world.send(peer.queue)
  world.delivery.attach(peer.session, peer.queue)
  await world.pass(100)
  expect(peer.messages).toEqual(['m0', 'm1', 'm2', 'm3'])
})

test('a resumption replays what was not acknowledged, then goes on with the backlog', async () => {
  const world = new World()
  const peer = world.join(QUEUES[0]!)
  for (let n = 0; n < 3; n++) world.send(peer.queue)
  peer.messages.length = 1 // the others got lost with the connection
  world.lose(peer)
  world.send(peer.queue)
  await world.pass(100)
  world.resume(peer)
  await world.pass(100)
  expect(peer.messages).toEqual(['m0', 'm1', 'm2', 'm3'])
})

test('a resumption does not bring back what fell due meanwhile', async () => {
  const world = new World()
  const peer = world.join(QUEUES[0]!)
  world.send(peer.queue, 1)
  world.send(peer.queue)
  peer.messages.length = 0
  world.lose(peer)
  await world.pass(2_000)
  world.store.expire()
  world.resume(peer)
  await world.pass(100)
  expect(peer.messages).toEqual(['m1'])
  peer.acknowledge(1)
  expect(world.store.size).toBe(0)
})

test('what a store refuses while a device holds it is tried again, in order, and never spins', async () => {
  const world = new World()
  const peer = world.join(QUEUES[0]!)
  world.store.failure = 'throws'
  for (let n = 0; n < 3; n++) world.send(peer.queue)
  world.lose(peer)
  await world.pass(200)
  expect(world.sent.map(({ outcome }) => outcome.releases)).toEqual([0, 0, 0])
  world.store.failure = 'none'
  await world.pass(1_100)
  expect(world.sent.map(({ outcome }) => outcome.releases)).toEqual([1, 1, 1])
  world.end(peer)
  const next = world.join(peer.queue)
  await world.pass(100)
  expect(next.messages).toEqual(['m0', 'm1', 'm2'])
})

test('the sender is told when nobody holds it and it cannot be kept', async () => {
  for (const failure of ['throws', 'rejects'] as const) {
    const world = new World()
    world.store.failure = failure
    const { outcome } = world.send(QUEUES[0]!)
    await world.pass(100)
    expect(outcome).toMatchObject({ releases: 1, refused: true })
  }
})

test('whoever comes to a shared queue while another holds a live copy gets it too, and in order', async () => {
  const world = new World()
  const first = world.join(QUEUES[0]!)
  world.send(first.queue)
  const second = world.join(QUEUES[0]!)
  world.send(first.queue)
  await world.pass(100)
  expect(second.messages).toEqual(['m0', 'm1'])
})

test('what was addressed to one session of a shared queue goes to the others when it is gone for good', async () => {
  const world = new World()
  const first = world.join(QUEUES[0]!)
  const second = world.join(QUEUES[0]!)
  world.sendTo(first)
  await world.pass(100)
  expect(second.messages).toEqual([])
  world.end(first)
  await world.pass(100)
  expect(second.messages).toEqual(['m0'])
})

test('a peer that does not read gets the rest from its queue, in order', async () => {
  const world = new World()
  const peer = world.join(QUEUES[0]!)
  world.send(peer.queue)
  peer.connection.congested = true
  for (let n = 0; n < 10; n++) world.send(peer.queue)
  await world.pass(100)
  expect(peer.messages).toEqual(['m0'])
  peer.connection.drain()
  await world.pass(100)
  world.send(peer.queue)
  expect(peer.messages).toEqual(world.sent.map(({ id }) => id))
})

test('a message to one peer that does not read comes when it reads again (simulation, seed 34)', async () => {
  const world = new World()
  const peer = world.join(QUEUES[0]!)
  peer.connection.congested = true
  world.sendTo(peer)
  await world.pass(100)
  peer.connection.drain()
  await world.pass(100)
  expect(peer.messages).toEqual(['m0'])
})

test('nothing is left of a queue that took nothing (simulation, seed 1385)', async () => {
  const world = new World()
  world.store.failure = 'throws'
  world.send(QUEUES[0]!)
  expect(world.delivery.queueCount).toBe(0)
  const peer = world.join(QUEUES[1]!)
  world.delivery.detach(peer.session)
  world.sendTo(peer)
  expect(peer.messages).toEqual(['m1'])
  peer.acknowledge(1)
  await world.pass(100)
  expect(world.delivery.queueCount).toBe(0)
})

test('a peer that reads but never acknowledges is given a bounded number', async () => {
  const world = new World()
  const peer = world.join(QUEUES[0]!)
  for (let n = 0; n < 6_000; n++) world.send(peer.queue)
  expect(peer.messages.length).toBe(2_000)
  expect(peer.overflown).toBe(false)
})

test('what was sealed and what was opened is wiped, taken or refused', async () => {
  const world = new World()
  const queue = QUEUES[0]!
  world.send(queue)
  world.send(queue)
  const peer = world.join(queue)
  await world.pass(100)
  expect(peer.messages).toEqual(['m0', 'm1'])
  world.lose(peer)
  world.store.failure = 'throws'
  world.send(queue)
  await world.pass(100)
  expect(world.store.plaintexts).toHaveLength(5)
  for (const plaintext of world.store.plaintexts) expect(plaintext.every((byte) => byte === 0)).toBe(true)
})

interface QueueStep {
  readonly do: 'send' | 'join'
  readonly queue: number
}

interface PeerStep {
  readonly do: 'sendTo' | 'acknowledge' | 'lose' | 'resume' | 'end' | 'leave' | 'return' | 'congest' | 'drain'
  readonly peer: number
}

type Step =
  | QueueStep
  | PeerStep
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'fail'; readonly failure: MemorySealedStore['failure'] }

const peerStep = fc.record({
  do: fc.constantFrom(
    ...(['sendTo', 'acknowledge', 'acknowledge', 'lose', 'resume', 'end'] as const),
    ...(['leave', 'return', 'congest', 'drain'] as const),
  ),
  peer: fc.nat({ max: 5 }),
})
const pass = fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 1, 10, 50, 1_000) })
const queueStep = fc.record({
  do: fc.constantFrom('send' as const, 'send' as const, 'send' as const, 'join' as const),
  queue: fc.nat({ max: QUEUES.length - 1 }),
})
const fail = fc.record({
  do: fc.constant('fail' as const),
  failure: fc.constantFrom('none' as const, 'none' as const, 'throws' as const, 'rejects' as const),
})

async function act(world: World, step: Step): Promise<void> {
  if (step.do === 'pass') return world.pass(step.ms)
  if (step.do === 'fail') return void (world.store.failure = step.failure)
  if ('queue' in step) {
    const queue = QUEUES[step.queue]!
    return void (step.do === 'send' ? world.send(queue) : world.join(queue))
  }
  return actOnSomebody(world, step)
}

function actOnSomebody(world: World, step: PeerStep): void {
  const peer = world.peers[step.peer % Math.max(1, world.peers.length)]
  if (peer && !peer.session.closed) actOn(world, peer, step.do)
}

function actOn(world: World, peer: Peer, what: PeerStep['do']): void {
  const connected = peer.session.stream !== undefined
  if (what === 'end') return world.end(peer)
  if (what === 'resume') return connected ? undefined : world.resume(peer)
  if (!connected) return
  if (what === 'sendTo') world.sendTo(peer)
  else if (what === 'acknowledge') peer.acknowledge(Math.ceil((peer.acknowledged + peer.messages.length) / 2))
  else if (what === 'lose') world.lose(peer)
  else if (what === 'leave') world.delivery.detach(peer.session)
  else if (what === 'return') world.delivery.attach(peer.session, peer.queue)
  else if (what === 'congest') peer.connection.congested = true
  else peer.connection.drain()
}

/** Whoever is here reads and acknowledges: then nothing may be left in a queue, unless somebody else may still come back for it. */
async function settle(world: World): Promise<void> {
  const open = world.peers.filter(({ session }) => !session.closed)
  const here = open.filter(({ session }) => session.stream)
  for (let round = 0; round < 4; round++) {
    for (const peer of here) {
      world.delivery.attach(peer.session, peer.queue)
      peer.connection.drain()
      peer.acknowledge(peer.messages.length)
    }
    await world.pass(1_100)
  }
  for (const { queue } of here) {
    if (open.some((peer) => peer.queue === queue && !here.includes(peer))) continue
    expect(world.store.depth(queue).count, 'left behind').toBe(0)
  }
}

/** All old sessions end; then a well-behaved one for each queue takes what is left. */
async function finish(world: World): Promise<void> {
  world.store.failure = 'none'
  await world.pass(2_000)
  await settle(world)
  for (const peer of world.peers) world.end(peer)
  await world.pass(2_000)
  const last = QUEUES.map((queue) => world.join(queue))
  for (let round = 0; round < 4; round++) {
    await world.pass(1_000)
    for (const peer of last) peer.acknowledge(peer.messages.length)
  }
  for (const peer of last) world.end(peer)
  await world.pass(1_000)
}

/** Nobody got a message twice in one session; and in order, unless the store failed. */
function checkPeers(world: World, ordered: boolean): void {
  for (const peer of world.peers) {
    expect(new Set(peer.messages).size).toBe(peer.messages.length)
    const numbers = peer.messages.map((id) => Number(id.slice(1))).filter((n) => !world.sent[n]?.direct)
    if (ordered) expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
  }
}

function checkSenders(world: World): void {
  const acknowledged = new Set(
    world.peers.flatMap((peer) =>
      peer.messages.slice(0, peer.acknowledged).map((id) => `${peer.queue.device} ${id}`),
    ),
  )
  for (const { id, queue, outcome } of world.sent) {
    expect(outcome, id).toMatchObject({ held: 1, releases: 1 })
    expect(outcome.refused || acknowledged.has(`${queue.device} ${id}`), `${id} is lost`).toBe(true)
  }
}

for (const [title, steps, ordered] of [
  ['in order', [queueStep, queueStep, peerStep, peerStep, pass], true],
  ['through failures of the store', [queueStep, queueStep, peerStep, peerStep, pass, fail], false],
] as const) {
  test(`whatever happens: nothing lost, nothing twice, ${title}`, async () => {
    const property = fc.asyncProperty(fc.array(fc.oneof(...steps), { maxLength: 60 }), async (list) => {
      const world = new World()
      for (const step of list) await act(world, step)
      await finish(world)
      checkPeers(world, ordered)
      checkSenders(world)
      expect(world.store.size).toBe(0)
      expect(world.delivery.queueCount).toBe(0)
    })
    await fc.assert(property, { numRuns: 3_000, interruptAfterTimeLimit: 4_000 })
  })
}
