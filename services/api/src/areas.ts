/** The areas of the API, each a folder of its own, put together over their stores. */
import { type AccountsDomain, type ErasureOptions, runErasure } from '@sealpost/accounts'
import { createAuditLog, postgresAuditStore } from '@sealpost/audit'
import type { Db } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type {
  DkimOperations,
  KeyOperations,
  Mail,
  MailDesk,
  MailOperations,
  MailReports,
  ChatImport,
  OwnDataPorts,
  Relay,
  SelfAudits,
} from '@sealpost/ports'
import type { Platform } from '@sealpost/service'
import { openAbuseDesk } from './abuse/open-abuse-desk.ts'
import { createAccess } from './access/create-access.ts'
import { openAffiliates } from './affiliates/open-affiliates.ts'
import { SESSION_TIMES } from './access/sessions.ts'
import { openAuditHeads } from './audit-heads.ts'
import type { Links } from './commands/command.ts'
import type { ApiConfig } from './config.ts'
import type { ApiEvents } from './events.ts'
import { openJoining } from './joining/open-joining.ts'
import { createLetters } from './letters/letters.ts'
import { openLifecycle } from './lifecycle/open-lifecycle.ts'
import { createObservation } from './observation.ts'
import { openEndings } from './organisations/open-endings.ts'
import { openPhones } from './phone/open-phones.ts'
import { createRights } from './rights.ts'
import type { SignIn } from './sign-in.ts'
import { openWebhooks } from './webhooks/open-webhooks.ts'

const HOUR_MS = 3_600_000

/** What the API asks of other services. */
export interface ApiPorts {
  readonly relay: Relay
  readonly mail: MailOperations
  /** Takes letters of the server. */
  readonly letters: Mail
  readonly dkim: DkimOperations
  readonly desk: MailDesk
  readonly reports: MailReports
  readonly keys: KeyOperations
  readonly ownData: OwnDataPorts
  /** By what is sealed. */
  readonly selfAudits: { readonly messages: SelfAudits; readonly mails: SelfAudits }
  readonly chatImport: ChatImport
}

export interface AreasOptions {
  readonly config: Pick<ApiConfig, 'publicOrigin' | 'webhookNetworks'> & Partial<ApiConfig>
  readonly platform: Platform
  readonly ports: ApiPorts
  /** With the roles `sealpost_account` and `sealpost_api`. */
  readonly accountDb: Db
  readonly apiDb: Db
  readonly accounts: AccountsDomain
  readonly domains: readonly string[]
  readonly links: Links
  readonly signIn: SignIn
  readonly events: ApiEvents
}

/** What of a terminated account has to go. */
interface Owner {
  eraseAccount(accountId: string): Promise<void>
}

/** What they start ends with the stack. `idempotency`: what else there is to erase of an account. */
export async function openAreas(options: AreasOptions, idempotency: Owner, stack: AsyncDisposableStack) {
  const { config, platform, ports, apiDb, accounts, domains, links, signIn, events } = options
  const { clock, dataDir } = platform
  const origin = config.publicOrigin
  const audit = createAuditLog({ store: postgresAuditStore(apiDb), clock })
  const auditHeads = openAuditHeads(dataDir)
  stack.use(clock.every(HOUR_MS, () => auditHeads.note(audit)))
  const { administratorSessions: sessionTimes = SESSION_TIMES } = config
  const access = stack.use(
    await createAccess({ ...platform, db: apiDb, accounts, origin, events, sessionTimes }),
  )
  const letters = createLetters({ mail: ports.letters, platform })
  const shared = { platform, db: apiDb, accounts, audit, letters, events }
  const hooks = stack.use(
    await openWebhooks({ ...shared, ...options, privateNetworks: config.webhookNetworks }),
  )
  const { webhooks } = hooks
  const { supportUrl } = config
  const isOn = config.affiliates === true
  const { affiliates, store: referrals } = await openAffiliates({ isOn, platform, db: apiDb, accounts })
  const life = stack.use(openLifecycle({ ...shared, webhooks, affiliates, supportUrl }))
  const observation = createObservation({ ...shared, config, webhooks }, stack)
  const { maintenance } = observation.status
  const { phones, phoneStore } = await openPhones(config, platform, apiDb, stack)
  const rights = stack.use(
    await createRights({
      ...shared,
      ports,
      signIn,
      links,
      origin,
      maintenance,
      phones: phoneStore,
      subscriptions: life.store,
    }),
  )
  const parts = { accounts, mails: ports.desk, letters, webhooks, domains }
  const abuse = await openAbuseDesk(platform, apiDb, parts, stack)
  const joining = await openJoining({ ...options, notices: rights.notices }, stack)
  const endings = stack.use(openEndings({ ...shared, access, life, rights, observation }))
  const owners = [
    idempotency,
    hooks.store,
    life.store,
    referrals,
    rights,
    abuse,
    observation.status.claims,
    joining.sessions,
    phoneStore,
  ]
  stack.use(keepErasing(owners, { ...platform, ledger: accounts.erasure, events }))
  const { lifecycle } = life
  const context = {
    audit,
    auditHeads,
    access,
    letters,
    webhooks,
    lifecycle,
    endings,
    affiliates,
    rights,
    abuse,
    joining,
    phones,
    ...observation,
  }
  return { context, life }
}

/** Each owner erases its own of an account. */
function keepErasing(
  owners: readonly { eraseAccount(accountId: string): Promise<void> }[],
  { events, ...parts }: Pick<ErasureOptions, 'ledger' | 'clock' | 'bus'> & { readonly events: ApiEvents },
): AsyncDisposable {
  return runErasure({
    ...parts,
    owner: 'api',
    erase: async (accountId) => {
      for (const owner of owners) await owner.eraseAccount(accountId)
    },
    onError: (error) => events.erasureFailed(errorCode(error)),
  })
}
