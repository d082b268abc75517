import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProcessBus } from '@sealpost/bus'
import { type Db, openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../test/database.ts'
import { createAccounts, type AccountsDomain } from './accounts.ts'
import { createMemoryAccounts } from './memory.ts'
import { parsePlanLimits, PLAN_LIMITS } from './plans.ts'

const malformed = { code: 'PLAN_MALFORMED' }

test('limits are read strictly: known names and whole numbers within their bounds, or nothing', () => {
  const named = fc.dictionary(fc.constantFrom(...Object.keys(PLAN_LIMITS), 'other'), fc.anything())
  fc.assert(
    fc.property(fc.oneof(fc.anything(), named), (json) => {
      let limits
      try {
        limits = parsePlanLimits(json)
      } catch (error) {
        expect(error).toMatchObject(malformed)
        return
      }
      expect({ ...limits }).toEqual({ ...(json as object) })
      for (const [name, value] of Object.entries(limits)) {
        const { min, max } = PLAN_LIMITS[name as keyof typeof PLAN_LIMITS]
        expect(Number.isInteger(value) && value >= min && value <= max).toBe(true)
      }
    }),
  )
  const most = Object.fromEntries(Object.entries(PLAN_LIMITS).map(([name, { max }]) => [name, max]))
  expect(parsePlanLimits(most)).toEqual(most)
  for (const wrong of [{ mailbox_mib: 0 }, { messages_per_day: 1.5 }, { __proto__: null, toString: 1 }])
    expect(() => parsePlanLimits(wrong)).toThrow(expect.objectContaining(malformed) as Error)
})

describe.each(['memory', 'postgres'])('plans, over %s', (kind) => {
  let accounts: AccountsDomain
  let db: Db | undefined
  const stack = new AsyncDisposableStack()
  const ann = parseJid('ann@example.org')
  const bob = parseJid('bob@example.org')
  const idOf = async (jid = ann): Promise<string> => (await accounts.find(jid))?.id ?? ''

  beforeAll(async () => {
    const parts = { bus: stack.use(createProcessBus()), clock: new VirtualClock(), random: systemRandom }
    if (kind === 'memory') accounts = stack.use(createMemoryAccounts(parts))
    else {
      const { url } = stack.use(await createMigratedDatabase())
      db = stack.use(await openDb({ url, role: 'sealpost_account' }))
      accounts = stack.use(createAccounts({ db, ...parts }))
    }
    for (const jid of [ann, bob]) await accounts.create(jid, 'password')
  })
  afterAll(() => stack.disposeAsync())

  test('are set, given to accounts, changed, and removed once nobody has them', async () => {
    const { plans } = accounts
    expect(await plans.of(await idOf())).toEqual({ name: 'default', limits: {} })
    await plans.set('plus', { mailbox_mib: 5_000 })
    await plans.set('basic', { messages_per_day: 10 })
    await plans.assign(ann, 'plus')
    await plans.assign(bob, 'plus')
    await plans.assign(bob, 'basic')
    await plans.set('plus', { mailbox_mib: 6_000, mailbox_days: 7 })
    expect(await plans.of(await idOf())).toEqual({
      name: 'plus',
      limits: { mailbox_mib: 6_000, mailbox_days: 7 },
    })
    expect(await plans.list()).toEqual([
      { name: 'basic', limits: { messages_per_day: 10 }, accounts: 1 },
      { name: 'plus', limits: { mailbox_mib: 6_000, mailbox_days: 7 }, accounts: 1 },
    ])
    await expect(plans.remove('plus')).rejects.toMatchObject({ code: 'PLAN_IN_USE' })
    if (db !== undefined)
      expect(await db.query(sql`select address, quota_mib from account.mail_login order by address`)).toEqual(
        [
          { address: 'ann@example.org', quota_mib: 6_000 },
          { address: 'bob@example.org', quota_mib: 1_024 },
        ],
      )
    await plans.assign(ann, 'default')
    await plans.remove('plus')
    expect(await plans.of(await idOf())).toEqual({ name: 'default', limits: {} })
  })

  test('refusals', async () => {
    const { plans } = accounts
    await expect(plans.set('default', {})).rejects.toMatchObject({ code: 'PLAN_NAME_MALFORMED' })
    await expect(plans.set('No Name', {})).rejects.toMatchObject({ code: 'PLAN_NAME_MALFORMED' })
    await expect(plans.set('x', { price: 5 })).rejects.toMatchObject(malformed)
    await expect(plans.remove('none')).rejects.toMatchObject({ code: 'PLAN_UNKNOWN' })
    await expect(plans.assign(ann, 'none')).rejects.toMatchObject({ code: 'PLAN_UNKNOWN' })
    await expect(plans.assign(parseJid('no@example.org'), 'basic')).rejects.toMatchObject({
      code: 'ACCOUNT_UNKNOWN',
    })
    const known = (await plans.list()).length
    for (let each = known; each < 100; each++) await plans.set(`p${String(each)}`, {})
    await expect(plans.set('one-more', {})).rejects.toMatchObject({ code: 'PLAN_LIMIT' })
    expect((await plans.set('basic', {})).limits).toEqual({})
  })
})
