/** How organisations look in the API. */
import {
  POOL_RESOURCES,
  POOL_SIZE_MAX,
  type Organisation,
  type Pool,
  type PoolResource,
  type Pools,
  type PoolSizes,
} from '@sealpost/accounts'
import { Type, type Static } from '@sealpost/http'

export const organisationParams = Type.Object({ id: Type.String({ format: 'uuid' }) })

export const nameSchema = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: String.raw`^[^\u0000-\u001f\u007f]*[^\s\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*$`,
})
export const kindSchema = Type.Union([Type.Literal('customer'), Type.Literal('reseller')], {
  description: 'A reseller may have organisations below it',
})

const MEANINGS: Readonly<Record<PoolResource, string>> = {
  accounts: 'Accounts',
  mailbox_mib: 'MiB of all mailboxes, by the plans of the accounts',
  mails_per_day: 'Mails that its accounts send in a day',
  keys: 'Certificates published for its accounts',
}
const sizeOf = (resource: PoolResource) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: POOL_SIZE_MAX, description: MEANINGS[resource] }))

const resourceSchema = Type.Union([
  Type.Literal('accounts'),
  Type.Literal('mailbox_mib'),
  Type.Literal('mails_per_day'),
  Type.Literal('keys'),
])

export const poolSizeFields = {
  accounts: sizeOf('accounts'),
  mailbox_mib: sizeOf('mailbox_mib'),
  mails_per_day: sizeOf('mails_per_day'),
  keys: sizeOf('keys'),
  unbounded: Type.Optional(
    Type.Array(resourceSchema, {
      maxItems: POOL_RESOURCES.length,
      uniqueItems: true,
      description: 'Pools that have no bound any more but the server’s',
    }),
  ),
}

const poolSchema = Type.Object({
  size: Type.Optional(Type.Integer({ description: 'Absent: no bound but the server’s' })),
  used: Type.Integer(),
  given: Type.Integer({ description: 'To organisations directly below' }),
  warning: Type.Optional(
    Type.Union([Type.Literal(80), Type.Literal(95)], { description: 'Per cent of the size that are in use' }),
  ),
})

export const organisationSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  kind: kindSchema,
  state: Type.Union([Type.Literal('active'), Type.Literal('suspended')]),
  reason: Type.Optional(Type.String({ description: 'Why it is suspended' })),
  parent: Type.Optional(Type.String({ format: 'uuid', description: 'Absent: directly below the server' })),
  depth: Type.Integer({ description: '1: directly below the server' }),
  created_on: Type.String({ format: 'date' }),
  terminates_on: Type.Optional(
    Type.String({ format: 'date', description: 'When it ends, with all that belongs to it' }),
  ),
})

export const detailedSchema = Type.Object({
  ...organisationSchema.properties,
  pools: Type.Object({
    accounts: poolSchema,
    mailbox_mib: poolSchema,
    mails_per_day: poolSchema,
    keys: poolSchema,
  }),
  branding: Type.Object({
    name: Type.Optional(Type.String()),
    background: Type.Optional(Type.String()),
    text: Type.Optional(Type.String()),
    domain: Type.Optional(Type.String()),
    support_url: Type.Optional(Type.String()),
    logo: Type.Boolean({ description: 'Whether there is one' }),
  }),
})

/** For listings. */
export function showOrganisation(organisation: Organisation): Static<typeof organisationSchema> {
  const { id, name, kind, state, reason, parentId, path, createdOn, terminatesOn } = organisation
  return {
    id,
    name,
    kind,
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(parentId === undefined ? {} : { parent: parentId }),
    depth: path.length,
    created_on: createdOn,
    ...(terminatesOn === undefined ? {} : { terminates_on: terminatesOn }),
  }
}

export function showDetailed(organisation: Organisation, pools: Pools): Static<typeof detailedSchema> {
  const { name, colours, domain, supportUrl, hasLogo } = organisation.brand
  return {
    ...showOrganisation(organisation),
    pools: {
      accounts: showPool(pools.accounts),
      mailbox_mib: showPool(pools.mailbox_mib),
      mails_per_day: showPool(pools.mails_per_day),
      keys: showPool(pools.keys),
    },
    branding: {
      ...(name === undefined ? {} : { name }),
      ...(colours === undefined ? {} : { background: colours.background, text: colours.text }),
      ...(domain === undefined ? {} : { domain }),
      ...(supportUrl === undefined ? {} : { support_url: supportUrl }),
      logo: hasLogo,
    },
  }
}

function showPool({ size, used, given }: Pool): Static<typeof poolSchema> {
  if (size === undefined) return { used, given }
  const warning = ([95, 80] as const).find((percent) => size > 0 && (used + given) * 100 >= size * percent)
  return { size, used, given, ...(warning === undefined ? {} : { warning }) }
}

/** What is absent is left out; the last word on a pool is that it has no bound. */
export function readPools(
  body: Readonly<Partial<Record<PoolResource, number>>> & { readonly unbounded?: readonly PoolResource[] },
): PoolSizes {
  const given = POOL_RESOURCES.filter((resource) => body[resource] !== undefined)
  const sizes = given.map((resource) => [resource, body[resource]] as const)
  const free = (body.unbounded ?? []).map((resource) => [resource, undefined] as const)
  return Object.fromEntries([...sizes, ...free])
}

export function printOrganisation({
  id,
  name,
  kind,
  state,
  reason,
  terminates_on: end,
}: Static<typeof organisationSchema>): string {
  const ends = end === undefined ? '' : `  ends on ${end}`
  return `${id}  ${kind}  ${reason === undefined ? state : `${state} (${reason})`}  ${name}${ends}`
}

export function printDetailed(organisation: Static<typeof detailedSchema>): string {
  const pools = POOL_RESOURCES.map((resource) => {
    const { size, used, given, warning } = organisation.pools[resource]
    const of = size === undefined ? 'without a bound' : `of ${String(size)}`
    return `    ${resource}: ${String(used)} used, ${String(given)} given, ${of}${warning === undefined ? '' : `  (over ${String(warning)} %)`}`
  })
  return [printOrganisation(organisation), ...pools].join('\n')
}
