/**
 * What senders were told is safe, and what became of it at each device. Duplicates are fine where XEP-0198 allows them: a sender that did not know
 * whether its message was safe sent it again, or a device had not acknowledged. An acknowledgement that was followed by a kill at once
 * may not have reached the relay, or the relay's disk: it proves nothing.
 */

/** An acknowledgement that was followed by so much time without a break has reached the relay's disk. */
const FIRM_MS = 1_000
/** From the relay's decision that a message is not due yet to the test's look at its clock. */
const TRANSIT_MS = 2_000

export interface Arrival {
  readonly atMs: number
  /** Its place among the stanzas of the session: what a count of this many acknowledges. */
  readonly place: number
  acknowledgedAtMs: number | undefined
}

export interface Message {
  readonly id: string
  readonly to: string
  readonly ttlSeconds: number | undefined
  /** Names of the devices that must get it. */
  readonly obliged: readonly string[]
  transmissions: number
  lastSentMs: number
  acknowledged: boolean
  refused: boolean
  readonly arrivals: Map<string, Arrival[]>
}

export interface Findings {
  readonly sent: number
  readonly transmitted: number
  readonly acknowledged: number
  readonly delivered: number
  /** Copies that came again since their sender sent them again, and since their device had not acknowledged. */
  readonly sentAgain: number
  readonly unacknowledged: number
  /** Copies of messages with a lifetime that were due before their device came. */
  readonly expired: number
  /** What must not be. */
  readonly refused: string[]
  readonly lost: string[]
  readonly late: string[]
  readonly twice: string[]
}

export class Ledger {
  readonly #messages = new Map<string, Message>()
  /** When the connections of a device broke. */
  readonly #breaks = new Map<string, number[]>()

  create(to: string, ttlSeconds: number | undefined, obliged: readonly string[]): Message {
    const message: Message = {
      id: `m${this.#messages.size}`,
      to,
      ttlSeconds,
      obliged,
      transmissions: 0,
      lastSentMs: 0,
      acknowledged: false,
      refused: false,
      arrivals: new Map(),
    }
    this.#messages.set(message.id, message)
    return message
  }

  broke(device: string, atMs: number): void {
    const breaks = this.#breaks.get(device)
    if (breaks) breaks.push(atMs)
    else this.#breaks.set(device, [atMs])
  }

  refused(id: string): void {
    const message = this.#messages.get(id)
    if (message) message.refused = true
  }

  arrived(device: string, id: string, place: number): Arrival | undefined {
    const message = this.#messages.get(id)
    if (!message) return undefined
    const arrival: Arrival = { atMs: Date.now(), place, acknowledgedAtMs: undefined }
    const arrivals = message.arrivals.get(device)
    if (arrivals) arrivals.push(arrival)
    else message.arrivals.set(device, [arrival])
    return arrival
  }

  /** Acknowledged messages without a lifetime that some device still has to get. */
  get outstanding(): number {
    return [...this.#messages.values()].filter(isLost).length
  }

  findings(): Findings {
    const all = [...this.#messages.values()]
    const arrivals = all.flatMap(({ transmissions, arrivals: byDevice }) =>
      [...byDevice.values()].map(({ length }) => ({
        again: length - 1,
        sentAgain: Math.min(length, transmissions) - 1,
      })),
    )
    return {
      sent: all.length,
      transmitted: all.reduce((sum, { transmissions }) => sum + transmissions, 0),
      acknowledged: all.filter(({ acknowledged }) => acknowledged).length,
      delivered: arrivals.length,
      sentAgain: arrivals.reduce((sum, { sentAgain }) => sum + sentAgain, 0),
      unacknowledged: arrivals.reduce((sum, { again, sentAgain }) => sum + again - sentAgain, 0),
      expired: all.reduce(
        (sum, { ttlSeconds, obliged, arrivals: { size } }) =>
          sum + (ttlSeconds === undefined ? 0 : obliged.length - size),
        0,
      ),
      refused: all.filter(({ refused }) => refused).map(({ id }) => id),
      lost: all.filter(isLost).map(({ id }) => id),
      late: all.filter(cameLate).map(({ id }) => id),
      twice: all.flatMap((message) =>
        [...message.arrivals]
          .filter(([device, list]) => this.#cameTooOften(device, message, list))
          .map(([device]) => `${message.id} at ${device}`),
      ),
    }
  }

  /** Each transmission is one copy for the device; a firm acknowledgement takes one away for good. */
  #cameTooOften(device: string, { transmissions }: Message, arrivals: readonly Arrival[]): boolean {
    return arrivals.some(({ atMs }) => {
      const taken = arrivals.filter((each) => this.#wasFirmBefore(device, each, atMs)).length
      return taken >= transmissions
    })
  }

  #wasFirmBefore(device: string, { acknowledgedAtMs }: Arrival, atMs: number): boolean {
    if (acknowledgedAtMs === undefined || acknowledgedAtMs >= atMs) return false
    const breaks = this.#breaks.get(device) ?? []
    return !breaks.some((each) => Math.abs(each - acknowledgedAtMs) < FIRM_MS)
  }
}

function isLost({ acknowledged, refused, ttlSeconds, obliged, arrivals }: Message): boolean {
  return acknowledged && !refused && ttlSeconds === undefined && obliged.some((name) => !arrivals.has(name))
}

function cameLate({ ttlSeconds, lastSentMs, arrivals }: Message): boolean {
  if (ttlSeconds === undefined) return false
  const dueMs = (Math.ceil(lastSentMs / 1000) + ttlSeconds) * 1000
  return [...arrivals.values()].flat().some(({ atMs }) => atMs > dueMs + TRANSIT_MS)
}
