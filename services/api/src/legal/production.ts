/** What is handed out to an authority: what the guidelines list, as far as it was sought. Nothing else exists; a test compares it with the account's own export. */
import type { Account } from '@sealpost/accounts'
import type { LegalRequest } from './store.ts'

/** Who bought the account, where an organisation did. */
export interface Purchaser {
  readonly name: string
  /** Absent: none is held. */
  readonly billing_method?: string
}

/** Undefined: no organisation bought it. */
export type PurchaserOf = (account: Account) => Promise<Purchaser | undefined>

export interface Production {
  readonly schema: 'urn:sealpost:legal-production:1'
  readonly request: string
  readonly authority: string
  readonly received_on: string
  readonly produced_on: string
  /** Of the server. */
  readonly server: string
  readonly username: string
  /** Whether there is such an account. What follows is there only as far as it was sought. */
  readonly exists: boolean
  readonly created_on?: string
  /** Null: no organisation bought it. */
  readonly purchaser?: Purchaser | null
  /** Types are kept as keyed hashes: one that is named can be compared. */
  readonly device_type?: { readonly named: string; readonly known: boolean }
  /** Null: it was never used. */
  readonly last_used_on?: string | null
  readonly not_held: readonly string[]
}

export interface ProductionFacts {
  readonly server: string
  readonly producedOn: string
  readonly purchaserOf: PurchaserOf
  /** Whether a device of the account has said that it is of this type. Throws PortError. */
  readonly hasDeviceType: (account: Account, type: string) => Promise<boolean>
}

/** Said in every production. */
const NOT_HELD = [
  'content of messages or mails',
  'contacts of messages or mails, and when they were sent',
  'contact lists in a form that is handed out',
  'passwords, and keys that open content',
  'names, addresses and payment data of persons',
  'network addresses and places',
]

/** Throws what the facts throw. `username`: as the request names it. */
export async function produce(
  request: LegalRequest & { readonly username: string },
  account: Account | undefined,
  { server, producedOn, purchaserOf, hasDeviceType }: ProductionFacts,
): Promise<Production> {
  const { id, authority, receivedOn, username, sought, deviceType } = request
  const head = {
    schema: 'urn:sealpost:legal-production:1',
    request: id,
    authority,
    received_on: receivedOn,
    produced_on: producedOn,
    server,
    username,
    exists: account !== undefined,
    not_held: NOT_HELD,
  } as const
  if (account === undefined) return head
  const typed = sought.includes('device-type') && deviceType !== undefined
  return {
    ...head,
    ...(sought.includes('creation-date') ? { created_on: account.createdOn } : {}),
    ...(sought.includes('purchaser') ? { purchaser: (await purchaserOf(account)) ?? null } : {}),
    ...(typed ? { device_type: { named: deviceType, known: await hasDeviceType(account, deviceType) } } : {}),
    ...(sought.includes('last-use') ? { last_used_on: account.lastUsedOn ?? null } : {}),
  }
}

/** The same for people. */
export function productionText(production: Production): string {
  const { purchaser, device_type: type, created_on: createdOn, last_used_on: lastUsedOn } = production
  const lines = [
    `Production of ${production.server}`,
    '',
    `Request:            ${production.request}`,
    `Authority:          ${production.authority}`,
    `Received on:        ${production.received_on}`,
    `Produced on:        ${production.produced_on}`,
    '',
    `Username:           ${production.username}`,
    ...(production.exists ? [] : ['Account:            there is none of this name']),
    ...(createdOn === undefined ? [] : [`Date of creation:   ${createdOn}`]),
    ...(purchaser === undefined ? [] : showPurchaser(purchaser)),
    ...(type === undefined
      ? []
      : [`Device type:        ${type.named}: ${type.known ? 'confirmed' : 'not confirmed'}`]),
    ...(lastUsedOn === undefined ? [] : [`Date of last use:   ${lastUsedOn ?? 'never used'}`]),
    '',
    'Not held, and therefore not produced:',
    ...production.not_held.map((each) => `- ${each}`),
    '',
  ]
  return lines.join('\n')
}

function showPurchaser(purchaser: Purchaser | null): string[] {
  if (purchaser === null) return ['Purchaser:          no organisation']
  const { name, billing_method: method = 'not held' } = purchaser
  return [`Purchaser:          ${name}`, `Billing method:     ${method}`]
}
