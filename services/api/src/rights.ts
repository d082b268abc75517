/** What people have a right to, put together: their data, their requests, those of authorities, the policies, and what they are told. */
import type { Account, AccountsDomain } from '@sealpost/accounts'
import type { Db } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { OwnDataPorts, Relay } from '@sealpost/ports'
import type { Platform } from '@sealpost/service'
import type { Links } from './commands/command.ts'
import type { ApiEvents } from './events.ts'
import { openDocumentSigner } from './legal/document-signer.ts'
import { createLegal, type Legal } from './legal/legal.ts'
import type { PurchaserOf } from './legal/production.ts'
import type { SubscriptionStore } from './lifecycle/store.ts'
import { postgresLegalStore } from './legal/store.postgres.ts'
import { legalNotice } from './legal/user-notice.ts'
import type { Letters } from './letters/letters.ts'
import { MaintenanceAnnouncer } from './notices/maintenance-announcer.ts'
import { NoticeSender } from './notices/notice-sender.ts'
import { createNotices, type Notices } from './notices/notices.ts'
import { postgresNoticeStore } from './notices/store.postgres.ts'
import type { NoticeStore } from './notices/store.ts'
import { createOwnData, type OwnDataOf } from './own-data/own-data.ts'
import { amendmentNotice } from './policies/amendment-notice.ts'
import { createPolicies, type Policies } from './policies/policies.ts'
import { postgresPolicyStore } from './policies/store.postgres.ts'
import { createPrivacy, type Privacy } from './privacy/privacy.ts'
import { postgresPrivacyStore } from './privacy/store.postgres.ts'
import type { PhoneStore } from './phone/store.ts'
import { showOwnRights, showPhone } from './show-rights.ts'
import type { SignIn } from './sign-in.ts'
import type { MaintenanceDesk } from './status/maintenance.ts'

export interface Rights extends AsyncDisposable {
  readonly ownData: OwnDataOf
  readonly privacy: Privacy
  readonly policies: Policies
  readonly notices: Notices
  readonly legal: Legal
  eraseAccount(accountId: string): Promise<void>
}

export interface RightsOptions {
  readonly db: Db
  readonly accounts: AccountsDomain
  readonly ports: { readonly relay: Relay; readonly ownData: OwnDataPorts }
  readonly letters: Pick<Letters, 'send'>
  readonly signIn: Pick<SignIn, 'check'>
  readonly maintenance: Pick<MaintenanceDesk, 'find' | 'planned'>
  readonly phones: Pick<PhoneStore, 'find'>
  readonly subscriptions: Pick<SubscriptionStore, 'find'>
  readonly platform: Platform
  readonly links: Pick<Links, 'account'>
  /** `https://HOST:PORT` */
  readonly origin: () => string
  readonly events: Pick<ApiEvents, 'rightsTaskFailed'>
}

const HOUR_MS = 3_600_000
const PAGE = 200
/** Notices of one after another: beside them the mail relay has its own work. */
const MAILS_PER_SECOND = 20

export async function createRights(options: RightsOptions): Promise<Rights> {
  await using stack = new AsyncDisposableStack()
  const { db, accounts, origin, platform, events } = options
  const { clock, random } = platform
  const noticeStore = postgresNoticeStore(db)
  const sender = stack.use(createSender(options, noticeStore))
  const notices = createNotices({
    store: noticeStore,
    organisationsOf: async (id) => (await accounts.organisations.ofAccount(id))?.path ?? [],
    onPublished: () => sender.wake(),
    clock,
    random,
  })
  const policies = createPolicies({
    store: postgresPolicyStore(db),
    announceAmendment: async (amendment) => {
      await notices.publish(amendmentNotice(amendment, origin()), amendment.noticeId)
    },
    clock,
    random,
  })
  const privacy = createPrivacy({
    store: postgresPrivacyStore(db),
    accounts,
    confirmPassword: passwordConfirmer(options.signIn),
    clock,
    random,
  })
  const purchaserOf = findPurchaser(accounts, options.subscriptions)
  const legal = await openLegal(options, notices, purchaserOf)
  const sections = {
    ...showOwnRights({ privacy, policies, notices, legal }),
    phone: async ({ id }: Account) => showPhone(await options.phones.find(id, clock.now())),
  }
  const ownData = createOwnData({
    accounts,
    purchaserOf,
    ports: options.ports.ownData,
    sections,
    clock,
  })
  const parts = { ownData, privacy, policies, notices, legal }
  const announcer = new MaintenanceAnnouncer({ maintenance: options.maintenance, notices, clock })
  const tasks = { ...parts, announcer }
  stack.use(clock.every(HOUR_MS, () => hourly(tasks, events)))
  void hourly(tasks, events)
  stack.use(
    platform.bus.subscribe('maintenance/changed', ({ maintenanceId }) => {
      announcer.settle(maintenanceId).catch((error: unknown) => events.rightsTaskFailed(errorCode(error)))
    }),
  )
  sender.wake() // What a process before this one has left.
  const held = stack.move()
  return {
    ...parts,
    async eraseAccount(accountId) {
      await privacy.eraseAccount(accountId)
      await policies.eraseAccount(accountId)
      await notices.eraseAccount(accountId)
      await legal.eraseAccount(accountId)
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function openLegal(
  { db, accounts, ports, platform }: RightsOptions,
  notices: Pick<Notices, 'publish'>,
  purchaserOf: PurchaserOf,
): Promise<Legal> {
  const { clock, random, domains, dataDir } = platform
  const [server = 'localhost'] = domains
  return createLegal({
    store: postgresLegalStore(db),
    accounts,
    notify: async (accountId, request) => {
      await notices.publish(legalNotice(accountId, request), request.id)
    },
    purchaserOf,
    hasDeviceType: ({ id }, type) => ports.relay.hasDeviceType(id, type),
    signer: await openDocumentSigner(dataDir, random),
    server,
    clock,
    random,
  })
}

function createSender(
  { accounts, letters, ports, platform, links, events }: RightsOptions,
  store: NoticeStore,
): NoticeSender {
  return new NoticeSender({
    store,
    letters,
    relay: ports.relay,
    accountsAfter: (...query) => activeAfter(accounts, ...query),
    findAccount: (id) => accounts.findById(id),
    link: () => links.account(),
    clock: platform.clock,
    mailsPerSecond: MAILS_PER_SECOND,
    onFailed: (code) => events.rightsTaskFailed(code),
  })
}

/** Guesses count as those of one client of its own for each account. */
function passwordConfirmer(signIn: Pick<SignIn, 'check'>) {
  return async ({ id, jid }: Account, password: string): Promise<boolean> =>
    (await signIn.check(Buffer.from(`${jid.toString()}:${password}`), `confirmation ${id}`))?.id === id
}

/** The name is the organisation's, the method what the billing system says of its subscription. */
function findPurchaser(
  { organisations }: Pick<AccountsDomain, 'organisations'>,
  subscriptions: Pick<SubscriptionStore, 'find'>,
): PurchaserOf {
  return async ({ organisationId: id }) => {
    const organisation = id === undefined ? undefined : await organisations.find(id)
    if (organisation === undefined) return undefined
    const method = (await subscriptions.find({ kind: 'organisation', id: organisation.id }))?.billingMethod
    return { name: organisation.name, ...(method === undefined ? {} : { billing_method: method }) }
  }
}

/** Pages of everybody, of which those of other organisations are left out. Fewer than `limit`: there are no more. */
async function activeAfter(
  all: Pick<AccountsDomain, 'activeAfter' | 'organisations'>,
  after: string | undefined,
  limit: number,
  organisationId?: string,
): Promise<readonly Account[]> {
  if (organisationId === undefined) return all.activeAfter(after, limit)
  const within = await all.organisations.within(organisationId)
  const found: Account[] = []
  for (let last = after; ;) {
    const accounts = await all.activeAfter(last, PAGE)
    found.push(...accounts.filter(({ organisationId: own }) => own !== undefined && within.has(own)))
    last = accounts.at(-1)?.id
    if (accounts.length < PAGE || found.length >= limit) return found.slice(0, limit)
  }
}

/** What is due by the day, and what a killed process has left. Each is tried, whatever becomes of the others. */
async function hourly(
  {
    privacy,
    policies,
    notices,
    legal,
    announcer,
  }: Pick<Rights, 'privacy' | 'policies' | 'notices' | 'legal'> & {
    readonly announcer: MaintenanceAnnouncer
  },
  events: RightsOptions['events'],
): Promise<void> {
  const tasks = [
    () => policies.announce(),
    () => announcer.settleAll(),
    () => legal.notifyDue(),
    () => legal.report(),
    () => privacy.forget(),
    () => notices.forget(),
    () => legal.forget(),
  ]
  for (const task of tasks) await task().catch((error: unknown) => events.rightsTaskFailed(errorCode(error)))
}
