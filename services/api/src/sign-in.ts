/** Checking name and password of an account: bounded attempts, bounded work, the same effort for names nobody has. */
import { createHmac } from 'node:crypto'
import type { Account, AccountsDomain } from '@sealpost/accounts'
import { HttpProblem } from '@sealpost/http'
import { JidError, parseJid, type Jid } from '@sealpost/jid'
import type { Clock, Random } from '@sealpost/runtime'
import { verifyPassword } from '@sealpost/sasl'
import type { ApiEvents } from './events.ts'

export interface SignIn {
  /**
   * `credentials` as RFC 7617 §2 has them: `user:password`, the user with or without domain. Undefined unless they are right; the
   * account may be suspended. Throws 429 after 10 failures within 15 minutes for one name from one client, or 100 from all
   * clients; 503 when busy.
   */
  check(credentials: Buffer, client: string): Promise<Account | undefined>
}

const FAILURES_MAX = { client: 10, name: 100 } as const
const WINDOW_MS = 15 * 60_000
/** Names and clients remembered; beyond it the oldest is forgotten. */
const REMEMBERED_MAX = 20_000
const RUNNING_MAX = 4
const WAITING_MAX = 100

export interface SignInOptions {
  readonly accounts: AccountsDomain
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly random: Random
  readonly events: ApiEvents
}

export function createSignIn({ accounts, domains, clock, random, events }: SignInOptions): SignIn {
  const attempts = new Attempts(clock)
  const gate = new Gate()
  const key = random.bytes(32)
  const [defaultDomain = 'localhost'] = domains

  /** Names and addresses stay in memory only, and not as such. */
  const blind = (text: string) => createHmac('sha256', key).update(text).digest('base64')

  async function verify(jid: Jid, password: string): Promise<Account | undefined> {
    const { account, verifier } = await accounts.verifierOrDecoy(jid, 'SHA-256')
    return (await verifyPassword(password, verifier)) ? account : undefined
  }

  return {
    async check(credentials, client) {
      const parsed = parseCredentials(credentials, defaultDomain)
      if (parsed === undefined) return undefined
      const { jid, password } = parsed
      const name = blind(jid.toString())
      const nameAndClient = blind(`${jid.toString()}\0${client}`)
      if (!attempts.begin(nameAndClient, FAILURES_MAX.client) || !attempts.begin(name, FAILURES_MAX.name)) {
        events.signIn('limited')
        throw new HttpProblem(429, 'too-many-attempts', 'Too many wrong passwords; try again later')
      }
      using turn = await gate.enter()
      if (turn === undefined) {
        events.signIn('busy')
        throw new HttpProblem(503, 'busy', 'Too many sign-ins at a time; try again')
      }
      const account = await verify(jid, password)
      events.signIn(account ? 'ok' : 'refused')
      if (account === undefined) return undefined
      attempts.forgive(nameAndClient)
      attempts.forgive(name)
      if (account.state === 'active') await accounts.touch(account.id)
      return account
    },
  }
}

function parseCredentials(bytes: Buffer, defaultDomain: string): { jid: Jid; password: string } | undefined {
  const text = bytes.toString('utf8')
  const colon = text.indexOf(':') // RFC 7617 §2: the user has none, the password may.
  if (colon < 1) return undefined
  const user = text.slice(0, colon)
  try {
    const jid = parseJid(user.includes('@') ? user : `${user}@${defaultDomain}`)
    return jid.local === '' ? undefined : { jid: jid.bare, password: text.slice(colon + 1) }
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
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

  /** The attempt succeeded: it does not count. */
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
