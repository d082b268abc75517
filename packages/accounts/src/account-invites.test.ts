import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProcessBus } from '@sealpost/bus'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../test/database.ts'
import type { NewAccountInvite } from './account-invites.ts'
import { createAccounts, type AccountsDomain } from './accounts.ts'
import { deriveVerifiers } from './credentials.ts'
import { makeName, TYPEABLE } from './made-names.ts'
import { createMemoryAccounts } from './memory.ts'

const DAY_MS = 86_400_000
const verifiers = await deriveVerifiers('password', systemRandom)

test('made names are letters and digits that nobody takes for others, a letter first, all of them in use', () => {
  const names = Array.from({ length: 2_000 }, () => makeName(systemRandom))
  for (const name of names) expect(name).toMatch(/^[b-z][b-z2-9]{9}$/)
  expect([...new Set(names.join(''))].toSorted()).toEqual(TYPEABLE.split('').toSorted())
  expect(new Set(names).size).toBe(names.length)
})

describe.each(['memory', 'postgres'])('invites to make an account, over %s', (kind) => {
  let accounts: AccountsDomain
  const clock = new VirtualClock(Date.parse('2026-03-01T12:00:00Z'))
  const stack = new AsyncDisposableStack()
  let created = 0

  beforeAll(async () => {
    const bus = stack.use(createProcessBus())
    bus.subscribe('account/created', (event) => void (created += event.accounts))
    const parts = { bus, clock, random: systemRandom }
    if (kind === 'memory') accounts = stack.use(createMemoryAccounts(parts))
    else {
      const { url } = stack.use(await createMigratedDatabase())
      const db = stack.use(await openDb({ url, role: 'sealpost_account', poolSize: 8 }))
      accounts = stack.use(createAccounts({ db, ...parts }))
    }
    await accounts.plans.set('plus', { mailbox_mib: 5_000 })
  })
  afterAll(() => stack.disposeAsync())

  async function invite(wanted: Partial<NewAccountInvite> = {}) {
    const token = systemRandom.token(32)
    const made = await accounts.accountInvites.create(
      {
        id: systemRandom.uuid(),
        domain: 'example.org',
        localpart: undefined,
        plan: undefined,
        organisationId: undefined,
        uses: 1,
        expiresAt: clock.now() + DAY_MS,
        ...wanted,
      },
      token,
    )
    return { ...made, token }
  }
  const register = (token: string, name?: string) => accounts.accountInvites.register(token, name, verifiers)

  test('makes the account with a name of one’s own and the invite’s plan, and is used up', async () => {
    const { token, id } = await invite({ plan: 'plus' })
    const before = created
    expect(await accounts.accountInvites.show(token)).toMatchObject({ id, uses: 1, used: 0, plan: 'plus' })
    const account = await register(token, 'Zoé')
    expect(account).toMatchObject({ state: 'active', createdOn: '2026-03-01' })
    expect(account?.jid.toString()).toBe('zoé@example.org')
    expect((await accounts.plans.of(account?.id ?? '')).name).toBe('plus')
    expect((await accounts.verifier(parseJid('zoé@example.org'), 'SHA-1'))?.account.id).toBe(account?.id)
    expect(created).toBe(before + 1)
    expect(await register(token, 'other')).toBeUndefined()
    expect(await accounts.accountInvites.find(id)).toBeUndefined()
  })

  test('makes a name where none is wanted, and takes a fixed one whatever is wanted', async () => {
    const { token } = await invite()
    expect((await register(token))?.jid.local).toMatch(/^[b-z][b-z2-9]{9}$/)
    const fixed = await invite({ localpart: 'fixed' })
    expect((await register(fixed.token, 'other'))?.jid.toString()).toBe('fixed@example.org')
  })

  test('30 at once with 7 uses: 7 accounts', async () => {
    const { token, id } = await invite({ uses: 7 })
    const results = await Promise.all(Array.from({ length: 30 }, () => register(token)))
    const made = results.flatMap((account) => account?.id ?? [])
    expect(new Set(made).size).toBe(7)
    expect(made).toHaveLength(7)
    expect(await accounts.accountInvites.find(id)).toBeUndefined()
  })

  test('a name that is taken, was somebody’s, or is the server’s uses nothing up', async () => {
    await accounts.create(parseJid('taken@example.org'), 'x')
    await accounts.create(parseJid('left@example.org'), 'x')
    const { id } = await accounts.terminate(parseJid('left@example.org'))
    for (const owner of ['xmpp', 'api', 'keys', 'smtp']) await accounts.erasure.done(owner, id)
    const { token } = await invite()
    const refusals = {
      taken: 'ACCOUNT_EXISTS',
      left: 'ACCOUNT_NAME_RETIRED',
      keys: 'ACCOUNT_NAME_RESERVED',
      'a b': 'ACCOUNT_NAME_MALFORMED',
      'a@example.org': 'ACCOUNT_NAME_MALFORMED',
      'a/b': 'ACCOUNT_NAME_MALFORMED',
      '': 'ACCOUNT_NAME_MALFORMED',
    }
    for (const [name, code] of Object.entries(refusals))
      await expect(register(token, name)).rejects.toMatchObject({ code })
    const weak = verifiers.map((verifier) => ({ ...verifier, iterations: 1 }))
    await expect(accounts.accountInvites.register(token, 'a', weak)).rejects.toMatchObject({
      code: 'VERIFIERS_INCOMPLETE',
    })
    expect(await register(token, 'free')).toBeDefined()
  })

  test('ends with its time, when it is revoked, and with its plan', async () => {
    const [late, revoked] = [await invite({ expiresAt: clock.now() + 1_000 }), await invite()]
    await accounts.plans.set('passing', {})
    const planned = await invite({ plan: 'passing' })
    expect(await accounts.accountInvites.revoke(revoked.id)).toBe(true)
    expect(await accounts.accountInvites.revoke(revoked.id)).toBe(false)
    if (kind === 'postgres') await accounts.plans.remove('passing')
    else await accounts.accountInvites.revoke(planned.id)
    await clock.advance(1_000)
    for (const { token } of [late, revoked, planned]) {
      expect(await accounts.accountInvites.show(token)).toBeUndefined()
      expect(await register(token, 'late')).toBeUndefined()
    }
    expect(await register('not a token', 'late')).toBeUndefined()
  })

  test('its accounts belong to its organisation, within the pool of that and while it is active', async () => {
    const { organisations } = accounts
    const make = (name: string) =>
      organisations.create({ name, kind: 'customer', parentId: undefined, pools: { accounts: 1 } })
    const [one, other] = [await make('One'), await make('Other')]
    const mine = await invite({ organisationId: one.id, uses: 3 })
    expect(await register(mine.token)).toMatchObject({ organisationId: one.id })
    await expect(register(mine.token)).rejects.toMatchObject({ code: 'POOL_EXCEEDED' })
    expect(await accounts.accountInvites.find(mine.id)).toMatchObject({ used: 1, organisationId: one.id })
    await organisations.suspend(other.id, 'payment')
    const theirs = await invite({ organisationId: other.id })
    await expect(register(theirs.token)).rejects.toMatchObject({ code: 'ORGANISATION_SUSPENDED' })
    const listed = async (...organisationIds: string[]) =>
      (await accounts.accountInvites.list({ limit: 200, organisationIds })).items.map(({ id }) => id)
    expect(await listed(one.id)).toEqual([mine.id])
    expect((await listed(one.id, other.id)).toSorted()).toEqual([mine.id, theirs.id].toSorted())
    expect(await listed()).toEqual([])
    await expect(invite({ organisationId: systemRandom.uuid() })).rejects.toMatchObject({
      code: 'ORGANISATION_UNKNOWN',
    })
    if (kind === 'memory') return // only the database takes invites along
    await organisations.remove(other.id)
    expect(await accounts.accountInvites.show(theirs.token)).toBeUndefined()
  })

  test.each([
    [{ uses: 0 }, 'ACCOUNT_INVITE_MALFORMED'],
    [{ uses: 1001 }, 'ACCOUNT_INVITE_MALFORMED'],
    [{ uses: 1.5 }, 'ACCOUNT_INVITE_MALFORMED'],
    [{ uses: 2, localpart: 'one' }, 'ACCOUNT_INVITE_MALFORMED'],
    [{ localpart: 'keys' }, 'ACCOUNT_NAME_RESERVED'],
    [{ localpart: 'Upper' }, 'ACCOUNT_NAME_MALFORMED'],
    [{ plan: 'none' }, 'PLAN_UNKNOWN'],
  ])('%j is refused: %s', async (wanted, code) => {
    await expect(invite(wanted)).rejects.toMatchObject({ code })
  })

  test('the open ones are listed by page', async () => {
    const made = [await invite(), await invite(), await invite({ uses: 1000 })]
    const listed: string[] = []
    let cursor: string | undefined
    do {
      const page = await accounts.accountInvites.list({ after: cursor, limit: 2 })
      expect(page.items.length).toBeLessThanOrEqual(2)
      listed.push(...page.items.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== undefined)
    expect(listed).toEqual(listed.toSorted())
    for (const { id } of made) expect(listed.filter((each) => each === id)).toHaveLength(1)
    await expect(accounts.accountInvites.list({ after: "' or 1", limit: 2 })).rejects.toMatchObject({
      code: 'CURSOR_MALFORMED',
    })
  })
})
