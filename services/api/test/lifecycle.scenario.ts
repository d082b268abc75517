/** The life of accounts: what the billing system says, by command and by signed events, what falls due by itself, and how accounts end. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccounts, DATA_OWNERS } from '@sealpost/accounts'
import { openDb, raw, sql } from '@sealpost/db'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { appoint } from './administrator.ts'
import { createTestApi, type Answer, type TestApi } from './api.ts'
import { sendBilling, type BillingEventParts } from './billing.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api[Symbol.asyncDispose]())

const DAY_MS = 86_400_000
const day = (offset: number): string => new Date(Date.now() + offset * DAY_MS).toISOString().slice(0, 10)
const problem = (type: string): object => ({ json: { type: `urn:sealpost:problem:${type}` } })
let named = 0

async function open(): Promise<string> {
  return String((await api.owner('POST', '/v1/organisations', { name: `Org ${String(named++)}` })).json['id'])
}

async function account(organisation?: string): Promise<{ id: string; jid: string }> {
  const jid = `life${String(named++)}@example.org`
  const { id } = (await api.owner('POST', '/v1/accounts', { jid, organisation })).json as { id: string }
  return { id, jid }
}

const shown = async (jid: string): Promise<Record<string, unknown>> =>
  (await api.owner('GET', `/v1/accounts/${jid}`)).json
const terms = (more: object = {}): object => ({
  term_months: 12,
  started_on: day(-30),
  renews_on: day(335),
  fee: 'none',
  ...more,
})

/** An event as a sender by Standard Webhooks signs it. */
const send = (event: unknown, parts: BillingEventParts = {}): Promise<Answer> =>
  sendBilling(api, event, parts)

const updated = (data: object): object => ({
  type: 'subscription.updated',
  timestamp: new Date().toISOString(),
  data,
})

/** As the hourly run of a second process does. */
async function restart(): Promise<void> {
  await (await api.again())[Symbol.asyncDispose]()
}

describe('a subscription', () => {
  test('of an organisation that stays unpaid suspends all its accounts at once; payment reinstates them', async () => {
    const organisation = await open()
    const [ann, bob, carl] = [await account(organisation), await account(organisation), await account()]
    await api.owner('POST', `/v1/accounts/${bob.jid}/suspend`, { reason: 'abuse' })
    const changed: string[] = []
    using subscription = api.bus.subscribe('account/changed', ({ accountId }) => void changed.push(accountId))
    const path = `/v1/subscriptions/organisations/${organisation}`

    const overdue = await api.owner('PUT', path, terms({ fee: 'overdue' }))
    expect(overdue.json).toMatchObject({
      organisation,
      fee: 'overdue',
      suspends_on: day(7),
      state: 'running',
    })
    expect(await shown(ann.jid)).toMatchObject({ state: 'active' })

    await api.owner('PUT', path, terms({ fee: 'overdue', suspends_on: day(0) }))
    expect(await shown(ann.jid)).toMatchObject({ state: 'suspended', reason: 'payment' })
    expect(await shown(bob.jid)).toMatchObject({ state: 'suspended', reason: 'abuse' })
    expect(await shown(carl.jid)).toMatchObject({ state: 'active' })
    expect(changed).toEqual([ann.id])
    expect(subscription).toBeDefined()

    const paid = await api.owner('PUT', path, terms())
    expect(paid.json).not.toHaveProperty('suspends_on')
    expect(await shown(ann.jid)).toMatchObject({ state: 'active' })
    expect(await shown(bob.jid)).toMatchObject({ state: 'suspended', reason: 'abuse' })
    const { items } = (await api.owner('GET', `/v1/audit?target=${organisation}`)).json as {
      items: { action: string; actor: { kind: string } }[]
    }
    expect(items.filter(({ actor }) => actor.kind === 'system').map(({ action }) => action)).toEqual([
      'subscription.reinstate',
      'subscription.reinstate',
      'subscription.suspend',
      'subscription.suspend',
    ])
  })

  test('of a single account does the same for it, and lifts no suspension for another cause', async () => {
    const ann = await account()
    const path = `/v1/subscriptions/accounts/${ann.jid}`
    await api.owner('PUT', path, terms({ fee: 'overdue', suspends_on: day(0) }))
    expect(await shown(ann.jid)).toMatchObject({ state: 'suspended', reason: 'payment' })
    await api.owner('PUT', path, terms({ fee: 'due' }))
    expect(await shown(ann.jid)).toMatchObject({ state: 'active' })
    await api.owner('POST', `/v1/accounts/${ann.jid}/suspend`, { reason: 'abuse' })
    await api.owner('PUT', path, terms({ fee: 'overdue', suspends_on: day(0) }))
    await api.owner('PUT', path, terms())
    expect(await shown(ann.jid)).toMatchObject({ state: 'suspended', reason: 'abuse' })
    expect((await api.owner('GET', path)).json).toMatchObject({ account: ann.id, fee: 'none' })
  })

  test.each([
    ['a term that ends before it began', { renews_on: day(-31) }, 422],
    ['a suspension without an overdue fee', { suspends_on: day(3) }, 422],
    ['a fee that is none of ours', { fee: 'late' }, 400],
    ['no term', { term_months: 0 }, 400],
    ['card data', { card: '4111' }, 400],
  ])('with %s is refused', async (_what, more, status) => {
    const id = await open()
    expect((await api.owner('PUT', `/v1/subscriptions/organisations/${id}`, terms(more))).status).toBe(status)
  })

  test('is listed by fee in pages, shown, and forgotten', async () => {
    const ids = [await open(), await open(), await open()]
    for (const id of ids)
      await api.owner('PUT', `/v1/subscriptions/organisations/${id}`, terms({ fee: 'due' }))
    const found: unknown[] = []
    for (let next: string | undefined = ''; next !== undefined;) {
      const page = await api.owner(
        'GET',
        `/v1/subscriptions?fee=due&limit=2${next === '' ? '' : `&cursor=${next}`}`,
      )
      found.push(
        ...(page.json['items'] as { organisation?: string }[]).map(({ organisation }) => organisation),
      )
      next = page.json['next'] as string | undefined
    }
    expect(found).toEqual(expect.arrayContaining(ids))
    const path = `/v1/subscriptions/organisations/${ids[0] ?? ''}`
    expect((await api.owner('DELETE', path)).status).toBe(200)
    expect(await api.owner('GET', path)).toMatchObject({ status: 404, ...problem('subscription-unknown') })
  })
})

test('reminders go out seven days before a renewal and a suspension, once', async () => {
  const [near, far, late] = [await account(), await account(), await account()]
  const set = (jid: string, more: object) =>
    api.owner('PUT', `/v1/subscriptions/accounts/${jid}`, terms(more))
  await set(near.jid, { renews_on: day(7) })
  await set(far.jid, { renews_on: day(8) })
  await set(late.jid, { fee: 'overdue', suspends_on: day(3) })
  const organisation = await open()
  await api.owner('PUT', `/v1/subscriptions/organisations/${organisation}`, terms({ renews_on: day(2) }))
  const before = api.letters.sent.length
  for (let run = 0; run < 2; run++) await restart()
  const sent = api.letters.sent.slice(before)
  const letters = new Map(sent.map(({ recipient, message }) => [recipient, message.toString()]))
  expect(sent).toHaveLength(2)
  expect(letters.get(near.jid)).toContain(`sera renouvelé le ${day(7)}`)
  expect(letters.get(late.jid)).toContain(`is suspended on ${day(3)}`)
})

describe('an event of the billing system', () => {
  test('does what the command does, once', async () => {
    const organisation = await open()
    const ann = await account(organisation)
    const overdue = updated({ organisation, ...terms({ fee: 'overdue', suspends_on: day(0) }) })
    const id = systemRandom.uuid()
    expect((await send(overdue, { id })).status).toBe(204)
    expect(await shown(ann.jid)).toMatchObject({ state: 'suspended', reason: 'payment' })
    expect((await send(updated({ organisation, ...terms() }))).status).toBe(204)
    expect(await shown(ann.jid)).toMatchObject({ state: 'active' })
    expect((await send(overdue, { id })).status).toBe(204)
    expect(await shown(ann.jid)).toMatchObject({ state: 'active' })
  })

  test('that was said before, and comes after, changes nothing', async () => {
    const { id, jid } = await account()
    const at = (minutes: number, more?: object): object => ({
      ...updated({ account: id, ...terms(more) }),
      timestamp: new Date(Date.now() - minutes * 60_000).toISOString(),
    })
    const overdue = { fee: 'overdue', suspends_on: day(0) }
    for (const event of [at(2), at(10, overdue), at(2)]) expect((await send(event)).status).toBe(204)
    expect(await shown(jid)).toMatchObject({ state: 'active' })
    // An administrator has the last word until the billing system says something new.
    await api.owner('PUT', `/v1/subscriptions/accounts/${jid}`, terms(overdue))
    expect((await send(at(5))).status).toBe(204)
    expect(await shown(jid)).toMatchObject({ state: 'suspended' })
    expect((await send(at(1))).status).toBe(204)
    expect(await shown(jid)).toMatchObject({ state: 'active' })
  })

  test('that says it is paid, while the one before is still suspending, has the last word', async () => {
    const { id, jid } = await account()
    await using db = await openDb({ url: api.databaseUrl })
    const held = () =>
      db.query(
        sql`select from pg_stat_activity where wait_event_type = 'Lock' and query like '%suspension_reason = $%'`,
      )
    const said: Promise<Answer>[] = []
    await db.transaction(async (tx) => {
      await tx.execute(sql`select from account.account where id = ${id}::uuid for update`)
      said.push(send(updated({ account: id, ...terms({ fee: 'overdue', suspends_on: day(0) }) })))
      await expect.poll(held).toHaveLength(1)
      expect((await send(updated({ account: id, ...terms() }))).status).toBe(204)
    })
    expect((await Promise.all(said)).map(({ status }) => status)).toEqual([204])
    expect(await shown(jid)).toMatchObject({ state: 'active' })
  })

  test.each(['account', 'organisation'] as const)(
    'neither covers nor lifts what was decided about the %s in the same moment',
    async (kind) => {
      const organisation = await open()
      const { id: of, jid } = await account(organisation)
      const [id, table] =
        kind === 'account' ? [of, 'account.account'] : [organisation, 'account.organisation']
      await using db = await openDb({ url: api.databaseUrl })
      const waiting = () =>
        db.query(sql`select from pg_stat_activity where wait_event_type = 'Lock' and query like '%account.%'`)
      const overdue = { fee: 'overdue', suspends_on: day(0) }
      for (const more of [overdue, {}]) {
        const said: Promise<Answer>[] = []
        await db.transaction(async (tx) => {
          await tx.execute(sql`select from ${raw(table)} where id = ${id}::uuid for update`)
          said.push(send(updated({ [kind]: id, ...terms(more) })))
          await expect.poll(waiting).toHaveLength(1)
          await tx.execute(sql`
            update ${raw(table)} set state = 'suspended', suspension_reason = 'abuse',
              suspended_with = ${kind === 'account' ? null : id}::uuid where id = ${id}::uuid`)
        })
        expect((await Promise.all(said)).map(({ status }) => status)).toEqual([409])
        expect((await send(updated({ [kind]: id, ...terms(more) }))).status).toBe(204)
        const place = kind === 'account' ? `accounts/${jid}` : `organisations/${id}`
        const now = async () => (await api.owner('GET', `/v1/${place}`)).json
        expect(await now()).toMatchObject({ state: 'suspended', reason: 'abuse' })
        await db.execute(sql`update ${raw(table)} set suspension_reason = 'payment' where id = ${id}::uuid`)
      }
    },
  )

  test('of somebody below who has paid is taken while those above are suspended, and done when they are not', async () => {
    const top = String(
      (await api.owner('POST', '/v1/organisations', { name: `Org ${String(named++)}`, kind: 'reseller' }))
        .json['id'],
    )
    const below = String(
      (await api.owner('POST', '/v1/organisations', { name: `Org ${String(named++)}`, parent: top })).json[
        'id'
      ],
    )
    const [ann, bob] = [await account(below), await account(below)]
    const overdue = terms({ fee: 'overdue', suspends_on: day(0) })
    const bill = async (whose: object, what: object): Promise<number> =>
      (await send(updated({ ...whose, ...what }))).status
    const states = () => Promise.all([ann, bob].map(async ({ jid }) => (await shown(jid))['state']))
    for (const whose of [{ account: ann.id }, { organisation: top }])
      expect(await bill(whose, overdue)).toBe(204)
    for (const whose of [{ organisation: below }, { account: ann.id }, { account: bob.id }])
      expect(await bill(whose, terms())).toBe(204)
    expect(await states()).toEqual(['suspended', 'suspended'])
    expect(await bill({ organisation: top }, terms())).toBe(204)
    expect(await states()).toEqual(['suspended', 'active'])
    await restart()
    expect(await states()).toEqual(['active', 'active'])
  })

  test('is taken with any of several signatures', async () => {
    const event = updated({ organisation: await open(), ...terms() })
    const sign = (signature: string): string =>
      `v1a,xyz v1,${Buffer.alloc(32).toString('base64')} ${signature}`
    expect((await send(event, { sign })).status).toBe(204)
  })

  test.each<[string, BillingEventParts, number, string]>([
    ['of six minutes ago', { seconds: -360 }, 400, 'webhook-timestamp'],
    ['of the future', { seconds: 360 }, 400, 'webhook-timestamp'],
    [
      'signed with another secret',
      { secret: `whsec_${Buffer.alloc(32).toString('base64')}` },
      401,
      'webhook-signature',
    ],
    ['with a signature cut short', { sign: (text) => text.slice(0, 20) }, 401, 'webhook-signature'],
    [
      'with a signature of another version',
      { sign: (text) => text.replace('v1', 'v2') },
      401,
      'webhook-signature',
    ],
    ['without an id', { id: '' }, 400, 'webhook-headers'],
  ])('%s is refused', async (_what, parts, status, type) => {
    const answer = await send(updated({ organisation: await open(), ...terms() }), parts)
    expect(answer).toMatchObject({ status, ...problem(type) })
  })

  test('of an unknown form is refused, and may be sent again', async () => {
    const organisation = await open()
    for (const event of [
      'no json',
      { type: 'invoice.paid', timestamp: new Date().toISOString(), data: {} },
      updated({ ...terms() }),
      updated({ organisation, account: organisation, ...terms() }),
      updated({ organisation, ...terms(), card: '4111' }),
    ])
      expect(await send(event)).toMatchObject({ status: 422, ...problem('event-malformed') })
    const id = systemRandom.uuid()
    const unknown = updated({ organisation: systemRandom.uuid(), ...terms() })
    expect(await send(unknown, { id })).toMatchObject({ status: 404 })
    expect((await send(updated({ organisation, ...terms() }), { id })).status).toBe(204)
  })
})

describe('a suspension for cause', () => {
  test('ends by itself on its day, also when nobody was there then', async () => {
    const [ann, bob] = [await account(), await account()]
    for (const { jid } of [ann, bob])
      await api.owner('POST', `/v1/accounts/${jid}/suspend`, { reason: 'cooling', until: day(3) })
    expect(await shown(ann.jid)).toMatchObject({ state: 'suspended', suspended_until: day(3) })
    await using db = await openDb({ url: api.databaseUrl })
    await db.execute(
      sql`update account.account set suspended_until = ${day(0)}::date where id = ${ann.id}::uuid`,
    )
    await restart()
    expect(await shown(ann.jid)).toMatchObject({ state: 'active' })
    expect(await shown(bob.jid)).toMatchObject({ state: 'suspended' })
    const past = await api.owner('POST', `/v1/accounts/${ann.jid}/suspend`, { until: day(0) })
    expect(past).toMatchObject({ status: 422, ...problem('suspension-end') })
  })
})

describe('a termination', () => {
  test('leaves a window to migrate, can be taken back in it, and comes when it is over', async () => {
    const [ann, bob] = [await account(), await account()]
    for (const { jid } of [ann, bob]) {
      const leaving = await api.owner('POST', `/v1/accounts/${jid}/terminate`, { after: 30 })
      expect(leaving.json).toMatchObject({ state: 'active', terminates_on: day(30) })
    }
    expect((await api.owner('POST', `/v1/accounts/${bob.jid}/keep`)).json).not.toHaveProperty('terminates_on')
    await using db = await openDb({ url: api.databaseUrl })
    await db.execute(
      sql`update account.account set terminates_on = ${day(0)}::date where id = ${ann.id}::uuid`,
    )
    await restart()
    expect(await shown(ann.jid)).toMatchObject({ state: 'terminated' })
    expect(await shown(bob.jid)).toMatchObject({ state: 'active' })
  })

  test('has no window after abuse', async () => {
    const ann = await account()
    await api.owner('POST', `/v1/accounts/${ann.jid}/suspend`, { reason: 'abuse' })
    const path = `/v1/accounts/${ann.jid}/terminate`
    expect(await api.owner('POST', path, { after: 1 })).toMatchObject({
      status: 409,
      ...problem('no-window-after-abuse'),
    })
    expect((await api.owner('POST', path)).json).toMatchObject({ state: 'terminated' })
  })

  test('within seven days of the start makes a refund due, until it is paid', async () => {
    const [early, late] = [await account(), await account()]
    await api.owner('PUT', `/v1/subscriptions/accounts/${early.jid}`, terms({ started_on: day(-7) }))
    await api.owner('PUT', `/v1/subscriptions/accounts/${late.jid}`, terms({ started_on: day(-8) }))
    for (const { jid } of [early, late]) await api.owner('POST', `/v1/accounts/${jid}/terminate`)
    const due = async () =>
      (await api.owner('GET', '/v1/subscriptions?state=refund-due')).json['items'] as { id: string }[]
    const [refund, ...others] = await due()
    expect(others).toEqual([])
    const paid = {
      type: 'subscription.refunded',
      timestamp: new Date().toISOString(),
      data: { id: refund?.id },
    }
    expect((await send(paid)).status).toBe(204)
    expect(await due()).toEqual([])
  })
})

describe('the end of an organisation', () => {
  async function tree() {
    const make = async (body: object) =>
      String((await api.owner('POST', '/v1/organisations', body)).json['id'])
    const top = await make({ name: `Org ${String(named++)}`, kind: 'reseller' })
    const below = await make({ name: `Org ${String(named++)}`, parent: top })
    return { top, below, ann: await account(top), bob: await account(below) }
  }

  /** The other services have erased what they have. */
  async function eraseElsewhere(...ids: string[]): Promise<void> {
    await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_account' })
    await using accounts = createAccounts({ db, bus: api.bus, clock: systemClock, random: systemRandom })
    for (const id of ids)
      for (const owner of DATA_OWNERS.filter((each) => each !== 'api' && each !== 'account'))
        await accounts.erasure.done(owner, id)
  }

  test('leaves a window, of which its people are told, and can be taken back in it', async () => {
    const { top, below, bob } = await tree()
    const end = await api.owner('POST', `/v1/organisations/${top}/terminate`, { after: 30 })
    expect(end.json).toMatchObject({ state: 'active', terminates_on: day(30) })
    expect((await api.owner('GET', `/v1/organisations/${below}`)).json).toMatchObject({
      terminates_on: day(30),
    })
    const told = async () => {
      const { items } = (await api.owner('GET', '/v1/notices')).json as {
        items: { title: string; audience: string; withdrawn_at?: string }[]
      }
      return items.filter(({ title }) => title.includes(day(30)))
    }
    expect(await told()).toMatchObject([{ audience: 'organisation' }])
    await api.owner('POST', `/v1/organisations/${top}/terminate`, { after: 30 })
    expect(await told()).toHaveLength(1)
    const kept = await api.owner('POST', `/v1/organisations/${top}/keep`)
    expect(kept.json).not.toHaveProperty('terminates_on')
    expect((await told())[0]).toHaveProperty('withdrawn_at')
    expect(await shown(bob.jid)).toMatchObject({ state: 'active' })
    const standing = async () => (await told()).filter((notice) => !('withdrawn_at' in notice))
    for (let times = 0; times < 2; times++)
      await api.owner('POST', `/v1/organisations/${top}/terminate`, { after: 30 })
    expect(await standing()).toHaveLength(1)
    await api.owner('POST', `/v1/organisations/${top}/keep`)
    expect(await standing()).toEqual([])
    await api.owner('POST', `/v1/organisations/${top}/suspend`, { reason: 'spam' })
    expect(await api.owner('POST', `/v1/organisations/${top}/terminate`, { after: 1 })).toMatchObject({
      status: 409,
      ...problem('no-window-after-abuse'),
    })
  })

  test('takes everything below along, wherever the process dies; nothing of it is left', async () => {
    const { top, below, ann, bob } = await tree()
    const outsider = await account()
    for (const id of [top, below])
      await api.owner('PUT', `/v1/subscriptions/organisations/${id}`, terms({ started_on: day(-8) }))
    await api.owner('POST', `/v1/organisations/${below}/credit-claims`, {
      month: new Date().toISOString().slice(0, 7),
      component: 'chat',
    })
    const made = await api.owner('POST', '/v1/api-keys', { scope: ['accounts:read'], organisation: below })
    const key = String(made.json['token'])
    const administrator = await appoint(api, `Ends ${String(named++)}`, 'org_admin', below)
    await api.owner('POST', '/v1/administrators/invites', { role: 'org_admin', organisation: top })
    await api.owner('POST', `/v1/organisations/${below}/suspend`, { reason: 'other' })
    await api.owner('POST', `/v1/organisations/${top}/terminate`, { after: 3 })
    await using db = await openDb({ url: api.databaseUrl })
    // The day comes while nobody is there: the next process finds it.
    await db.execute(
      sql`update account.organisation set terminates_on = ${day(0)}::date where id = ${top}::uuid`,
    )
    for (const undo of [`${top}/keep`, `${top}/restore`, `${below}/restore`])
      expect(await api.owner('POST', `/v1/organisations/${undo}`)).toMatchObject({
        status: 409,
        ...problem('organisation-ending'),
      })
    {
      await using again = await api.again()
      expect(again.addresses).toHaveLength(1)
      const states = async () => [(await shown(ann.jid))['state'], (await shown(bob.jid))['state']]
      await expect.poll(states).toEqual(['terminated', 'terminated'])
    }
    expect((await api.call('GET', '/v1/accounts', { key })).status).toBe(401)
    expect((await administrator.call('GET', '/v1/accounts')).status).toBe(401)
    const joined = await api.owner('POST', '/v1/accounts', { jid: 'late@example.org', organisation: top })
    expect(joined).toMatchObject({ status: 409, ...problem('organisation-suspended') })
    expect((await api.owner('GET', `/v1/organisations/${below}`)).status).toBe(200)
    await eraseElsewhere(ann.id, bob.id)
    await using again = await api.again()
    expect(again.addresses).toHaveLength(1)
    const gone = async () => [
      (await api.owner('GET', `/v1/organisations/${below}`)).status,
      (await api.owner('GET', `/v1/organisations/${top}`)).status,
    ]
    await expect.poll(gone).toEqual([404, 404])
    const columns = await db.query<{ place: string; name: string }>(sql`
      select table_schema || '.' || table_name as place, column_name as name from information_schema.columns
      join information_schema.tables using (table_schema, table_name)
      where column_name in ('organisation_id', 'subject_id') and table_type = 'BASE TABLE'
        and table_schema in ('account', 'api', 'xmpp', 'keys', 'smtp')`)
    expect(columns.length).toBeGreaterThan(5)
    for (const { place, name } of columns) {
      const rows = await db.query(
        sql`select from ${raw(place)} where ${raw(name)} in (${top}::uuid, ${below}::uuid)`,
      )
      expect({ place, rows: rows.length }).toEqual({ place, rows: 0 })
    }
    expect(await shown(outsider.jid)).toMatchObject({ state: 'active' })
  })

  test('one that is empty is removed at once, with its subscription; one that is not is refused', async () => {
    const { top, below, bob } = await tree()
    const refused = { status: 409, ...problem('organisation-not-empty') }
    for (const id of [top, below])
      expect(await api.owner('DELETE', `/v1/organisations/${id}`)).toMatchObject(refused)
    expect(await shown(bob.jid)).toMatchObject({ state: 'active' })
    const empty = await open()
    await api.owner('PUT', `/v1/subscriptions/organisations/${empty}`, terms({ started_on: day(-3) }))
    expect((await api.owner('DELETE', `/v1/organisations/${empty}`)).status).toBe(200)
    expect((await api.owner('GET', `/v1/organisations/${empty}`)).status).toBe(404)
    const due = (await api.owner('GET', '/v1/subscriptions?state=refund-due')).json['items']
    expect(due).toEqual([expect.not.objectContaining({ organisation: empty })])
    const later = await open()
    await api.owner('PUT', `/v1/subscriptions/organisations/${later}`, terms({ started_on: day(-30) }))
    await api.owner('DELETE', `/v1/organisations/${later}`)
    expect((await api.owner('GET', `/v1/subscriptions/organisations/${later}`)).status).toBe(404)
  })
})
