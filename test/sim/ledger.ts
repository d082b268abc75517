/**
 * Everything that the relay promised, and what came of it. A message is acknowledged when `h` has passed it on its
 * sender's side (XEP-0198 §4).
 *
 * Duplicates that XEP-0198 allows: one more copy for each time the sender sent it again and the relay could not recognise it, one more for each that is in the
 * device's queue after a crash (it came between the receiver's acknowledgement and the shred being synced), and any
 * number as long as no acknowledgement of the copies before has reached the relay. One more is known, see
 * `takesTwiceBelow`. All others are too many.
 */
import type { Clock } from '@sealpost/runtime'
import { ACCOUNT_QUEUE } from '../../services/xmpp/src/delivery/device-registry.ts'
import type { ClientSession, Device } from './device.ts'
import type { DiskEvents } from './sealed-disk.ts'
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
  /** Those of them that the relay may take for new messages: it recognises what it has got from this device already, as long as it runs. */
  attempts: number
  /** When its last transmission had reached the relay. */
  lastArrivedMs: number
  acknowledged: boolean
  refused: string | undefined
  /** A copy could not be sealed at first: it was tried again, behind younger ones. */
  givenUp: boolean
  /** Copies that were there after a crash, by the relay's name of the device in whose queue they were. */
  readonly survivors: Map<string, number>
  readonly arrivals: Map<Device, Arrival[]>
}

function copiesAllowed(device: Device, { number, attempts, survivors }: SentMessage): number {
  const survived = (survivors.get(device.relayId) ?? 0) + (survivors.get(ACCOUNT_QUEUE) ?? 0)
  return attempts * (number < device.takesTwiceBelow ? 2 : 1) + survived
}

export class Ledger implements DiskEvents {
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
      id: `m${number}`,
      number,
      sender,
      session,
      transmissions: 0,
      attempts: 0,
      acknowledged: false,
      refused: undefined,
      givenUp: false,
      survivors: new Map(),
      firstSentMs: this.#clock.now(),
      lastArrivedMs: 0,
      arrivals: new Map(),
    }
    this.messages.set(sent.id, sent)
    return sent
  }

  givenUp(id: string): void {
    const message = this.messages.get(id)
    if (message) message.givenUp = true
  }

  survived(id: string, device: string): void {
    const survivors = this.messages.get(id)?.survivors
    survivors?.set(device, (survivors.get(device) ?? 0) + 1)
  }

  /** The relay writes a message to a device. `stampMs`: when it was accepted, if it was stored. */
  written(device: Device, id: string, stampMs: number | undefined): void {
    const message = this.messages.get(id)
    if (!message) throw new Violation(this.#trace, `${id} was never sent`, [device.name])
    this.#checkAddressee(device, message)
    this.#checkLife(device, message, stampMs)
    const acknowledged = (message.arrivals.get(device) ?? []).filter(
      ({ session, place }) => place <= session.acknowledgedUpTo && session.life === device.lives,
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

  /** The exact second where the stamp tells it (it is cut to milliseconds); some slack where a copy was given on as it came. */
  #checkLife(device: Device, message: SentMessage, stampMs: number | undefined): void {
    const from = stampMs ?? message.lastArrivedMs + 3_000
    const dueSeconds = Math.ceil((from + 1) / 1000) + message.ttlSeconds
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
    if (own.some((device) => device.wasForgottenSince(message.firstSentMs))) return // with what waited for it
    if (own.length > 0 && !own.some((device) => message.arrivals.has(device)))
      throw this.#violation(`${id} lost for the account`, own[0] ?? sender, message)
  }

  /** What was sent once must arrive in the order of sending, for devices with a queue of their own and a store that works. */
  #checkOrder(sender: Device, receiver: Device): void {
    const first = [...this.messages.values()]
      .filter((message) => message.sender === sender && message.transmissions === 1 && !message.givenUp)
      .filter((message) => message.obliged.has(receiver) && message.arrivals.has(receiver))
      .filter(({ number }) => number >= receiver.takesTwiceBelow)
      .filter(({ firstSentMs }) => !receiver.wasForgottenSince(firstSentMs))
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
