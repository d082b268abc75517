/**
 * Where connections wait that have no session yet. Bounded in all and by client; one client's come in no faster than its rate, and few
 * begin in one turn of the event loop. So a crowd (everybody after a restart, or an attack) takes its time, and those who are inside do not
 * notice. Nobody is banned: whoever comes too fast waits, whoever does not fit comes again.
 */
import { Blinding, type BudgetRate, Budgets, clientNetwork, type Clock, type Random } from '@sealpost/runtime'

export interface ReceptionLimits {
  /** Connections without a session; when there is one more, the one that has not got further for longest has to go: who is really signing in is through soon. */
  readonly max: number
  /** The same of one client; one more is refused. */
  readonly clientMax: number
  /** How fast connections of one client begin. */
  readonly clientRate: BudgetRate
  /** How many begin in a turn of the event loop. What is to be done for each takes some 2 ms in all, spread over some turns. */
  readonly perTurn: number
  /** A turn that took longer shows that those who have begun keep the machine busy: then one begins at a time. Who says nothing holds nobody up. */
  readonly slowTurnMs: number
}

/** Clients whose rate is remembered; beyond it the one not seen for longest is forgotten. */
const CLIENTS_MAX = 50_000

/** What is inside of one client. */
interface Crowd {
  readonly key: string
  inside: number
  /** Those that came faster than its rate. */
  readonly waiting: Set<Place>
  /** Somebody looks after those that wait. */
  attended: boolean
}

interface Place {
  readonly begin: () => void
  /** Undefined where many clients share an address. */
  readonly crowd: Crowd | undefined
}

export class Reception<V extends object> implements Disposable {
  readonly #limits: ReceptionLimits
  readonly #clock: Clock
  readonly #blinding: Blinding
  readonly #rates: Budgets
  /** In the order of their arrival. */
  readonly #inside = new Map<V, Place>()
  readonly #crowds = new Map<string, Crowd>()
  /** Who may begin. */
  readonly #ready = new Set<Place>()
  #admitting = false

  constructor(limits: ReceptionLimits, clock: Clock, random: Random) {
    this.#limits = limits
    this.#clock = clock
    this.#rates = new Budgets(limits.clientRate, CLIENTS_MAX, clock)
    this.#blinding = new Blinding(clock, random, () => this.#rates.clear())
  }

  get size(): number {
    return this.#inside.size
  }

  /**
   * A visitor comes; `begin` is called when it is its turn, and never before this has returned. Returns who has to leave: that one is not
   * inside any more. `client`: its address, or undefined where many share it.
   */
  enter(visitor: V, client: string | undefined, begin: () => void): V | undefined {
    const crowd = client === undefined ? undefined : this.#crowdOf(client)
    if (crowd && crowd.inside >= this.#limits.clientMax) return visitor
    const place = { begin, crowd }
    if (crowd) crowd.inside++
    this.#inside.set(visitor, place)
    this.#line(place)
    if (this.#inside.size <= this.#limits.max) return undefined
    const [oldest] = this.#inside.keys()
    if (oldest) this.leave(oldest)
    return oldest
  }

  /** Who is inside, in a list of its own. */
  all(): V[] {
    return [...this.#inside.keys()]
  }

  /** It has got further, and counts as the newest: whoever says nothing has to go before it, so that a crowd has to work as much as those it wants to keep out. */
  advance(visitor: V): void {
    const place = this.#inside.get(visitor)
    if (!place) return
    this.#inside.delete(visitor)
    this.#inside.set(visitor, place)
  }

  /** It has a session, or is gone. */
  leave(visitor: V): void {
    const place = this.#inside.get(visitor)
    if (!place) return
    this.#inside.delete(visitor)
    this.#ready.delete(place)
    const { crowd } = place
    if (!crowd) return
    crowd.waiting.delete(place)
    if (--crowd.inside === 0) this.#crowds.delete(crowd.key)
  }

  #crowdOf(client: string): Crowd {
    const key = this.#blinding.blind(clientNetwork(client))
    const known = this.#crowds.get(key)
    if (known) return known
    const crowd = { key, inside: 0, waiting: new Set<Place>(), attended: false }
    this.#crowds.set(key, crowd)
    return crowd
  }

  /** Behind those of the same client that wait for its rate, or behind all that may begin. */
  #line(place: Place): void {
    const { crowd } = place
    if (!crowd || (crowd.waiting.size === 0 && this.#rates.take(crowd.key))) return this.#admit(place)
    crowd.waiting.add(place)
    if (!crowd.attended) this.#attend(crowd)
  }

  #attend(crowd: Crowd): void {
    crowd.attended = true
    this.#clock.after(Math.max(1, this.#rates.waitMs(crowd.key)), () => {
      for (const place of crowd.waiting) {
        if (!this.#rates.take(crowd.key)) return this.#attend(crowd)
        crowd.waiting.delete(place)
        this.#admit(place)
      }
      crowd.attended = false
    })
  }

  #admit(place: Place): void {
    this.#ready.add(place)
    if (this.#admitting) return
    this.#admitting = true
    this.#admitNext()
  }

  #admitNext(): void {
    const asked = this.#clock.monotonic()
    this.#clock.turn(() => this.#turn(this.#clock.monotonic() - asked))
  }

  #turn(tookMs: number): void {
    let room = tookMs > this.#limits.slowTurnMs ? 1 : this.#limits.perTurn
    for (const place of this.#ready) {
      if (room-- === 0) return this.#admitNext()
      this.#ready.delete(place)
      place.begin()
    }
    this.#admitting = false
  }

  [Symbol.dispose](): void {
    for (const visitor of this.#inside.keys()) this.leave(visitor)
    this.#blinding[Symbol.dispose]()
    this.#rates[Symbol.dispose]()
  }
}
