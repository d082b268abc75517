/**
 * Checking passwords that arrive as such (HTTP Basic, SMTP AUTH): bounded attempts, bounded work, the same effort for names nobody has. The first right one of an imported
 * account becomes verifiers of our own.
 */
import type { Jid } from '@sealpost/jid'
import { verifyPassword } from '@sealpost/sasl'
import type { SignedIn } from './account.ts'
import { mayOpen, type AppScope } from './app-passwords.ts'
import type { Accounts } from './accounts.ts'
import { Guesses, type GuessesOptions } from './guesses.ts'

/** `right`: the account may be suspended. `wrong`: also an app password that is for something else. `limited`: too many were wrong (guesses.ts). `busy`: too many checks at a time. */
export type PasswordCheckResult =
  | { readonly result: 'right'; readonly account: SignedIn }
  | { readonly result: 'wrong' | 'limited' | 'busy' }

export interface PasswordCheck extends Disposable {
  /** `client`: the address that asks; kept in memory only, and not as such; undefined where nothing tells clients apart. */
  check(jid: Jid, password: string, client: string | undefined): Promise<PasswordCheckResult>
}

const RUNNING_MAX = 4
const WAITING_MAX = 100

export interface PasswordCheckOptions extends GuessesOptions {
  readonly accounts: Pick<Accounts, 'verifierOrDecoy' | 'foreignVerifier' | 'adoptPassword' | 'touch'>
  /** What is opened: app passwords for it are right, too. Undefined: only the account's own password is. */
  readonly opens: AppScope | undefined
  /** Shared with other mechanisms, by whoever disposes it; its own when undefined. */
  readonly guesses?: Guesses | undefined
}

export function createPasswordCheck({
  accounts,
  opens,
  guesses: shared,
  ...options
}: PasswordCheckOptions): PasswordCheck {
  const guesses = shared ?? new Guesses(options)
  const gate = new Gate()

  async function prove(jid: Jid, password: string): Promise<SignedIn | undefined> {
    const [{ account, verifier }, foreign] = await Promise.all([
      accounts.verifierOrDecoy(jid, 'SHA-256'),
      accounts.foreignVerifier(jid),
    ])
    // Side by side: a foreign one is no more work than ours, so that the answer does not tell by its time that there is one.
    const [isOwn, isForeign] = await Promise.all([
      verifyPassword(password, verifier),
      foreign !== undefined && verifyPassword(password, foreign.verifier),
    ])
    if (isOwn || foreign === undefined || !isForeign) return isOwn ? account : undefined
    await accounts.adoptPassword(foreign.accountId, password)
    const adopted = await accounts.verifierOrDecoy(jid, 'SHA-256') // another password, if one was chosen meanwhile
    return (await verifyPassword(password, adopted.verifier)) ? adopted.account : undefined
  }

  return {
    async check(jid, password, client) {
      const guess = guesses.begin({ jid, client, secret: 'password' })
      if (!guess) return { result: 'limited' }
      using turn = await gate.enter()
      if (turn === undefined) {
        guess.forgive()
        return { result: 'busy' }
      }
      const account = await prove(jid, password).catch((error: unknown) => {
        guess.forgive() // nothing was compared: an outage of the database locks nobody out
        throw error
      })
      if (account === undefined) return { result: 'wrong' }
      guess.succeeded()
      if (!mayOpen(account.credential, opens)) return { result: 'wrong' }
      if (account.state === 'active') await accounts.touch(account.id, account.credential)
      return { result: 'right', account }
    },
    [Symbol.dispose]: () => {
      if (shared === undefined) guesses[Symbol.dispose]()
    },
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
