/** Checking passwords that arrive as such (HTTP Basic, SMTP AUTH): bounded attempts, bounded work, the same effort for names nobody has. */
import { createHmac } from 'node:crypto'
import type { Jid } from '@sealpost/jid'
import type { Clock, Random } from '@sealpost/runtime'
import { verifyPassword } from '@sealpost/sasl'
import type { Account } from './account.ts'
import type { Accounts } from './accounts.ts'

/**
 * `right`: the account may be suspended. `limited`: 10 failures within 15 minutes for one name from one client, or 100 from all
 * clients. `busy`: too many checks at a time.
 */
export type PasswordCheckResult =
  | { readonly result: 'right'; readonly account: Account }
  | { readonly result: 'wrong' | 'limited' | 'busy' }

export interface PasswordCheck {
  /** `client`: the address that asks; kept in memory only, and not as such. */
  check(jid: Jid, password: string, client: string): Promise<PasswordCheckResult>
}

const FAILURES_MAX = { client: 10, name: 100 } as const
const WINDOW_MS = 15 * 60_000
/** Names and clients remembered; beyond it the oldest is forgotten. */
const REMEMBERED_MAX = 20_000
const RUNNING_MAX = 4
const WAITING_MAX = 100

export interface PasswordCheckOptions {
  readonly accounts: Pick<Accounts, 'verifierOrDecoy' | 'touch'>
  readonly clock: Clock
  readonly random: Random
}

export function createPasswordCheck({ accounts, clock, random }: PasswordCheckOptions): PasswordCheck {
  const attempts = new Attempts(clock)
  const gate = new Gate()
  const key = random.bytes(32)
  const blind = (text: string) => createHmac('sha256', key).update(text).digest('base64')

  async function prove(jid: Jid, password: string): Promise<Account | undefined> {
    const { account, verifier } = await accounts.verifierOrDecoy(jid, 'SHA-256')
    return (await verifyPassword(password, verifier)) ? account : undefined
  }

  return {
    async check(jid, password, client) {
      const name = blind(jid.bare.toString())
      const nameAndClient = blind(`${jid.bare.toString()}\0${client}`)
      if (!attempts.begin(nameAndClient, FAILURES_MAX.client) || !attempts.begin(name, FAILURES_MAX.name))
        return { result: 'limited' }
      const forgive = () => [nameAndClient, name].forEach((each) => attempts.forgive(each))
      using turn = await gate.enter()
      if (turn === undefined) {
        forgive()
        return { result: 'busy' }
      }
      const account = await prove(jid, password)
      if (account === undefined) return { result: 'wrong' }
      forgive()
      if (account.state === 'active') await accounts.touch(account.id)
      return { result: 'right', account }
    },
  }
}

/** Counts attempts from their beginning, so that a thousand at once are no way around. */
class Attempts {
  readonly #clock: Clock
  readonly #counts = new Map<string, { count: number; until: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  begin(key: string, max: number): boolean {
    const now = this.#clock.monotonic()
    const known = this.#counts.get(key)
    if (known && known.until > now) {
      if (known.count >= max) return false
      known.count += 1
      return true
    }
    this.#counts.delete(key)
    const [oldest] = this.#counts.keys()
    if (oldest !== undefined && this.#counts.size >= REMEMBERED_MAX) this.#counts.delete(oldest)
    this.#counts.set(key, { count: 1, until: now + WINDOW_MS })
    return true
  }

  /** The attempt succeeded, or nothing was tried: it does not count. */
  forgive(key: string): void {
    const known = this.#counts.get(key)
    if (known) known.count -= 1
  }
}

/** Lets RUNNING_MAX derivations run and WAITING_MAX wait. */
class Gate {
  #running = 0
  readonly #waiting: (() => void)[] = []

  /** Undefined when too many wait. */
  async enter(): Promise<Disposable | undefined> {
    if (this.#running >= RUNNING_MAX) {
      if (this.#waiting.length >= WAITING_MAX) return undefined
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else {
      this.#running += 1
    }
    return { [Symbol.dispose]: () => this.#leave() }
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#running -= 1
  }
}
