/** Signing in, and proving oneself anew: with a passkey, a one-time password or a recovery code, within bounds on wrong ones. */
import { dayOf, Guesses, type Guess } from '@sealpost/accounts'
import type { BudgetRate, Clock, Random } from '@sealpost/runtime'
import type { ApiEvents } from '../events.ts'
import { AccessError } from './access-error.ts'
import type { AdministratorSecrets } from './administrator-secrets.ts'
import type { PasskeyRequest, Passkeys, PasskeySigned } from './passkeys.ts'
import { hashRecoveryCode } from './recovery-codes.ts'
import type { Sessions } from './sessions.ts'
import { nameKey, type AccessStore, type AdministratorRow, type SessionMethod } from './store.ts'
import type { Totp } from './totp.ts'

/**
 * Three codes in a million are right at a time, and a name stands two dozen wrong ones a day from strangers: decades of trying. Whoever has signed in
 * from where they are today is not locked out by those, and passkeys know no such bound.
 */
const LIMITS = {
  nameAndClient: { burst: 5, perSecond: 1 / 300 },
  client: { burst: 20, perSecond: 1 / 60 },
  name: { burst: 20, perSecond: 1 / 3_600 },
} as const satisfies Record<string, BudgetRate>

export interface SignedIn {
  readonly administrator: AdministratorRow
  readonly method: SessionMethod
  /** For the cookie. */
  readonly token: string
}

/** `client`: the address that asks. All throw PROOF_REFUSED alike, whatever is wrong; those with codes TOO_MANY_ATTEMPTS too. */
export interface AdministratorSignIn extends Disposable {
  /** Of whoever has a passkey for this server. BUSY. */
  request(): Promise<PasskeyRequest>
  withPasskey(response: PasskeySigned): Promise<SignedIn>
  withTotp(name: string, code: string, client: string): Promise<SignedIn>
  withRecoveryCode(name: string, code: string, client: string): Promise<SignedIn>
  /** Of the passkeys of one who is signed in. BUSY. */
  requestProof(administratorId: string): Promise<PasskeyRequest>
  /** Until when the proof holds, in milliseconds since the epoch. */
  prove(who: WhoProves, proof: Proof, client: string): Promise<number>
}

export interface WhoProves {
  readonly id: string
  readonly name: string
  readonly sessionId: string
}

/** One of the two. */
export interface Proof {
  readonly credential?: PasskeySigned
  readonly code?: string
}

interface Parts {
  readonly store: AccessStore
  readonly sessions: Sessions
  readonly passkeys: Passkeys
  readonly totp: Totp
  readonly secrets: AdministratorSecrets
  readonly clock: Clock
  readonly random: Random
  readonly events: Pick<ApiEvents, 'administratorSignIn'>
}

export function createAdministratorSignIn(parts: Parts): AdministratorSignIn {
  const { store, sessions, passkeys, secrets, events } = parts
  const guesses = new Guesses({ ...parts, limits: LIMITS })

  const start = async (administrator: AdministratorRow, method: SessionMethod): Promise<SignedIn> => {
    const token = await sessions.start(administrator.id, method)
    events.administratorSignIn(method, 'ok')
    return { administrator, method, token }
  }
  const refuse = (method: SessionMethod): never => {
    events.administratorSignIn(method, 'refused')
    throw new AccessError('PROOF_REFUSED')
  }
  const begin = (method: SessionMethod, name: string, client: string): Guess => {
    const guess = guesses.begin({ name: nameKey(name), client, secret: 'password' })
    if (guess !== undefined) return guess
    events.administratorSignIn(method, 'limited')
    throw new AccessError('TOO_MANY_ATTEMPTS')
  }
  /** An outage of the database counts against nobody. */
  const tried = async <T>(guess: Guess, work: () => Promise<T | undefined>): Promise<T | undefined> => {
    const result = await work().catch((error: unknown) => {
      guess.forgive()
      throw error
    })
    if (result !== undefined) guess.succeeded()
    return result
  }
  const { byPasskey, byTotp } = createProofs(parts)

  return {
    request: () => passkeys.request(),

    async withPasskey(response) {
      const answered = await passkeys.answered('sign-in', response)
      const administrator = answered && (await byPasskey(response))
      return administrator ? start(administrator, 'passkey') : refuse('passkey')
    },

    async withTotp(name, code, client) {
      const administrator = await tried(begin('totp', name, client), () => byTotp(name, code))
      return administrator ? start(administrator, 'totp') : refuse('totp')
    },

    async withRecoveryCode(name, code, client) {
      const hash = hashRecoveryCode(code, secrets)
      const administrator = await tried(begin('recovery', name, client), () => store.useCode(name, hash))
      return administrator ? start(administrator, 'recovery') : refuse('recovery')
    },

    async requestProof(administratorId) {
      return passkeys.request(administratorId, (await store.security(administratorId)).passkeys)
    },

    async prove({ id, name, sessionId }, { credential, code = '' }, client) {
      if (credential === undefined) {
        const proven = await tried(begin('totp', name, client), () => byTotp(name, code))
        return proven?.id === id ? sessions.prove(sessionId) : refuse('totp')
      }
      const answered = await passkeys.answered('proof', credential)
      const proven = answered?.administratorId === id ? await byPasskey(credential) : undefined
      return proven?.id === id ? sessions.prove(sessionId) : refuse('passkey')
    },

    [Symbol.dispose]: () => guesses[Symbol.dispose](),
  }
}

/** Whose passkey or one-time password it is; undefined: nobody's. */
function createProofs({
  store,
  passkeys,
  totp,
  clock,
}: Pick<Parts, 'store' | 'passkeys' | 'totp' | 'clock'>) {
  return {
    byPasskey: async (response: PasskeySigned): Promise<AdministratorRow | undefined> => {
      const found = await store.passkeyByCredential(Buffer.from(response.id, 'base64url'))
      if (found === undefined) return undefined
      const counter = await passkeys.signed(response, found.passkey, found.administrator.id)
      if (counter === undefined) return undefined
      await store.recordPasskeyUse(found.passkey.id, counter, dayOf(clock.now()))
      return found.administrator
    },

    byTotp: async (name: string, code: string): Promise<AdministratorRow | undefined> => {
      const found = await store.totpByName(name)
      const step = totp.check(found?.totp, found?.administrator.id ?? '', code)
      if (found === undefined || step === undefined) return undefined
      return (await store.useTotpStep(found.administrator.id, step)) ? found.administrator : undefined
    },
  }
}
