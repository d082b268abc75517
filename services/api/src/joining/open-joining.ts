/** How people join and sign in, over its stores. */
import type { AccountsDomain } from '@sealpost/accounts'
import type { Db } from '@sealpost/db'
import type { Platform } from '@sealpost/service'
import { SESSION_TIMES } from '../access/sessions.ts'
import type { Links } from '../commands/command.ts'
import type { ApiConfig } from '../config.ts'
import type { Notices } from '../notices/notices.ts'
import type { SignIn } from '../sign-in.ts'
import { postgresAccountSessionStore } from './account-session-store.postgres.ts'
import { createAccountSessions } from './account-sessions.ts'
import { createJoining, type Joining } from './create-joining.ts'

export interface OpenJoiningOptions {
  readonly config: Partial<ApiConfig>
  readonly platform: Pick<Platform, 'clock' | 'random' | 'dataDir'>
  /** With the role `sealpost_api`. */
  readonly apiDb: Db
  readonly accounts: AccountsDomain
  readonly links: Links
  readonly signIn: SignIn
  readonly notices: Pick<Notices, 'publish'>
}

const HOUR_MS = 3_600_000

/** What it starts ends with the stack. */
export async function openJoining(
  { config, platform, apiDb, ...parts }: OpenJoiningOptions,
  stack: AsyncDisposableStack,
): Promise<Joining> {
  const { clock, random, dataDir } = platform
  const shared = { ...parts, clock, random }
  const sessions = createAccountSessions({
    ...shared,
    store: postgresAccountSessionStore(apiDb),
    times: config.accountSessions ?? SESSION_TIMES,
  })
  stack.use(clock.every(HOUR_MS, () => sessions.eraseExpired()))
  return createJoining({ ...shared, sessions, dataDir })
}
