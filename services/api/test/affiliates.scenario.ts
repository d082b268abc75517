/** Affiliates over a year: clicks, sign-ups, ninety active days, statements, reversals. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAccounts, type Account } from '@sealpost/accounts'
import { createProcessBus } from '@sealpost/bus'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../test/database.ts'
import { settle } from '../src/affiliates/affiliate.ts'
import { Affiliates } from '../src/affiliates/affiliates.ts'
import { PostgresAffiliates } from '../src/affiliates/store.postgres.ts'
import { createTestApi } from './api.ts'
import { sendBilling } from './billing.ts'
import { JumpingClock } from './jumping-clock.ts'

const DAY_MS = 86_400_000
const stack = new AsyncDisposableStack()
/** Of the referrals alone: the timers of a year are many. */
const clock = { at: Date.UTC(2026, 0, 10), now: () => clock.at }
let accounts: ReturnType<typeof createAccounts>
let affiliates: Affiliates
let databaseUrl: string
let named = 0
beforeAll(async () => {
  const { url } = stack.use(await createMigratedDatabase())
  databaseUrl = url
  const accountDb = stack.use(await openDb({ url, role: 'sealpost_account' }))
  const db = stack.use(await openDb({ url, role: 'sealpost_api' }))
  const bus = stack.use(createProcessBus())
  accounts = stack.use(
    createAccounts({ db: accountDb, bus, clock: new VirtualClock(), random: systemRandom }),
  )
  const store = new PostgresAffiliates(db)
  affiliates = new Affiliates({ store, accounts, key: systemRandom.bytes(32), clock, random: systemRandom })
})
afterAll(() => stack.disposeAsync())

const join = (): Promise<Account> => accounts.create(parseJid(`a${String(named++)}@example.org`), undefined)

/** Days pass, each with its run. */
async function pass(days: number): Promise<void> {
  for (let day = 0; day < days; day++) {
    clock.at += DAY_MS
    await affiliates.run()
  }
}

test('a sign-up counts within ninety days of the click, once, and by a real click alone', async () => {
  const { code } = await affiliates.create('Blog', 5_000)
  const token = await affiliates.click(code)
  const [ann, bob] = [await join(), await join()]
  await expect(affiliates.click('x'.repeat(16))).rejects.toMatchObject({ code: 'REFERRAL_GONE' })
  await expect(affiliates.signUp('A'.repeat(43), ann.id)).rejects.toMatchObject({ code: 'REFERRAL_GONE' })
  clock.at += 90 * DAY_MS
  await affiliates.signUp(token, ann.id)
  await expect(affiliates.signUp(token, ann.id)).rejects.toMatchObject({ code: 'REFERRAL_TAKEN' })
  clock.at += DAY_MS
  await expect(affiliates.signUp(token, bob.id)).rejects.toMatchObject({ code: 'REFERRAL_GONE' })
})

test('ninety active days qualify; below $100 it is carried over, and a reversal takes it back', async () => {
  const { id, code } = await affiliates.create('Shop', 6_000)
  const [ann, bob, carl] = [await join(), await join(), await join()]
  for (const account of [ann, bob, carl]) await affiliates.signUp(await affiliates.click(code), account.id)
  await accounts.suspend(bob.jid, 'payment')
  await pass(89)
  await expect(affiliates.reverse(ann.id)).rejects.toMatchObject({ code: 'REFERRAL_UNKNOWN' })
  await accounts.terminate(carl.jid)
  await accounts.restore(bob.jid)
  await pass(2)
  await expect(affiliates.reverse(bob.id)).rejects.toMatchObject({ code: 'REFERRAL_UNKNOWN' })
  await expect(affiliates.reverse(carl.id)).rejects.toMatchObject({ code: 'REFERRAL_UNKNOWN' })
  await pass(90 + 31 + 45)
  const earned = (await affiliates.statements(id)).filter(({ cents }) => cents !== 0)
  expect(earned.map(({ cents, payableCents, carriedCents }) => [cents, payableCents, carriedCents])).toEqual([
    [6_000, 0, 6_000],
    [6_000, 12_000, 0],
  ])
  for (const { month, issuedOn } of earned) {
    const end = new Date(`${month}T00:00:00Z`)
    end.setUTCMonth(end.getUTCMonth() + 1)
    expect(Date.parse(issuedOn) - end.getTime()).toBe(44 * DAY_MS)
  }
  await affiliates.reverse(bob.id)
  await expect(affiliates.reverse(bob.id)).rejects.toMatchObject({ code: 'REFERRAL_UNKNOWN' })
  await pass(31 + 46)
  const last = (await affiliates.statements(id)).findLast(({ cents }) => cents !== 0)
  expect(last).toMatchObject({ cents: -6_000, payableCents: 0, carriedCents: -6_000 })
  await affiliates.close(id)
  await expect(affiliates.click(code)).rejects.toMatchObject({ code: 'REFERRAL_GONE' })
})

test.each([
  ['chargebacks, then the day that qualifies', ['back', 'back', 'run']],
  ['the day that qualifies, then chargebacks', ['run', 'back', 'back']],
])('at once: %s: it is reversed once, and earns nothing', async (_order, steps) => {
  const { id, code } = await affiliates.create('Race', 6_000)
  const ann = await join()
  await affiliates.signUp(await affiliates.click(code), ann.id)
  clock.at += 90 * DAY_MS
  await using db = await openDb({ url: databaseUrl })
  const waiting = () =>
    db.query(
      sql`select from pg_stat_activity where wait_event_type = 'Lock' and query like '%update api.referral%'`,
    )
  const doing: Promise<void>[] = []
  await db.transaction(async (tx) => {
    await tx.execute(sql`select from api.referral where subject_id = ${ann.id}::uuid for update`)
    for (const step of steps) {
      doing.push(step === 'run' ? affiliates.run() : affiliates.chargedBack(ann.id))
      await expect.poll(waiting).toHaveLength(doing.length)
    }
  })
  await Promise.all(doing)
  await expect(affiliates.reverse(ann.id)).rejects.toMatchObject({ code: 'REFERRAL_UNKNOWN' })
  clock.at += 77 * DAY_MS
  await affiliates.run()
  expect((await affiliates.statements(id)).map(({ cents }) => cents).filter((cents) => cents !== 0)).toEqual(
    [],
  )
})

test.each([
  [0, 9_999, false, 0, 9_999],
  [0, 10_000, false, 10_000, 0],
  [9_999, 1, false, 10_000, 0],
  [0, 1, true, 1, 0],
  [0, 0, true, 0, 0],
  [-500, 400, true, 0, -100],
])(
  '%i cents carried, %i earned, paid before: %s',
  (carried, cents, paidBefore, payableCents, carriedCents) => {
    expect(settle(carried, cents, paidBefore)).toEqual({ payableCents, carriedCents })
  },
)

test('while the module is off there is nothing of it', async () => {
  await using api = await createTestApi()
  const off = { status: 404, json: { type: 'urn:sealpost:problem:affiliates-off' } }
  expect(await api.owner('GET', '/v1/affiliates')).toMatchObject(off)
  expect(await api.call('POST', '/v1/referrals/clicks', { body: { code: 'x'.repeat(16) } })).toMatchObject(
    off,
  )
})

test('while it is on, it is administered over REST', async () => {
  await using api = await createTestApi({ affiliates: true })
  const made = await api.owner('POST', '/v1/affiliates', { label: 'Blog', commission_cents: 2_500 })
  expect(made).toMatchObject({ status: 201, json: { label: 'Blog', commission_cents: 2_500, closed: false } })
  const { id, code } = made.json as { id: string; code: string }
  const clicked = await api.call('POST', '/v1/referrals/clicks', { body: { code } })
  const { id: subject } = (await api.owner('POST', '/v1/accounts', { jid: 'ann@example.org' })).json
  const token = clicked.json['token']
  expect((await api.owner('POST', '/v1/referrals', { token, subject })).status).toBe(201)
  expect((await api.owner('POST', '/v1/referrals', { token, subject })).status).toBe(409)
  expect((await api.owner('POST', '/v1/referrals/reverse', { subject })).status).toBe(404)
  expect((await api.owner('GET', `/v1/affiliates/${id}/statements`)).json).toEqual({ items: [] })
  expect((await api.owner('DELETE', `/v1/affiliates/${id}`)).json).toEqual({ id })
  expect((await api.owner('GET', '/v1/affiliates')).json['items']).toMatchObject([{ id, closed: true }])
})

test('a shorter term and a chargeback, as the billing system tells of them, reverse a referral by themselves', async () => {
  const start = Date.UTC(2030, 0, 3)
  const time = new JumpingClock(start)
  await using api = await createTestApi({ affiliates: true, clock: time })
  const { id, code } = (await api.owner('POST', '/v1/affiliates', { label: 'Shop', commission_cents: 100 }))
    .json
  const path = (jid: string) => `/v1/subscriptions/accounts/${jid}`
  const terms = { term_months: 12, started_on: '2030-01-03', renews_on: '2031-01-03', fee: 'none' }
  const people = await Promise.all(
    ['stays', 'less', 'back', 'early'].map(async (name) => {
      const jid = `${name}@example.org`
      const subject = (await api.owner('POST', '/v1/accounts', { jid })).json['id']
      expect((await api.owner('PUT', path(jid), terms)).status).toBe(200)
      const { token } = (await api.call('POST', '/v1/referrals/clicks', { body: { code } })).json
      expect((await api.owner('POST', '/v1/referrals', { token, subject })).status).toBe(201)
      return { jid, subject }
    }),
  )
  const [stays, less, back, early] = people
  const billed = async (type: string, data: object): Promise<number> => {
    const event = { type: `subscription.${type}`, timestamp: new Date(time.now()).toISOString(), data }
    return (await sendBilling(api, event, { now: time.now() })).status
  }
  const chargedBack = (account: unknown): Promise<number> => billed('charged_back', { account })
  const updated = (who: (typeof people)[number] | undefined, months: number): Promise<number> =>
    billed('updated', { account: who?.subject, ...terms, term_months: months })
  expect(await chargedBack(early?.subject)).toBe(204)
  const { token } = (await api.call('POST', '/v1/referrals/clicks', { body: { code } })).json
  expect((await api.owner('POST', '/v1/referrals', { token, subject: early?.subject })).status).toBe(409)
  time.jump(91 * DAY_MS)
  await time.advance(3_600_000)
  await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_api', poolSize: 1 })
  const qualified = () =>
    db.query<{ count: number }>(
      sql`select count(*)::int as count from api.referral where qualified_on is not null and reversed_on is null`,
    )
  await expect.poll(qualified).toEqual([{ count: 3 }])
  // What an administrator mistypes reverses nothing.
  for (const months of [1, 12])
    expect((await api.owner('PUT', path(stays?.jid ?? ''), { ...terms, term_months: months })).status).toBe(
      200,
    )
  expect([await updated(stays, 24), await updated(less, 1)]).toEqual([204, 204])
  for (const _ of 'ab') expect(await chargedBack(back?.subject)).toBe(204)
  expect(await chargedBack(id)).toBe(404)
  const reverse = async (who: (typeof people)[number] | undefined): Promise<number> =>
    (await api.owner('POST', '/v1/referrals/reverse', { subject: who?.subject })).status
  expect(await Promise.all([stays, less, back, early].map(reverse))).toEqual([200, 404, 404, 404])
})
