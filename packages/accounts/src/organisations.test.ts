/** Organisations over both stores: the tree, pools under many at once, suspension of a whole, and who may lift what. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProcessBus } from '@sealpost/bus'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../test/database.ts'
import { createAccounts, type AccountsDomain } from './accounts.ts'
import { createMemoryAccounts } from './memory.ts'
import type { OrganisationKind, PoolSizes } from './organisation.ts'

const code = (value: string): object => ({ code: value })

describe.each(['memory', 'postgres'])('organisations, over %s', (kind) => {
  let accounts: AccountsDomain
  const stack = new AsyncDisposableStack()
  const clock = new VirtualClock()
  let named = 0

  beforeAll(async () => {
    const parts = { bus: stack.use(createProcessBus()), clock, random: systemRandom }
    if (kind === 'memory') accounts = stack.use(createMemoryAccounts(parts))
    else {
      const { url } = stack.use(await createMigratedDatabase())
      const db = stack.use(await openDb({ url, role: 'sealpost_account', poolSize: 20 }))
      accounts = stack.use(createAccounts({ db, ...parts }))
    }
  })
  afterAll(() => stack.disposeAsync())

  const open = (of: OrganisationKind, parentId?: string, pools: PoolSizes = {}) =>
    accounts.organisations.create({ name: `${of} ${String(named++)}`, kind: of, parentId, pools })
  const join = (organisationId?: string) =>
    accounts.create(parseJid(`a${String(named++)}@example.org`), undefined, { organisationId })
  const pool = async (id: string, resource: 'accounts' | 'mailbox_mib' = 'accounts') =>
    (await accounts.organisations.pools(id))[resource]
  /** How many of them were refused, all for one reason. */
  const refusals = async (work: readonly Promise<unknown>[], because: string): Promise<number> => {
    const refused = (await Promise.allSettled(work)).filter((each) => each.status === 'rejected')
    for (const { reason } of refused) expect(reason).toMatchObject({ code: because })
    return refused.length
  }

  test('form a tree of at most four levels below resellers', async () => {
    const { organisations } = accounts
    const top = await open('reseller')
    const middle = await open('reseller', top.id)
    const third = await open('reseller', middle.id)
    const customer = await open('customer', third.id)
    expect(customer.path).toEqual([top.id, middle.id, third.id, customer.id])
    await expect(open('customer', customer.id)).rejects.toMatchObject(code('ORGANISATION_KIND'))
    await organisations.update(customer.id, { kind: 'reseller', name: 'Grown' })
    await expect(open('customer', customer.id)).rejects.toMatchObject(code('ORGANISATION_DEPTH'))
    await expect(organisations.update(top.id, { kind: 'customer' })).rejects.toMatchObject(
      code('ORGANISATION_KIND'),
    )
    await expect(open('customer', systemRandom.uuid())).rejects.toMatchObject(code('ORGANISATION_KIND'))
    expect(await organisations.within(middle.id)).toEqual(new Set([middle.id, third.id, customer.id]))
    expect(await organisations.within(systemRandom.uuid())).toEqual(new Set())
    expect((await organisations.find(customer.id))?.name).toBe('Grown')
    const listed = await organisations.list({ limit: 2, within: top.id })
    const rest = await organisations.list({ limit: 2, within: top.id, cursor: listed.next })
    expect(new Set([...listed.items, ...rest.items].map(({ id }) => id))).toEqual(new Set(customer.path))
    expect(rest.next).toBeUndefined()
    expect((await organisations.list({ limit: 9, search: 'GROW' })).items.map(({ id }) => id)).toEqual([
      customer.id,
    ])
    expect((await organisations.list({ limit: 9, parentId: top.id })).items.map(({ id }) => id)).toEqual([
      middle.id,
    ])
    await expect(organisations.list({ limit: 2, cursor: 'x' })).rejects.toMatchObject(
      code('CURSOR_MALFORMED'),
    )
  })

  test('50 accounts at once in a pool of 20: exactly 20 are made', async () => {
    const { id } = await open('customer', undefined, { accounts: 20 })
    const tries = Array.from({ length: 50 }, () => join(id))
    expect(await refusals(tries, 'POOL_EXCEEDED')).toBe(30)
    expect(await pool(id)).toEqual({ size: 20, used: 20, given: 0 })
    await expect(accounts.organisations.update(id, { pools: { accounts: 19 } })).rejects.toMatchObject(
      code('POOL_EXCEEDED'),
    )
  })

  test('50 customers at once under a reseller: never more is given than it has', async () => {
    const reseller = await open('reseller', undefined, { accounts: 100 })
    await join(reseller.id)
    const tries = Array.from({ length: 50 }, () => open('customer', reseller.id, { accounts: 10 }))
    expect(await refusals(tries, 'POOL_EXCEEDED')).toBe(41)
    expect(await pool(reseller.id)).toEqual({ size: 100, used: 1, given: 90 })
    const own = Array.from({ length: 50 }, () => join(reseller.id))
    expect(await refusals(own, 'POOL_EXCEEDED')).toBe(41)
    const { items } = await accounts.organisations.list({ limit: 1, parentId: reseller.id })
    await accounts.organisations.remove(items[0]?.id ?? '')
    expect(await pool(reseller.id)).toEqual({ size: 100, used: 10, given: 80 })
  })

  test('below a bound everything has one', async () => {
    const reseller = await open('reseller', undefined, { accounts: 10 })
    const customer = await open('customer', reseller.id)
    expect((await pool(customer.id)).size).toBe(0)
    await expect(
      accounts.organisations.update(customer.id, { pools: { accounts: undefined } }),
    ).rejects.toMatchObject(code('POOL_UNBOUNDED'))
    const free = await open('reseller')
    const below = await open('customer', free.id)
    expect((await pool(below.id)).size).toBeUndefined()
    await expect(accounts.organisations.update(free.id, { pools: { accounts: 5 } })).rejects.toMatchObject(
      code('POOL_UNBOUNDED'),
    )
    await accounts.organisations.update(below.id, { pools: { accounts: 3 } })
    await accounts.organisations.update(free.id, { pools: { accounts: 5 } })
    expect(await pool(free.id)).toEqual({ size: 5, used: 0, given: 3 })
  })

  test('50 moves at once, there and back: the pools hold, and the sums are right', async () => {
    const { organisations } = accounts
    const [here, there] = [await open('customer'), await open('customer', undefined, { accounts: 25 })]
    const members = await Promise.all(Array.from({ length: 50 }, () => join(here.id)))
    const moves = members.map(({ jid }) => organisations.moveAccount(jid, there.id))
    expect(await refusals(moves, 'POOL_EXCEEDED')).toBe(25)
    const back = members.map(({ jid }, index) =>
      organisations.moveAccount(jid, index % 2 === 0 ? here.id : undefined),
    )
    expect(await refusals(back, '')).toBe(0)
    expect((await pool(here.id)).used).toBe(25)
    expect((await pool(there.id)).used).toBe(0)
    expect((await accounts.findById(members[0]?.id ?? ''))?.organisationId).toBe(here.id)
    expect((await organisations.ofAccount(members[0]?.id ?? ''))?.id).toBe(here.id)
    expect(await organisations.ofAccount(members[1]?.id ?? '')).toBeUndefined()
  })

  test('mailboxes count by their plans, whatever changes', async () => {
    const { organisations, plans } = accounts
    const name = `large${String(named++)}`
    const { id } = await open('customer', undefined, { mailbox_mib: 4_000 })
    const ann = await join(id)
    await plans.set(name, { mailbox_mib: 2_000 })
    await plans.assign(ann.jid, name)
    expect(await pool(id, 'mailbox_mib')).toEqual({ size: 4_000, used: 2_000, given: 0 })
    await expect(plans.set(name, { mailbox_mib: 4_001 })).rejects.toMatchObject(code('POOL_EXCEEDED'))
    await plans.set(name, { mailbox_mib: 3_000 })
    await expect(join(id)).rejects.toMatchObject(code('POOL_EXCEEDED'))
    await plans.assign(ann.jid, 'default')
    const bob = await join(id)
    expect((await pool(id, 'mailbox_mib')).used).toBe(2_048)
    await plans.assign(bob.jid, name).catch(() => undefined)
    expect((await pool(id, 'mailbox_mib')).used).toBe(2_048)
    await organisations.moveAccount(ann.jid, undefined)
    await plans.assign(bob.jid, name)
    expect((await pool(id, 'mailbox_mib')).used).toBe(3_000)
    await accounts.terminate(bob.jid)
    expect(await pool(id, 'mailbox_mib')).toEqual({ size: 4_000, used: 0, given: 0 })
    expect((await pool(id)).used).toBe(0)
  })

  test('are removed once nobody belongs to them', async () => {
    const { organisations } = accounts
    const reseller = await open('reseller')
    const { id } = await open('customer', reseller.id)
    const ann = await join(id)
    for (const each of [reseller.id, id])
      await expect(organisations.remove(each)).rejects.toMatchObject(code('ORGANISATION_NOT_EMPTY'))
    await organisations.moveAccount(ann.jid, undefined)
    await organisations.remove(id)
    await organisations.remove(reseller.id)
    await expect(organisations.remove(id)).rejects.toMatchObject(code('ORGANISATION_UNKNOWN'))
    await expect(join(id)).rejects.toMatchObject(code('ORGANISATION_UNKNOWN'))
    await expect(organisations.moveAccount(ann.jid, id)).rejects.toMatchObject(code('ORGANISATION_UNKNOWN'))
  })

  test('are suspended and reinstated with all below them; what was suspended otherwise stays so', async () => {
    const { organisations } = accounts
    const reseller = await open('reseller')
    const customer = await open('customer', reseller.id)
    const [ann, bob, carl] = [await join(customer.id), await join(customer.id), await join(reseller.id)]
    await accounts.suspend(bob.jid, 'abuse')
    expect(await organisations.suspend(reseller.id, 'payment')).toMatchObject({
      state: 'suspended',
      reason: 'payment',
    })
    const state = async (id: string) => {
      const account = await accounts.findById(id)
      return [account?.state, account?.reason]
    }
    expect(await state(ann.id)).toEqual(['suspended', 'payment'])
    expect(await state(bob.id)).toEqual(['suspended', 'abuse'])
    expect(await state(carl.id)).toEqual(['suspended', 'payment'])
    await expect(join(customer.id)).rejects.toMatchObject(code('ORGANISATION_SUSPENDED'))
    await expect(open('customer', reseller.id)).rejects.toMatchObject(code('ORGANISATION_SUSPENDED'))
    await expect(organisations.moveAccount(ann.jid, undefined)).rejects.toMatchObject(
      code('ORGANISATION_SUSPENDED'),
    )
    for (const { jid } of [ann, bob])
      await expect(accounts.restore(jid)).rejects.toMatchObject(code('ORGANISATION_SUSPENDED'))
    await expect(organisations.reinstate(customer.id)).rejects.toMatchObject(code('ORGANISATION_SUSPENDED'))
    const held = code('ORGANISATION_HELD')
    await expect(organisations.suspend(reseller.id, 'other', { onlyWhile: null })).rejects.toMatchObject(held)
    await expect(organisations.reinstate(reseller.id, { onlyWhile: 'abuse' })).rejects.toMatchObject(held)
    expect(await organisations.reinstate(reseller.id, { onlyWhile: 'payment' })).toMatchObject({
      state: 'active',
      reason: undefined,
    })
    expect(await state(ann.id)).toEqual(['active', undefined])
    expect(await state(bob.id)).toEqual(['suspended', 'abuse'])
    expect(await state(carl.id)).toEqual(['active', undefined])
    expect((await accounts.restore(bob.jid)).state).toBe('active')
    expect((await organisations.reinstate(reseller.id)).state).toBe('active')
    await expect(organisations.suspend(customer.id, 'Late!')).rejects.toMatchObject(code('REASON_MALFORMED'))
  })

  test('their administrators lift what they or those below decided, and nothing from above', async () => {
    const reseller = await open('reseller')
    const customer = await open('customer', reseller.id)
    const { jid } = await join(customer.id)
    const held = code('ACCOUNT_HELD')
    await accounts.suspend(jid, 'abuse')
    await expect(accounts.restore(jid, { within: customer.id })).rejects.toMatchObject(held)
    await expect(accounts.suspend(jid, 'x', { within: customer.id })).rejects.toMatchObject(held)
    await accounts.restore(jid)
    await accounts.suspend(jid, 'left', { within: reseller.id })
    await expect(accounts.restore(jid, { within: customer.id })).rejects.toMatchObject(held)
    await accounts.restore(jid, { within: reseller.id })
    await accounts.suspend(jid, 'left', { within: customer.id, until: '2200-01-01' })
    expect(await accounts.find(jid)).toMatchObject({ suspendedUntil: '2200-01-01', reason: 'left' })
    const past = accounts.suspend(jid, 'left', { until: '1970-01-01' })
    await expect(past).rejects.toMatchObject(code('SUSPENSION_END'))
    expect(await accounts.restore(jid, { within: reseller.id })).toMatchObject({ suspendedUntil: undefined })
  })

  test('mails of a day are spent from one pool, and from what is not given away', async () => {
    const { organisations } = accounts
    const reseller = await open('reseller', undefined, { mails_per_day: 30 })
    await open('customer', reseller.id, { mails_per_day: 10 })
    const ann = await join(reseller.id)
    const spends = await Promise.all(
      Array.from({ length: 50 }, () => organisations.spend(ann.id, 'mails_per_day', 1)),
    )
    expect(spends.filter(Boolean)).toHaveLength(20)
    expect((await organisations.pools(reseller.id)).mails_per_day).toEqual({ size: 30, used: 20, given: 10 })
    await clock.advance(86_400_000)
    expect(await organisations.spend(ann.id, 'mails_per_day', 21)).toBe(false)
    expect(await organisations.spend(ann.id, 'mails_per_day', 20)).toBe(true)
    expect(await organisations.spend((await join()).id, 'mails_per_day', 1_000)).toBe(true)
    await organisations.forgetSpent()
    expect((await organisations.pools(reseller.id)).mails_per_day.used).toBe(20)
    await clock.advance(86_400_000)
    await organisations.forgetSpent()
    expect((await organisations.pools(reseller.id)).mails_per_day.used).toBe(0)
  })

  test('end on a day, with all below them; until then it is taken back, from then on nothing is', async () => {
    const { organisations } = accounts
    const day = (offset: number) => new Date(clock.now() + offset * 86_400_000).toISOString().slice(0, 10)
    const reseller = await open('reseller')
    const customer = await open('customer', reseller.id)
    const ids = async () => (await organisations.ending()).map(({ id }) => id)
    expect(await organisations.end(reseller.id, day(3))).toMatchObject({ terminatesOn: day(3) })
    expect((await organisations.find(customer.id))?.terminatesOn).toBe(day(3))
    expect((await organisations.end(customer.id, day(2))).terminatesOn).toBe(day(2))
    expect((await organisations.keep(customer.id)).terminatesOn).toBe(day(3))
    expect((await organisations.keep(reseller.id)).terminatesOn).toBeUndefined()
    expect(await ids()).toEqual([])
    await organisations.end(reseller.id, day(1))
    await organisations.suspend(customer.id, 'abuse')
    await clock.advance(86_400_000)
    expect(await ids()).toEqual([customer.id, reseller.id])
    for (const id of [reseller.id, customer.id])
      for (const undo of [
        () => organisations.keep(id),
        () => organisations.reinstate(id),
        () => organisations.end(id, day(9)),
      ])
        await expect(undo()).rejects.toMatchObject(code('ORGANISATION_ENDING'))
    await organisations.remove(customer.id)
    await organisations.remove(reseller.id)
    expect(await ids()).toEqual([])
  })

  test('one that is empty ends at once; of who joins it meanwhile, either is refused', async () => {
    const { organisations } = accounts
    const busy = await open('reseller')
    await join(busy.id)
    await expect(organisations.endEmpty(busy.id)).rejects.toMatchObject(code('ORGANISATION_NOT_EMPTY'))
    await expect(organisations.endEmpty(systemRandom.uuid())).rejects.toMatchObject(
      code('ORGANISATION_UNKNOWN'),
    )
    const { id } = await open('reseller')
    const [ended, ...joined] = await Promise.allSettled([
      organisations.endEmpty(id),
      ...Array.from({ length: 10 }, () => join(id)),
      open('customer', id),
    ])
    const inside = joined.filter(({ status }) => status === 'fulfilled').length
    expect(inside === 0).toBe(ended?.status === 'fulfilled')
    if (inside === 0) expect((await organisations.ending()).map((each) => each.id)).toEqual([id])
  })

  test('certificates: 50 are published at once in a pool of 20; they go along with their accounts, and with their end', async () => {
    const { organisations } = accounts
    const [here, there] = [
      await open('customer', undefined, { keys: 20 }),
      await open('customer', undefined, { keys: 1 }),
    ]
    const members = await Promise.all(Array.from({ length: 50 }, () => join(here.id)))
    const used = async (id: string) => (await organisations.pools(id)).keys.used
    const tries = members.map(({ id }) => organisations.holdKey(id))
    expect(await refusals(tries, 'POOL_EXCEEDED')).toBe(30)
    expect(await used(here.id)).toBe(20)
    const holders = await organisations.keyHolders(undefined)
    expect(holders).toHaveLength(20)
    expect(await organisations.keyHolders(holders[17]?.id)).toEqual(holders.slice(18))
    const [ann, bob, carl] = members.filter(({ id }) => holders.some((each) => each.id === id))
    if (ann === undefined || bob === undefined || carl === undefined) throw new Error('None has one')
    expect(await organisations.holdKey(ann.id)).toBe(false)
    expect(await organisations.holdKey(systemRandom.uuid())).toBe(false)
    await organisations.moveAccount(ann.jid, there.id)
    await expect(organisations.moveAccount(bob.jid, there.id)).rejects.toMatchObject(code('POOL_EXCEEDED'))
    expect([await used(here.id), await used(there.id)]).toEqual([19, 1])
    expect(await organisations.countMembers(there.id, '2000-01-01')).toEqual({
      active: 1,
      suspended: 0,
      used: 0,
      withKey: 1,
    })
    await organisations.releaseKey(ann.id)
    await organisations.releaseKey(ann.id)
    expect(await used(there.id)).toBe(0)
    await organisations.moveAccount(bob.jid, there.id)
    await accounts.terminate(bob.jid)
    expect([await used(here.id), await used(there.id)]).toEqual([18, 0])
    await Promise.all(Array.from({ length: 20 }, () => organisations.releaseKey(carl.id)))
    expect(await used(here.id)).toBe(17)
  })

  test('have pages of their own look, by a domain that only one can have', async () => {
    const { organisations } = accounts
    const [one, other] = [await open('reseller'), await open('customer')]
    const brand = {
      name: 'Étoile',
      colours: { background: '#102030', text: '#ffffff' },
      domain: `mail${String(named++)}.example.com`,
      supportUrl: 'https://help.example.com/',
    }
    expect((await organisations.setBrand(one.id, brand)).brand).toEqual({ ...brand, hasLogo: false })
    const logo = Buffer.from('picture')
    expect((await organisations.setLogo(one.id, logo)).brand.hasLogo).toBe(true)
    expect(await organisations.logo(one.id)).toEqual(logo)
    expect((await organisations.byBrandDomain(brand.domain))?.id).toBe(one.id)
    await expect(organisations.setBrand(other.id, brand)).rejects.toMatchObject(code('BRAND_DOMAIN_TAKEN'))
    const none = { name: undefined, colours: undefined, domain: undefined, supportUrl: undefined }
    expect((await organisations.setBrand(one.id, none)).brand).toEqual({ ...none, hasLogo: true })
    await organisations.setLogo(one.id, undefined)
    expect(await organisations.logo(one.id)).toBeUndefined()
    await organisations.setBrand(other.id, brand)
  })

  test('what those above suspended, its administrators do not end; who suspended it last, or first, is the same', async () => {
    const { organisations } = accounts
    const today = new Date(clock.now()).toISOString().slice(0, 10)
    const [upper, held] = [await open('reseller'), code('ACCOUNT_HELD')]
    const [inner, other] = [await open('customer', upper.id), await open('customer', upper.id)]
    const [ann, bob, carl] = [await join(inner.id), await join(inner.id), await join(other.id)]
    const by = { within: inner.id }
    const isLeaving = async (id: string) => (await accounts.leavingToday()).some((each) => each.id === id)
    const isEnding = async ({ id }: { id: string }) =>
      (await organisations.ending()).some((each) => each.id === id)
    const end = (id: string, within?: string) => organisations.end(id, today, { within })
    const endHeld = code('ORGANISATION_HELD')

    // Asked for before: it waits until the suspension is lifted.
    for (const { jid } of [ann, bob]) await accounts.leave(jid, today, by)
    expect([await isLeaving(ann.id), await isLeaving(bob.id)]).toEqual([true, true])
    await accounts.suspend(ann.jid, 'abuse')
    await accounts.suspend(bob.jid, 'left', by)
    expect([await isLeaving(ann.id), await isLeaving(bob.id)]).toEqual([false, true])
    await expect(end(inner.id, inner.id)).rejects.toMatchObject(endHeld)
    await accounts.restore(ann.jid)
    expect(await isLeaving(ann.id)).toBe(true)
    await organisations.suspend(upper.id, 'abuse')
    expect([await isLeaving(ann.id), await isLeaving(bob.id)]).toEqual([false, false])

    // Suspended by themselves before, and their organisation by those above after.
    await organisations.reinstate(upper.id)
    await accounts.leave(bob.jid, undefined, by)
    await organisations.suspend(inner.id, 'abuse', { within: upper.id })
    await expect(accounts.leave(bob.jid, today, by)).rejects.toMatchObject(held)
    await accounts.leave(bob.jid, today, { within: upper.id })
    expect(await isLeaving(bob.id)).toBe(true)
    await accounts.leave(bob.jid, undefined)
    await expect(end(inner.id, inner.id)).rejects.toMatchObject(endHeld)
    await organisations.reinstate(inner.id)

    // One below it, of whose accounts none is suspended from above.
    await accounts.suspend(carl.jid, 'left', { within: other.id })
    await organisations.suspend(other.id, 'abuse')
    await expect(end(upper.id, upper.id)).rejects.toMatchObject(endHeld)
    await organisations.reinstate(other.id)
    await end(upper.id, upper.id)
    expect([await isEnding(upper), await isEnding(inner)]).toEqual([true, true])
    await organisations.suspend(other.id, 'abuse')
    expect([await isEnding(upper), await isEnding(inner)]).toEqual([false, false])
    await organisations.reinstate(other.id)
    // What somebody calls it tells nothing; that it is the end does.
    await organisations.suspend(upper.id, 'terminated')
    expect([await isEnding(upper), await isEnding(inner)]).toEqual([false, false])
    await organisations.suspendForEnd(upper.id)
    expect([await isEnding(upper), await isEnding(other)]).toEqual([true, true])
    await expect(organisations.reinstate(upper.id)).rejects.toMatchObject(code('ORGANISATION_ENDING'))
  })
})
