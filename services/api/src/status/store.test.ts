import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryStatus } from './store.memory.ts'
import { postgresStatus } from './store.postgres.ts'
import type { Incident, Maintenance, StatusStore } from './store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<StatusStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresStatus(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })))
}

const HOUR = 3_600_000
const start = Date.UTC(2030, 0, 10)
const minute = start / 60_000

function newMaintenance(change: Partial<Maintenance>): Maintenance {
  return {
    id: systemRandom.uuid(),
    components: ['chat', 'voice'],
    summary: 'A new disk',
    announcedAt: start - 72 * HOUR,
    beginsAt: start,
    endsAt: start + HOUR,
    cancelledAt: undefined,
    ...change,
  }
}

function newIncident(change: Partial<Incident>): Incident {
  return {
    id: systemRandom.uuid(),
    components: ['mail'],
    severity: 'major',
    title: 'Mail waits',
    beganAt: start,
    endedAt: undefined,
    report: undefined,
    reportedAt: undefined,
    updates: [],
    ...change,
  }
}

describe.each([
  ['memory', async () => memoryStatus()],
  ['postgres', openPostgres],
])('StatusStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: StatusStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  test('a minute is good only if every probe of it was', async () => {
    expect(await store.since('chat')).toBeUndefined()
    await store.record(minute + 1, [
      { component: 'chat', good: true },
      { component: 'keys', good: false },
    ])
    await store.record(minute, [{ component: 'chat', good: true }])
    await store.record(minute, [{ component: 'chat', good: false }])
    await store.record(minute, [{ component: 'chat', good: true }])
    expect(await store.minutes('chat', { from: minute, until: minute + 2 })).toEqual([
      { minute, good: false },
      { minute: minute + 1, good: true },
    ])
    expect(await store.minutes('chat', { from: minute + 1, until: minute + 1 })).toEqual([])
    expect(await store.since('chat')).toBe(minute)
    expect(await store.since('mail')).toBeUndefined()
  })

  test('days are replaced, and are known longer than minutes', async () => {
    const row = { component: 'api', day: '2030-01-09', good: 1440, lost: 0, counted: 0 } as const
    await store.saveDays([row, { ...row, component: 'chat' }, { ...row, day: '2030-01-10', good: 1 }])
    await store.saveDays([{ ...row, good: 1430, lost: 10, counted: 4 }])
    expect(await store.days('2030-01-09', '2030-01-09')).toEqual([
      { ...row, good: 1430, lost: 10, counted: 4 },
      { ...row, component: 'chat' },
    ])
    expect(await store.since('api')).toBe(Date.UTC(2030, 0, 9) / 60_000)
    await store.erase(minute + 1, Date.UTC(2030, 0, 10))
    expect(await store.minutes('chat', { from: 0, until: minute + 9 })).toEqual([
      { minute: minute + 1, good: true },
    ])
    expect((await store.days('2030-01-01', '2030-01-31')).map(({ day }) => day)).toEqual(['2030-01-10'])
  })

  test('maintenance is found by time, called off once, over before its time', async () => {
    const [first, second] = [
      newMaintenance({}),
      newMaintenance({ beginsAt: start + HOUR, endsAt: start + 2 * HOUR }),
    ]
    await store.insertMaintenance(second)
    await store.insertMaintenance(first)
    const within = (from: number, until: number, limit = 9) => store.maintenance({ from, until, limit })
    expect(await within(start, start + HOUR + 1)).toEqual([first, second])
    expect(await within(start, start + HOUR + 1, 1)).toEqual([first])
    expect(await within(start + HOUR, start + 2 * HOUR)).toEqual([second])
    expect(await store.changeMaintenance(first.id, { endsAt: start + 1 })).toBe(true)
    expect(await store.changeMaintenance(second.id, { cancelledAt: start })).toBe(true)
    expect(await store.changeMaintenance(second.id, { endsAt: start })).toBe(false)
    expect(await store.changeMaintenance(systemRandom.uuid(), { endsAt: start })).toBe(false)
    expect(await store.findMaintenance(first.id)).toEqual({ ...first, endsAt: start + 1 })
    expect(await store.findMaintenance(second.id)).toEqual({ ...second, cancelledAt: start })
    expect(await store.findMaintenance(systemRandom.uuid())).toBeUndefined()
    await store.erase(0, start + HOUR)
    expect(await within(0, start + 9 * HOUR)).toHaveLength(1)
  })

  test('an incident goes on by updates in their order, 20 at once included', async () => {
    const incident = newIncident({ updates: [{ at: start, text: 'We look into it' }] })
    await store.insertIncident(incident)
    const texts = Array.from({ length: 20 }, (_, index) => `Step ${String(index)}`)
    const done = await Promise.all(
      texts.map((text) =>
        store.changeIncident({ ...incident, severity: 'critical' }, { at: start + 1, text }),
      ),
    )
    expect(done.every(Boolean)).toBe(true)
    const found = await store.findIncident(incident.id)
    expect(found?.severity).toBe('critical')
    expect(found?.updates.map(({ text }) => text).toSorted()).toEqual(
      [...texts, 'We look into it'].toSorted(),
    )
    expect(found?.updates[0]).toEqual({ at: start, text: 'We look into it' })
    const closed = { ...incident, endedAt: start + HOUR, report: 'A cable', reportedAt: start + 2 * HOUR }
    expect(await store.changeIncident(closed, undefined)).toBe(true)
    expect(await store.findIncident(incident.id)).toMatchObject({
      severity: 'major',
      endedAt: start + HOUR,
      report: 'A cable',
      reportedAt: start + 2 * HOUR,
    })
    expect(await store.changeIncident(newIncident({}), undefined)).toBe(false)
    await store.erase(0, start + 2 * HOUR)
    expect(await store.findIncident(incident.id)).toBeUndefined()
  })

  test('incidents come by pages, the newest first, also where two begin at once', async () => {
    const made = [1, 2, 2, 3].map((hour) => newIncident({ beganAt: start + hour * HOUR }))
    const [oldest] = made
    for (const incident of made) await store.insertIncident(incident)
    const seen: Incident[] = []
    let before: { at: number; id: string } | undefined
    for (;;) {
      const [next] = await store.incidents({ before, limit: 1 })
      if (next === undefined) break
      seen.push(next)
      before = { at: next.beganAt, id: next.id }
    }
    expect(seen.map(({ beganAt }) => beganAt)).toEqual(made.map(({ beganAt }) => beganAt).toReversed())
    expect(new Set(seen.map(({ id }) => id)).size).toBe(made.length)
    if (oldest) await store.changeIncident({ ...oldest, endedAt: start + 2 * HOUR }, undefined)
    const since = (openOrSince: number) => store.incidents({ before: undefined, openOrSince, limit: 9 })
    expect(await since(start + 2 * HOUR)).toHaveLength(4)
    expect(await since(start + 2 * HOUR + 1)).toHaveLength(3)
  })
})
