/**
 * What senders were told is safe, and what became of it at each device. Duplicates are fine where XEP-0198 allows them: a sender that did not know
 * whether its message was safe sent it again, or a device had not acknowledged. Everything is judged by what must have happened before what:
 * no tolerance of time, which a busy machine would exceed.
 */

export interface Arrival {
  readonly atMs: number
  /** When its device began to connect: what came was sent later. */
  readonly connectedAtMs: number
  /** Its place among the stanzas of the session: what a count of this many acknowledges. */
  readonly place: number
  /** When it was certain that its acknowledgement had reached the relay, and the relay's disk. */
  takenAtMs: number | undefined
}

export interface Message {
  readonly id: string
  readonly to: string
  readonly ttlSeconds: number | undefined
  /** Names of the devices that must get it. */
  readonly obliged: readonly string[]
  transmissions: number
  /** When `h` passed it. */
  acknowledgedAtMs: number | undefined
  /** The condition that its sender was told. */
  refused: string | undefined
  readonly arrivals: Map<string, Arrival[]>
}

export interface Findings {
  readonly sent: number
  readonly transmitted: number
  readonly acknowledged: number
  readonly delivered: number
  /** Of these, acknowledged for certain: the relay may not send them again. */
  readonly taken: number
  /** Copies that came again since their sender sent them again, and since their device had not acknowledged. */
  readonly sentAgain: number
  readonly unacknowledged: number
  /** Copies of messages with a lifetime that were due before their device came. */
  readonly expired: number
  /** What must not be. */
  readonly refused: string[]
  /** Refused after `h` had passed them. */
  readonly retracted: string[]
  readonly lost: string[]
  readonly late: string[]
  readonly twice: string[]
}

export class Ledger {
  readonly #messages = new Map<string, Message>()
  readonly #retracted: string[] = []

  create(to: string, ttlSeconds: number | undefined, obliged: readonly string[]): Message {
    const message: Message = {
      id: `m${this.#messages.size}`,
      to,
      ttlSeconds,
      obliged,
      transmissions: 0,
      acknowledgedAtMs: undefined,
      refused: undefined,
      arrivals: new Map(),
    }
    this.#messages.set(message.id, message)
    return message
  }

  refused(id: string, condition: string): void {
    const message = this.#messages.get(id)
    if (!message) return
    if (message.acknowledgedAtMs !== undefined) this.#retracted.push(id)
    message.refused = condition
  }

  arrived(device: string, id: string, place: number, connectedAtMs: number): Arrival | undefined {
    const message = this.#messages.get(id)
    if (!message) return undefined
    const arrival: Arrival = { atMs: Date.now(), connectedAtMs, place, takenAtMs: undefined }
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
      acknowledged: all.filter(({ acknowledgedAtMs }) => acknowledgedAtMs !== undefined).length,
      delivered: arrivals.length,
      taken: all
        .flatMap(({ arrivals: byDevice }) => [...byDevice.values()].flat())
        .filter(({ takenAtMs }) => takenAtMs !== undefined).length,
      sentAgain: arrivals.reduce((sum, { sentAgain }) => sum + sentAgain, 0),
      unacknowledged: arrivals.reduce((sum, { again, sentAgain }) => sum + again - sentAgain, 0),
      expired: all.reduce(
        (sum, { ttlSeconds, obliged, arrivals: { size } }) =>
          sum + (ttlSeconds === undefined ? 0 : obliged.length - size),
        0,
      ),
      refused: all.flatMap(({ refused }) => refused ?? []),
      retracted: [...this.#retracted],
      lost: all.filter(isLost).map(({ id }) => id),
      late: all.filter(cameLate).map(({ id }) => id),
      twice: all.flatMap((message) =>
        [...message.arrivals]
          .filter(([, list]) => cameTooOften(list, message.transmissions))
          .map(([device]) => `${message.id} at ${device}`),
      ),
    }
  }
}

/** Each transmission is one copy for the device; an acknowledgement takes one away for good. */
function cameTooOften(arrivals: readonly Arrival[], transmissions: number): boolean {
  return arrivals.some(({ atMs }) => {
    const taken = arrivals.filter(({ takenAtMs = Infinity }) => takenAtMs < atMs).length
    return taken >= transmissions
  })
}

function isLost({ acknowledgedAtMs, refused, ttlSeconds, obliged, arrivals }: Message): boolean {
  if (acknowledgedAtMs === undefined || refused !== undefined || ttlSeconds !== undefined) return false
  return obliged.some((name) => !arrivals.has(name))
}

/** It was due before the device connected: the relay had accepted it when `h` passed it, or before. */
function cameLate({ ttlSeconds, acknowledgedAtMs, arrivals }: Message): boolean {
  if (ttlSeconds === undefined || acknowledgedAtMs === undefined) return false
  const dueMs = (Math.ceil(acknowledgedAtMs / 1000) + ttlSeconds) * 1000
  return [...arrivals.values()].flat().some(({ connectedAtMs }) => connectedAtMs > dueMs)
}
