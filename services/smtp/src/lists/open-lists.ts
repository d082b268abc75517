/** Everything about mailing lists in the relay, put together. */
import { join } from 'node:path'
import { brandingOfHost, type AccountsDomain } from '@sealpost/accounts'
import { openDb } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { FastifyPluginAsync, FastifyRequest, PageLook } from '@sealpost/http'
import { openSecretFile } from '@sealpost/runtime'
import type { Platform } from '@sealpost/service'
import type { SmtpEvents } from '../events.ts'
import { type SendingPlan, withLimits } from '../limits/sending-plan.ts'
import type { OwnMail } from '../own-mail.ts'
import { listPages } from '../routes/list-pages.ts'
import type { OwnAccountOptions } from '../routes/own-account.ts'
import { listRoutes } from '../routes/lists.ts'
import { ListStore } from './list-store.ts'
import { Lists } from './lists.ts'
import { MemberHashes } from './member-hashes.ts'

export interface ListsConfig {
  /** What each account may send that has no other plan. */
  readonly sendingPlan: SendingPlan
  /** Origin of the links in mails, `https://HOST:PORT`. A function, since a port of 0 is known only after listening. */
  readonly publicOrigin: () => string
}

export interface ListsParts {
  readonly accounts: AccountsDomain
  readonly signIn: Pick<OwnAccountOptions, 'passwords' | 'session'>
  readonly mail: OwnMail
  readonly events: SmtpEvents
}

export interface OpenLists extends AsyncDisposable {
  readonly lists: Lists
  /** For accounts, and for those who follow links. */
  readonly routes: FastifyPluginAsync
}

/** Beside the database, so that a copy of that alone tells nothing about who is on which list. Without it nobody has confirmed. */
const KEY_FILE = 'mail-lists.key'
const KEY_BYTES = 32
const POOL_SIZE = 2

export async function openLists(
  { sendingPlan, publicOrigin: origin }: ListsConfig,
  { clock, random, domains, dataDir, databaseUrl: url, log }: Platform,
  { accounts, signIn, mail, events }: ListsParts,
): Promise<OpenLists> {
  await using stack = new AsyncDisposableStack()
  const onError = (error: unknown): void =>
    log.warn('smtp_database_connection_failed', { code: errorCode(error) })
  const db = stack.use(await openDb({ url, role: 'sealpost_smtp', poolSize: POOL_SIZE, onError }))
  const key = await openSecretFile(join(dataDir, KEY_FILE), random, () => random.token(KEY_BYTES))
  const asksPerDay = async (accountId: string): Promise<number> => {
    const { newRecipientsPerDay } = withLimits(sendingPlan, (await accounts.plans.of(accountId)).limits)
    return Math.min(newRecipientsPerDay, (await accounts.mailConduct.limit(accountId)) ?? Infinity)
  }
  const [store, hashes] = [new ListStore(db), new MemberHashes(key)]
  const parts = { store, hashes, accounts, mail, origin, asksPerDay, clock, random, events }
  const lists = stack.use(new Lists(parts))
  const [defaultDomain = 'localhost'] = domains
  const lookOf = async ({ hostname }: FastifyRequest): Promise<PageLook> => ({
    ...(await brandingOfHost(accounts.organisations, hostname)),
    language: 'en',
  })
  const held = stack.move()
  return {
    lists,
    routes: async (app) => {
      await app.register(listRoutes, { lists, ...signIn, defaultDomain })
      await app.register(listPages, { lists, lookOf })
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
