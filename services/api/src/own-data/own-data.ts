/**
 * Everything that the server holds of an account, gathered from all services, for its owner to have (portability, access). What a test does not find in here
 * and what is no exception with a reason must not be held: test/e2e/own-data.test.ts.
 */
import type { PurchaserOf } from '../legal/production.ts'
import type { Account, AccountsDomain } from '@sealpost/accounts'
import type { OwnDataPorts, RelayOwnData } from '@sealpost/ports'
import type { Clock } from '@sealpost/runtime'
import { showChat, showKeys, showMail } from './show.ts'

/** Counts the changes after which a program that knew the document before would not understand it. */
export const OWN_DATA_VERSION = 1
export const OWN_DATA_SCHEMA = 'urn:sealpost:own-data:1'

/** What the API itself holds of an account, in the words of the document. */
export type OwnDataSection = (account: Account) => Promise<unknown>

export interface OwnDataDocument extends Readonly<Record<string, unknown>> {
  readonly schema: typeof OWN_DATA_SCHEMA
  readonly version: typeof OWN_DATA_VERSION
  /** RFC 3339. */
  readonly made_at: string
  /** What is not in here, and where it is. */
  readonly left_out: readonly string[]
}

/** `contacts: false`: without contact list and with what only their owner may read left out, since nobody else may see these. */
export interface GatherOptions {
  readonly contacts: boolean
}

export interface OwnDataOf {
  /** Rejects with PortError when one of the services is away: half of it would be a wrong answer. */
  gather(account: Account, options: GatherOptions): Promise<OwnDataDocument>
  /** What the relay holds, for the portable format of chat. */
  chat(account: Account, options: GatherOptions): Promise<RelayOwnData>
}

export interface OwnDataOptions {
  readonly accounts: Pick<AccountsDomain, 'plans' | 'mailConduct'>
  readonly purchaserOf: PurchaserOf
  readonly ports: OwnDataPorts
  /** By the name of each in the document. */
  readonly sections: Readonly<Record<string, OwnDataSection>>
  readonly clock: Pick<Clock, 'now'>
}

const LEFT_OUT = [
  'mails: those that wait are fetched from /v1/mail, or from the mailbox server',
  'messages: those that wait are encrypted for the devices that fetch them',
  'password: only values from which it cannot be read are kept',
  'type and hardware of devices: only keyed hashes are kept, from which nobody can read them',
]
const CONTACTS_LEFT_OUT =
  'contacts, blocked addresses, groups, private nodes, subscriptions, elements and names of devices: only the owner of the account may see them'

export function createOwnData({ accounts, purchaserOf, ports, sections, clock }: OwnDataOptions): OwnDataOf {
  const chat = async ({ id }: Account, { contacts }: GatherOptions): Promise<RelayOwnData> => {
    const data = await ports.relay.ownData(id)
    if (contacts) return data
    const open = data.nodes.filter(({ config }) => config['pubsub#access_model'] === 'open')
    return {
      ...data,
      contacts: [],
      blocked: [],
      groups: [],
      nodes: open.map((node) => ({ ...node, subscribers: [] })),
      subscriptions: [],
      elements: [],
      devices: data.devices.map((device) => ({ ...device, label: undefined })),
    }
  }
  return {
    chat,
    async gather(account, options) {
      const [relay, keys, mail, ...own] = await Promise.all([
        chat(account, options),
        ports.keys.ownData(account.id),
        ports.mail.ownData(account.id),
        ...Object.values(sections).map((section) => section(account)),
      ])
      const names = Object.keys(sections)
      return {
        schema: OWN_DATA_SCHEMA,
        version: OWN_DATA_VERSION,
        made_at: new Date(clock.now()).toISOString(),
        account: await showAccountData({ accounts, purchaserOf }, account),
        chat: showChat(relay),
        keys: showKeys(keys),
        mail: showMail(mail),
        ...Object.fromEntries(names.map((name, index) => [name, own[index]])),
        left_out: options.contacts ? LEFT_OUT : [...LEFT_OUT, CONTACTS_LEFT_OUT],
      }
    },
  }
}

async function showAccountData(
  { accounts: { plans, mailConduct }, purchaserOf }: Pick<OwnDataOptions, 'accounts' | 'purchaserOf'>,
  account: Account,
): Promise<object> {
  const plan = await plans.of(account.id)
  const purchaser = await purchaserOf(account)
  const limit = await mailConduct.limit(account.id)
  const reviews = await mailConduct.reviews(account.id)
  return {
    id: account.id,
    jid: account.jid.toString(),
    state: account.state,
    ...(account.reason === undefined ? {} : { reason: account.reason }),
    ...(account.suspendedUntil === undefined ? {} : { suspended_until: account.suspendedUntil }),
    ...(purchaser === undefined ? {} : { organisation: purchaser }),
    created_on: account.createdOn,
    ...(account.lastUsedOn === undefined ? {} : { last_used_on: account.lastUsedOn }),
    plan: plan.name,
    plan_limits: plan.limits,
    ...(limit === undefined ? {} : { mails_per_day: limit }),
    mail_reviews: reviews.map(({ reason, noticedOn }) => ({ reason, noticed_on: noticedOn })),
  }
}
