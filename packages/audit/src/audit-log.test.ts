import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb, sql, type Db } from '@sealpost/db'
import { VirtualClock } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../test/database.ts'
import {
  createAuditLog,
  memoryAuditStore,
  postgresAuditStore,
  type AuditLog,
  type AuditStore,
} from './index.ts'

const stack = new AsyncDisposableStack()
let db: Db
let ownerUrl: string

beforeAll(async () => {
  const { url } = stack.use(await createMigratedDatabase())
  ownerUrl = url
  db = stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 }))
})
afterAll(() => stack.disposeAsync())

const owner = { kind: 'owner' } as const

describe.each([
  ['memory', () => memoryAuditStore()],
  ['postgres', () => postgresAuditStore(db)],
])('AuditLog (%s)', (_name, open) => {
  let store: AuditStore
  let log: AuditLog
  const clock = new VirtualClock(1_700_000_000_000)
  beforeAll(() => {
    store = open()
    log = createAuditLog({ store, clock })
  })

  test('an action is an entry before it and one after it, and the chain holds, however many act at once', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const begun = await log.begin({
          actor: { kind: 'administrator', id: `a${String(index)}` },
          action: 'account.suspend',
          target: { kind: 'account', id: 'x' },
          reason: 'abuse',
          details: { state: 'suspended' },
        })
        if (index % 2 === 0) await begun.done({ state: ['active', 'suspended'] })
        else await begun.refused('ACCOUNT_TERMINATED')
      }),
    )
    const verdict = await log.verify()
    expect(verdict).toMatchObject({ entries: 40, broken: undefined })
    const [newest] = await log.find({ limit: 1 })
    expect(newest?.hash.toString('hex')).toBe(verdict.head)
    const mine = await log.find({ limit: 10, actorId: 'a3' })
    expect(mine.map(({ phase, details, reason }) => ({ phase, details, reason }))).toEqual([
      { phase: 'refused', details: '{"code":"ACCOUNT_TERMINATED"}', reason: undefined },
      { phase: 'begun', details: '{"state":"suspended"}', reason: 'abuse' },
    ])
    expect(mine[0]?.begun).toBe(mine[1]?.seq)
  })

  test('entries are found by action, target, organisation and time, page by page', async () => {
    await clock.advance(1_000)
    const organisationId = '11111111-1111-4111-8111-111111111111'
    const actor = { kind: 'key', id: 'k', organisationId } as const
    await log.note({ actor, action: 'plan.set', target: { kind: 'plan', id: 'gold' } })
    await log.note({ actor: owner, action: 'plan.remove', target: { kind: 'plan', id: 'gold' } })
    const found = async (query: object) =>
      (await log.find({ limit: 10, ...query })).map(({ action }) => action)
    expect(await found({ targetId: 'gold' })).toEqual(['plan.remove', 'plan.set'])
    expect(await found({ organisationId })).toEqual(['plan.set'])
    expect(await found({ action: 'plan.remove' })).toEqual(['plan.remove'])
    expect(await found({ from: clock.now() })).toEqual(['plan.remove', 'plan.set'])
    expect(await found({ until: clock.now(), action: 'plan.set' })).toEqual([])
    const [first] = await log.find({ limit: 1 })
    expect((await log.find({ limit: 1, before: first?.seq }))[0]?.action).toBe('plan.set')
  })

  test('a head noted outside shows that the end was cut off or written anew', async () => {
    const { entries, head } = await log.verify()
    expect(await log.verify([{ seq: entries, hash: head }])).toMatchObject({ broken: undefined })
    expect(await log.verify([{ seq: entries, hash: '00'.repeat(32) }])).toMatchObject({ broken: entries })
    expect(await log.verify([{ seq: entries + 2, hash: head }])).toMatchObject({ broken: entries + 1 })
  })

  test('details that do not fit are left out', async () => {
    await log.note({ actor: owner, action: 'plan.set', details: { text: 'x'.repeat(20_000) } })
    expect((await log.find({ limit: 1 }))[0]?.details).toBe('{"left_out":true}')
  })
})

test('neither the role that writes nor the one that owns the table can change, remove or empty it', async () => {
  const statements = [
    sql`update audit.entry set reason = 'x'`,
    sql`delete from audit.entry`,
    sql`truncate audit.entry`,
  ]
  for (const statement of statements)
    await expect(db.execute(statement)).rejects.toMatchObject({ code: '42501' })
  await using asOwner = await openDb({ url: ownerUrl, role: 'sealpost_audit' })
  for (const statement of statements)
    await expect(asOwner.execute(statement)).rejects.toMatchObject({ code: '42501' })
})

test('an entry changed behind the back of all guards is found', async () => {
  const log = createAuditLog({ store: postgresAuditStore(db), clock: new VirtualClock(0) })
  await using superuser = await openDb({ url: ownerUrl })
  await superuser.execute(sql`alter table audit.entry disable trigger all`)
  await superuser.execute(sql`update audit.entry set actor_id = 'somebody-else' where seq = 7`)
  expect((await log.verify()).broken).toBe(7)
})
