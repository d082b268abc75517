/** Whoever administers one organisation reaches it and what is below it, by every command that they may ask; beyond it nothing exists for them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Account, Organisation } from '@sealpost/accounts'
import { createMemoryAccounts } from '@sealpost/accounts/memory'
import { createAuditLog, memoryAuditStore } from '@sealpost/audit'
import { createProcessBus } from '@sealpost/bus'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import type { Actor, Command, CommandContext } from '../commands/command.ts'
import { dispatch } from '../commands/dispatch.ts'
import { commands } from '../commands/index.ts'
import { reachableAccount, reachableOrganisation } from './reach.ts'

type AnyRequest = Parameters<Command['handle']>[1]

const stack = new AsyncDisposableStack()
const clock = new VirtualClock()
const accounts = stack.use(
  createMemoryAccounts({ bus: stack.use(createProcessBus()), clock, random: systemRandom }),
)
const audit = createAuditLog({ store: memoryAuditStore(), clock })
// What is refused gets no further than to these.
const context = {
  accounts,
  audit,
  access: { administrators: { areSeveral: async () => false } },
  relay: {},
  domains: ['example.org'],
} as unknown as CommandContext

let [reseller, customer, other]: Organisation[] = []
let [inside, outside, free]: Account[] = []
beforeAll(async () => {
  const open = (kind: 'customer' | 'reseller', parentId?: string) =>
    accounts.organisations.create({ name: 'Some', kind, parentId, pools: {} })
  reseller = await open('reseller')
  customer = await open('customer', reseller.id)
  other = await open('customer')
  const join = (name: string, organisationId?: string) =>
    accounts.create(parseJid(`${name}@example.org`), undefined, { organisationId })
  inside = await join('inside', customer.id)
  outside = await join('outside', other.id)
  free = await join('free')
})
afterAll(() => stack.disposeAsync())

const of = (organisation: Organisation | undefined): Actor => ({
  kind: 'key',
  id: '00000000-0000-4000-8000-000000000000',
  scopes: ['*'],
  organisationId: organisation?.id,
  networks: [],
  expiresOn: undefined,
  madeBy: undefined,
})

test('an account is reached from its organisation, from above, and by the whole server', async () => {
  const reached = async (actor: Actor, account: Account | undefined) =>
    (await reachableAccount(context, actor, account?.jid ?? parseJid('x@y'))).id
  expect(await reached(of(customer), inside)).toBe(inside?.id)
  expect(await reached(of(reseller), inside)).toBe(inside?.id)
  expect(await reached({ kind: 'owner' }, free)).toBe(free?.id)
  for (const [from, to] of [
    [other, inside],
    [customer, outside],
    [reseller, free],
  ] as const)
    await expect(reached(of(from), to)).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN' })
})

test('an organisation is reached from itself and from above', async () => {
  const reached = async (from: Organisation | undefined, to: Organisation | undefined) =>
    (await reachableOrganisation(context, of(from), to?.id ?? '')).id
  expect(await reached(reseller, customer)).toBe(customer?.id)
  expect(await reached(customer, customer)).toBe(customer?.id)
  for (const [from, to] of [
    [customer, reseller],
    [other, customer],
  ] as const)
    await expect(reached(from, to)).rejects.toMatchObject({ code: 'ORGANISATION_UNKNOWN' })
})

const bounded = commands.filter(({ reach }) => reach === 'organisation')

describe('beyond the organisation', () => {
  const ask = (command: Command, params: object) => {
    const request = { actor: of(customer), params, query: {}, body: {}, reason: 'a test' }
    return dispatch(command, context, request as unknown as AnyRequest, { auditFailed: () => {} })
  }

  test.each(
    bounded.filter(({ path }) => path.includes(':jid')).map((command) => [command.name, command] as const),
  )('%s knows no account', async (_name, command) => {
    for (const account of [outside, free]) {
      const params = { jid: account?.jid.toString() ?? '', device: systemRandom.uuid() }
      await expect(ask(command, params)).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN' })
    }
    const [refused, begun] = await audit.find({ limit: 2 })
    if (command.method !== 'GET') expect([refused?.target, begun?.target]).toEqual([undefined, undefined])
  })

  const aboutOrganisations = bounded.filter(({ path }) => /organisations\/:id/.test(path))
  test.each(aboutOrganisations.map((command) => [command.name, command] as const))(
    '%s knows no organisation',
    async (_name, command) => {
      for (const organisation of [reseller, other])
        await expect(ask(command, { id: organisation?.id })).rejects.toMatchObject({
          code: 'ORGANISATION_UNKNOWN',
        })
    },
  )
})
