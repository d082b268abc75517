/**
 * The network between simulated clients and the relay: ordered byte streams with latency, cut into pieces anywhere.
 * They can stand still, be reset, or be closed on one side only. What a side wrote and the other has not taken counts
 * as its backlog, as with TCP.
 */
import type { Clock } from '@sealpost/runtime'
import type { Connection } from '../../services/xmpp/src/transports/connection.ts'
import type { ConnectionHandler } from '../../services/xmpp/src/transports/tcp.ts'
import type { SeededRandom } from './seeded-random.ts'

export interface LinkTraits {
  readonly latencyMs: number
  /** Bytes that arrive at once, at most. */
  readonly pieceMax: number
  /** Backlog from which the relay sees the peer as congested. */
  readonly congestedBytes: number
}

interface Piece {
  readonly bytes: Buffer
  readonly at: number
  readonly arrived: (() => void) | undefined
}

/** One direction of a connection. */
class Pipe {
  backlogBytes = 0
  /** Who receives it does not read, or the network stands still. */
  held = false
  readonly #clock: Clock
  readonly #random: SeededRandom
  readonly #traits: LinkTraits
  readonly #deliver: (bytes: Buffer) => void
  #pieces: Piece[] = []
  #lastAt = 0
  #armed = false
  #cut = false
  #onEmpty: (() => void) | undefined

  constructor(clock: Clock, random: SeededRandom, traits: LinkTraits, deliver: (bytes: Buffer) => void) {
    this.#clock = clock
    this.#random = random
    this.#traits = traits
    this.#deliver = deliver
  }

  write(bytes: Buffer, arrived?: () => void): void {
    if (this.#cut) return
    this.backlogBytes += bytes.length
    for (let start = 0; start < bytes.length;) {
      const size = this.#random.int(1, this.#traits.pieceMax)
      const at = this.#clock.monotonic() + this.#random.fraction() * this.#traits.latencyMs
      this.#lastAt = Math.max(this.#lastAt, at)
      const end = Math.min(bytes.length, start + size)
      const last = end === bytes.length
      this.#pieces.push({
        bytes: bytes.subarray(start, end),
        at: this.#lastAt,
        arrived: last ? arrived : undefined,
      })
      start = end
    }
    this.#arm()
  }

  /** Calls back when everything written has arrived; at once if it has. */
  whenEmpty(empty: () => void): void {
    this.#onEmpty = empty
    if (this.#pieces.length === 0) this.#tellEmpty()
  }

  hold(held: boolean): void {
    this.held = held
    this.#arm()
  }

  /** What is under way is lost, and all that follows. */
  cut(): void {
    this.#cut = true
    this.#pieces = []
    this.backlogBytes = 0
    this.#onEmpty = undefined
  }

  #arm(): void {
    const [head] = this.#pieces
    if (this.#armed || this.held || !head) return
    this.#armed = true
    this.#clock.after(Math.max(0, head.at - this.#clock.monotonic()), () => {
      this.#armed = false
      this.#arrive()
      this.#arm()
    })
  }

  #arrive(): void {
    if (this.held) return
    const piece = this.#pieces.shift()
    if (!piece) return
    this.backlogBytes -= piece.bytes.length
    piece.arrived?.()
    this.#deliver(piece.bytes)
    if (this.#pieces.length === 0) this.#tellEmpty()
  }

  #tellEmpty(): void {
    const empty = this.#onEmpty
    this.#onEmpty = undefined
    empty?.()
  }
}

/** What a client holds of a connection. */
export interface ClientSocket {
  /** `arrived` is called when the last byte is handed to the relay. */
  send(text: string, arrived?: () => void): void
  /** Stops taking bytes, or goes on. */
  read(reading: boolean): void
  /** Nothing passes any more in either direction, or it does again. */
  freeze(frozen: boolean): void
  /** Closes when all was sent. */
  end(): void
  /** The client is gone. The relay hears of it if `noticed`. */
  abort(noticed: boolean): void
}

export interface ClientSide {
  received(bytes: Buffer): void
  closed(): void
}

export interface ServerSide {
  readonly clock: Clock
  accept(connection: Connection): ConnectionHandler
  /** One stanza or nonza as the relay writes it. */
  wrote(xml: string): void
}

/** A peer that vanished is noticed by TCP itself, in the end. */
const KEEP_ALIVE_MS = 150_000
const FLUSH_BYTES = 64 * 1024

/** Both ends of one connection. The relay's end does what the TCP transport does with its socket. */
export class SimulatedConnection implements Connection {
  readonly secure = true
  readonly remoteAddress = '192.0.2.1'
  beforeFlush: (() => void) | undefined
  onDrain: (() => void) | undefined
  congested = false
  readonly client: ClientSocket
  readonly #clock: Clock
  readonly #server: ServerSide
  readonly #peer: ClientSide
  readonly #random: SeededRandom
  readonly #traits: LinkTraits
  readonly #up: Pipe
  readonly #down: Pipe
  #handler: ConnectionHandler | undefined
  #out = ''
  #scheduled = false
  #ended = false
  #started = false
  #paused = false
  #frozen = false
  #clientReads = true
  #clientGone = false

  /** @param clock the network's own, which goes on when the relay is killed */
  constructor(
    clock: Clock,
    random: SeededRandom,
    traits: LinkTraits,
    ends: { server: ServerSide; client: ClientSide },
  ) {
    this.#clock = clock
    this.#random = random
    this.#traits = traits
    this.#server = ends.server
    this.#peer = ends.client
    this.#up = new Pipe(clock, random, traits, (bytes) => this.#handler?.receive(bytes))
    this.#down = new Pipe(clock, random, traits, (bytes) => this.#toClient(bytes))
    this.client = {
      send: (text, arrived) => this.#up.write(Buffer.from(text), arrived),
      read: (reading) => {
        this.#clientReads = reading
        this.#regulate()
      },
      freeze: (frozen) => {
        this.#frozen = frozen
        this.#regulate()
      },
      end: () => this.#up.whenEmpty(() => this.#lost()),
      abort: (noticed) => this.#abort(noticed),
    }
    this.#regulate()
    this.#handler = ends.server.accept(this)
  }

  /** The relay has not closed it, nor lost it. */
  get open(): boolean {
    return !this.#ended
  }

  get backlogBytes(): number {
    return this.#down.backlogBytes + this.#out.length
  }

  write(xml: string): void {
    if (this.#ended) return
    this.#server.wrote(xml)
    this.#out += xml
    if (this.#out.length > FLUSH_BYTES) this.#flush()
    else if (!this.#scheduled) {
      this.#scheduled = true
      this.#server.clock.turn(() => {
        this.#scheduled = false
        this.#flush()
      })
    }
  }

  start(): void {
    this.#started = true
    this.#regulate()
  }

  startTls(): void {}

  readonly tlsVersion: undefined
  readonly channelBindings = []

  channelBinding(): undefined {}

  pause(): void {
    this.#paused = true
    this.#regulate()
  }

  resume(): void {
    this.#paused = false
    this.#regulate()
  }

  end(): void {
    if (this.#ended) return
    this.#flush()
    this.#ended = true
    this.#handler = undefined
    this.#up.cut() // nobody reads it any more
    this.#down.whenEmpty(() => this.#closeClient())
  }

  /** Both sides lose it, each a little later. */
  reset(): void {
    this.#up.cut()
    this.#down.cut()
    this.#soon(() => this.#lost())
    this.#soon(() => this.#closeClient())
  }

  /** The relay's process is gone. The client may not notice before it writes. */
  serverDied(): void {
    this.#handler = undefined
    this.#ended = true
    this.#up.cut()
    this.#down.cut()
    this.#soon(() => this.#closeClient())
  }

  #flush(): void {
    if (this.#out === '' || this.#ended) return
    this.beforeFlush?.()
    const out = this.#out
    this.#out = ''
    this.#down.write(Buffer.from(out))
    if (this.#congestedNow()) {
      this.congested = true
      this.#regulate()
      this.#down.whenEmpty(() => {
        this.congested = false
        this.#regulate()
        this.onDrain?.()
      })
    }
  }

  #congestedNow(): boolean {
    return !this.congested && this.#down.backlogBytes > this.#traits.congestedBytes
  }

  #regulate(): void {
    this.#up.hold(!this.#started || this.#frozen || this.#paused || this.congested)
    this.#down.hold(this.#frozen || !this.#clientReads)
  }

  #toClient(bytes: Buffer): void {
    if (!this.#clientGone) this.#peer.received(bytes)
  }

  #abort(noticed: boolean): void {
    this.#clientGone = true
    if (noticed) {
      this.#up.cut()
      this.#down.cut()
      this.#soon(() => this.#lost())
    } else {
      this.client.freeze(true)
      this.#clock.after(KEEP_ALIVE_MS, () => this.#lost())
    }
  }

  #lost(): void {
    this.#ended = true
    const handler = this.#handler
    this.#handler = undefined
    handler?.disconnected()
  }

  #closeClient(): void {
    if (this.#clientGone) return
    this.#clientGone = true
    this.#peer.closed()
  }

  #soon(task: () => void): void {
    this.#clock.after(this.#random.int(0, 40), task)
  }
}
