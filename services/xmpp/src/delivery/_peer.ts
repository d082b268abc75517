/** A client as the delivery sees it: a session with an outbox on a connection that a test holds in its hands. */
import { randomUUID } from 'node:crypto'
import { parseJid } from '@sealpost/jid'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { type Clock, systemRandom } from '@sealpost/runtime'
import type { Connection } from '../transports/connection.ts'
import { Session } from '../core/session.ts'
import { Stream, type StreamContext } from '../core/stream.ts'
import { createXmppEvents, type XmppEvents } from '../events.ts'
import type { Delivery } from './delivery.ts'
import { Inbox } from './inbox.ts'
import { Outbox } from './outbox.ts'
import type { QueueKey } from './sealed-store/sealed-store.ts'

export function silentEvents(): XmppEvents {
  return createXmppEvents(createLog({ level: 'silent' }), createMetrics())
}

/** What was written is read at once, unless the peer does not read. */
export class WireConnection implements Connection {
  readonly secure = true
  readonly remoteAddress = ''
  congested = false
  backlogBytes = 0
  beforeFlush: (() => void) | undefined
  onDrain: (() => void) | undefined
  readonly #onWrite: (xml: string) => void

  constructor(onWrite: (xml: string) => void) {
    this.#onWrite = onWrite
  }

  write(xml: string): void {
    this.#onWrite(xml)
  }

  drain(): void {
    this.congested = false
    this.onDrain?.()
  }

  start(): void {}
  startTls(): void {}
  readonly tlsVersion: undefined
  readonly channelBindings = []
  channelBinding(): undefined {}
  pause(): void {}
  resume(): void {}
  end(): void {}
}

export class Peer {
  readonly session: Session
  readonly queue: QueueKey
  /** Ids of messages in the order in which they came. */
  readonly messages: string[] = []
  /** Everything that came, in order. */
  readonly wire: string[] = []
  /** How many of `messages` were acknowledged. */
  acknowledged = 0
  connection: WireConnection
  overflown = false
  readonly #clock: Clock

  constructor(delivery: Delivery, clock: Clock, queue: QueueKey) {
    this.queue = queue
    this.#clock = clock
    this.connection = this.#newConnection()
    const jid = parseJid(`someone@localhost/${randomUUID()}`)
    const outbox = new Outbox(
      delivery,
      clock,
      () => randomUUID(),
      () => void (this.overflown = true),
    )
    const account = { id: queue.account, jid: jid.bare, state: 'active' as const, signOuts: 0 }
    const device = { id: queue.device, registered: true, inherits: false, carbons: false, overrun: false }
    const stream = this.#newStream()
    this.session = new Session({
      credential: { appPassword: undefined, signOuts: 0 },
      id: randomUUID(),
      account,
      jid,
      inbox: new Inbox(() => undefined),
      outbox,
      stream,
      queues: { own: queue, device, inherited: undefined, dropped: [] },
      inheritUntil: undefined,
    })
    outbox.connect(stream)
    outbox.enable()
  }

  /** On a new connection, as after a resumption. */
  reconnect(): void {
    this.connection = this.#newConnection()
    const stream = this.#newStream()
    this.session.stream = stream
    this.session.outbox.connect(stream)
  }

  /** Tells the server that it has this many of `messages`. */
  acknowledge(count: number): void {
    this.acknowledged = Math.max(this.acknowledged, count)
    this.session.outbox.acknowledge(count)
  }

  #newConnection(): WireConnection {
    return new WireConnection((xml) => {
      this.wire.push(xml)
      const id = /^<message id='([^']*)'/.exec(xml)?.[1]
      if (id !== undefined) this.messages.push(id)
    })
  }

  #newStream(): Stream {
    const context: Partial<StreamContext> = {
      clock: this.#clock,
      random: systemRandom,
      domains: ['localhost'],
      events: silentEvents(),
      limits: {
        elementBytesMaxBeforeAuth: 1000,
        elementBytesMax: 1000,
        negotiationMs: 1e9,
        unreadBytesMax: 65_536,
        unsafeMax: 1,
        bytesRate: { burst: 1, perSecond: 1 },
        elementsRate: { burst: 1, perSecond: 1 },
        closeMs: 1,
      },
    }
    // Nothing is ever received on it, so that it needs neither modules nor router.
    return new Stream(this.connection, context as StreamContext)
  }
}
