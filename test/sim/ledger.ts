/**
 * Everything that the relay promised, and what came of it. A message is acknowledged when `h` has passed it on its
 * sender's side (XEP-0198 §4).
 *
 * Duplicates that XEP-0198 allows: one more copy for each time the sender sent it again, one more when a crash came
 * between the receiver's acknowledgement and the shred being synced, and any number as long as no acknowledgement of
 * the copies before has reached the relay. One more is known, see `takesTwiceBelow`. All others are too many.
 */
import type { Clock } from '@sealpost/runtime'
import type { ClientSession, Device } from './device.ts'
import { type Trace, Violation } from './trace.ts'

interface Arrival {
  readonly session: ClientSession
  /** The place of the stanza in its session: what a count of this many acknowledges. */
  readonly place: number
  readonly order: number
}

export interface SentMessage {
  readonly id: string
  readonly number: number
  readonly sender: Device
  /** The sender's session at the first transmission. */
  readonly session: ClientSession | undefined
  /** The account it is for. */
  readonly account: string
  readonly ttlSeconds: number
  readonly firstSentMs: number
  /** Devices that must get it, once it is acknowledged. */
  readonly obliged: ReadonlySet<Device>
  transmissions: number
  /** When its last transmission had reached the relay. */
  lastArrivedMs: number
  acknowledged: boolean
  refused: string | undefined
  /** Copies that came back to life by a crash. */
  returned: number
  readonly arrivals: Map<Device, Arrival[]>
}

function copiesAllowed(device: Device, { number, transmissions, returned }: SentMessage): number {
  return transmissions + returned + (number < device.takesTwiceBelow ? 1 : 0)
}

export class Ledger {
  readonly messages = new Map<string, SentMessage>()
  readonly #clock: Clock
  readonly #trace: Trace
  #arrivals = 0

  constructor(clock: Clock, trace: Trace) {
    this.#clock = clock
    this.#trace = trace
  }

  /** What a device is about to send for the first time. */
  create(
    sender: Device,
    session: ClientSession | undefined,
    message: { account: string; ttlSeconds: number; obliged: ReadonlySet<Device> },
  ): SentMessage {
    const number = this.messages.size
    const sent: SentMessage = {
      ...message,
      ...{ id: `m${number}`, number, sender, session },
      ...{ transmissions: 0, acknowledged: false, refused: undefined, returned: 0 },
      firstSentMs: this.#clock.now(),
      lastArrivedMs: 0,
      arrivals: new Map(),
    }
    this.messages.set(sent.id, sent)
    return sent
  }

  returned(id: string): void {
    const message = this.messages.get(id)
    if (message) message.returned++
  }

  /** The relay writes a message to a device. `stampMs`: when it was accepted, if it was stored. */
  written(device: Device, id: string, stampMs: number | undefined): void {
    const message = this.messages.get(id)
    if (!message) throw new Violation(this.#trace, `${id} was never sent`, [device.name])
    this.#checkAddressee(device, message)
    this.#checkLife(device, message, stampMs)
    const acknowledged = (message.arrivals.get(device) ?? []).filter(
      ({ session, place }) => place <= session.acknowledgedUpTo,
    )
    if (acknowledged.length >= copiesAllowed(device, message))
      throw this.#violation(`${id} again, although acknowledged`, device, message)
  }

  arrived(device: Device, id: string, session: ClientSession, place: number): void {
    const message = this.messages.get(id)
    if (!message) throw new Violation(this.#trace, `${id} was never sent`, [device.name])
    const arrivals = message.arrivals.get(device) ?? []
    message.arrivals.set(device, [...arrivals, { session, place, order: this.#arrivals++ }])
    const here = arrivals.filter((arrival) => arrival.session === session).length + 1
    if (here > copiesAllowed(device, message))
      throw this.#violation(`${id} twice in one session`, device, message)
  }

  #checkAddressee(device: Device, { id, account, sender }: SentMessage): void {
    if (device.account === account || device.account === sender.account) return
    throw new Violation(this.#trace, `${id} to somebody else`, [device.name, sender.name])
  }

  /** The exact second where the stamp tells it; some slack where a copy was given on as it came. */
  #checkLife(device: Device, message: SentMessage, stampMs: number | undefined): void {
    const from = stampMs ?? message.lastArrivedMs + 3_000
    const dueSeconds = Math.ceil(from / 1000) + message.ttlSeconds
    if (this.#clock.now() / 1000 < dueSeconds) return
    throw this.#violation(
      `${message.id} after its expiry at ${dueSeconds} (accepted ${stampMs ?? 'about'} ${message.lastArrivedMs})`,
      device,
      message,
    )
  }

  /** When everybody has taken what there was. */
  check(devices: readonly Device[]): void {
    for (const message of this.messages.values()) this.#checkNotLost(message, devices)
    for (const receiver of devices) for (const sender of devices) this.#checkOrder(sender, receiver)
  }

  #checkNotLost(message: SentMessage, devices: readonly Device[]): void {
    const { id, acknowledged, refused, account, sender } = message
    if (!acknowledged || refused !== undefined) return
    if (Math.floor(message.firstSentMs / 1000) + message.ttlSeconds <= this.#clock.now() / 1000) return
    for (const device of message.obliged) {
      if (!message.arrivals.has(device) && !device.wasForgottenSince(message.firstSentMs))
        throw this.#violation(`${id} lost for a device`, device, message)
    }
    const own = devices.filter((device) => device.account === account)
    if (own.length > 0 && !own.some((device) => message.arrivals.has(device)))
      throw this.#violation(`${id} lost for the account`, own[0] ?? sender, message)
  }

  /** What was sent once must arrive in the order of sending, for devices with a queue of their own. */
  #checkOrder(sender: Device, receiver: Device): void {
    const first = [...this.messages.values()]
      .filter((message) => message.sender === sender && message.transmissions === 1)
      .filter((message) => message.obliged.has(receiver) && message.arrivals.has(receiver))
      .map((message) => ({ message, order: message.arrivals.get(receiver)?.[0]?.order ?? 0 }))
    for (const [index, one] of first.entries()) {
      const before = first[index - 1]
      if (!before || before.order < one.order) continue
      // Without stream management nobody knows what of an earlier connection is still under way.
      if (!sender.traits.streamManagement && before.message.session !== one.message.session) continue
      throw this.#violation(`${one.message.id} before ${before.message.id}`, receiver, one.message)
    }
  }

  #violation(rule: string, device: Device, { sender }: SentMessage): Violation {
    return new Violation(this.#trace, `${rule}: ${sender.name} to ${device.name}`, [device.name, sender.name])
  }
}
