/** Everything about who administers, put together. */
import type { AccountsDomain } from '@sealpost/accounts'
import type { Db } from '@sealpost/db'
import type { Clock, Random } from '@sealpost/runtime'
import type { ApiEvents } from '../events.ts'
import { createAdministratorSignIn, type AdministratorSignIn } from './administrator-sign-in.ts'
import { openAdministratorSecrets } from './administrator-secrets.ts'
import { postgresApprovalStore } from './approval-store.postgres.ts'
import { createApprovals, type Approvals } from './approvals.ts'
import { createAdministrators, type Administrators } from './administrators.ts'
import { createOwnSecurity, type OwnSecurity } from './own-security.ts'
import { Passkeys } from './passkeys.ts'
import { postgresSessionStore } from './session-store.postgres.ts'
import { createSessions, type Sessions, type SessionTimes } from './sessions.ts'
import { postgresAccessStore } from './store.postgres.ts'
import { Totp } from './totp.ts'

export interface AccessDomain extends Disposable {
  readonly administrators: Administrators
  readonly signIn: AdministratorSignIn
  readonly sessions: Sessions
  readonly ownSecurity: OwnSecurity
  readonly approvals: Approvals
}

export interface AccessOptions {
  /** Opened with the role `sealpost_api`. */
  readonly db: Db
  readonly accounts: Pick<AccountsDomain, 'invites'>
  readonly dataDir: string
  /** `https://HOST:PORT`, where the panel is. */
  readonly origin: () => string
  readonly clock: Clock
  readonly random: Random
  readonly events: ApiEvents
  readonly sessionTimes: SessionTimes
}

const SWEEP_MS = 10 * 60_000

export async function createAccess({
  db,
  accounts,
  dataDir,
  origin,
  clock,
  random,
  events,
  sessionTimes: times,
}: AccessOptions): Promise<AccessDomain> {
  using stack = new DisposableStack()
  const [store, sessionStore] = [postgresAccessStore(db), postgresSessionStore(db)]
  const secrets = await openAdministratorSecrets(dataDir, random)
  const passkeys = new Passkeys({ store: sessionStore, clock, random, origin })
  const totp = new Totp({ secrets, clock, random, issuer: () => new URL(origin()).hostname })
  const sessions = createSessions({ store: sessionStore, administrators: store, clock, random, times })
  const parts = { store, sessions, passkeys, totp, secrets, clock, random, events }
  const signIn = stack.use(createAdministratorSignIn(parts))
  stack.use(clock.every(SWEEP_MS, () => sessions.eraseExpired()))
  const administrators = createAdministrators({ ...parts, invites: accounts.invites })
  const ownSecurity = createOwnSecurity(parts)
  const approvals = createApprovals({ store: postgresApprovalStore(db), clock, random })
  const held = stack.move()
  return { administrators, signIn, sessions, ownSecurity, approvals, [Symbol.dispose]: () => held.dispose() }
}
