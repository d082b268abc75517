/** Everything about PGP in the relay, put together. */
import type { AccountsDomain, MailPgpMode } from '@sealpost/accounts'
import { openDb } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { FastifyPluginAsync } from '@sealpost/http'
import type { KeyDirectory } from '@sealpost/ports'
import type { Clock } from '@sealpost/runtime'
import type { Platform } from '@sealpost/service'
import type { Resolver } from '../dns/resolver.ts'
import type { SmtpEvents } from '../events.ts'
import type { Arrival } from '../mailbox/arrival.ts'
import type { Stage } from '../reception/stage.ts'
import type { OwnAccountOptions } from '../routes/own-account.ts'
import { mailSettingsRoutes } from '../routes/mail-settings.ts'
import { pgpPolicyStage } from '../stages/pgp-policy.ts'
import { cachedSource } from './cached-source.ts'
import { type FetchPublic, fetchPublic } from './fetch-public.ts'
import { type MailSettings, MailSettingsStore } from './mail-settings.ts'
import { pgpArrival } from './pgp-arrival.ts'
import { PgpPolicy } from './pgp-policy.ts'
import { type KeySource, RecipientKeys } from './recipient-keys.ts'
import { SessionKeyThread } from './session-key-thread.ts'
import { vksSource } from './vks-source.ts'
import { wkdSource } from './wkd-source.ts'

export interface PgpConfig {
  /** For domains that nobody decided anything for. */
  readonly pgpMode: MailPgpMode
  /** Names of verifying key servers, asked last. */
  readonly keyServers: readonly string[]
}

export interface PgpOptions {
  readonly accounts: AccountsDomain
  readonly signIn: Pick<OwnAccountOptions, 'passwords' | 'session'>
  readonly keys: Pick<KeyDirectory, 'find'>
  readonly resolver: Pick<Resolver, 'addresses'>
  readonly events: SmtpEvents
}

const POOL_SIZE = 2

export interface Pgp extends AsyncDisposable {
  readonly stage: Stage
  readonly arrival: Arrival
  /** For accounts. */
  readonly routes: FastifyPluginAsync
  readonly settingsOf: (accountId: string) => Promise<MailSettings>
  /** Of a terminated account. */
  readonly erase: (accountId: string) => Promise<void>
}

export async function openPgp(
  config: PgpConfig,
  { bus, clock, random, domains, databaseUrl: url, log }: Platform,
  { accounts, signIn, keys: directory, resolver, events }: PgpOptions,
): Promise<Pgp> {
  await using stack = new AsyncDisposableStack()
  const onError = (error: unknown): void =>
    log.warn('smtp_database_connection_failed', { code: errorCode(error) })
  const db = stack.use(await openDb({ url, role: 'sealpost_smtp', poolSize: POOL_SIZE, onError }))
  const settings = stack.use(new MailSettingsStore(db, bus))
  const policy = stack.use(
    new PgpPolicy({ settings, domains: accounts.domains, server: config.pgpMode, bus }),
  )
  const thread = stack.use(new SessionKeyThread(clock))
  const keys = new RecipientKeys({
    directory,
    sources: keySources(config.keyServers, fetchPublic({ resolver }), clock),
    thread,
    onError: (error) => events.keyLookupFailed(errorCode(error)),
  })
  const routes: FastifyPluginAsync = async (app) => {
    const [defaultDomain = 'localhost'] = domains
    await app.register(mailSettingsRoutes, { settings, policy, ...signIn, defaultDomain })
  }
  const held = stack.move()
  return {
    stage: pgpPolicyStage({ accounts, policy, keys, domains }),
    arrival: pgpArrival({ policy, keys, random, events }),
    routes,
    settingsOf: (accountId) => settings.of(accountId),
    erase: (accountId) => settings.erase(accountId),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Whom to ask for what our own directory does not have: the Web Key Directory, then the key servers that the operator named. */
export function keySources(keyServers: readonly string[], fetch: FetchPublic, clock: Clock): KeySource[] {
  const sources = [wkdSource(fetch), ...keyServers.map((host) => vksSource(host, fetch))]
  return sources.map((source) => cachedSource(source, clock))
}
