/** Days, months and credit over the memory store, where time costs nothing. */
import { beforeEach, expect, test } from 'vitest'
import { systemRandom } from '@sealpost/runtime'
import { monthOf } from './agreement.ts'
import { Availability } from './availability.ts'
import { memoryClaims } from './claim-store.memory.ts'
import { createClaims } from './claims.ts'
import { memoryStatus } from './store.memory.ts'
import type { StatusStore } from './store.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** A Friday, and the first of a month. */
const start = Date.UTC(2030, 1, 1)

let now: number
const clock = { now: () => now }
let store: StatusStore
let availability: Availability
beforeEach(() => {
  now = start
  store = memoryStatus()
  availability = new Availability(store, clock)
})

/** From now on; `down` says in which minutes of them the mail does not serve. */
async function pass(minutes: number, down: (minute: number) => boolean = () => false): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    await availability.record(now / MINUTE, [{ component: 'mail', good: !down(minute) }])
    now += MINUTE
  }
}

async function dayOfMail(day: string) {
  const [row] = await availability.days(day, day)
  return row
}

test('a loss over midnight counts on both days, before and after they are written', async () => {
  await pass(1440 + 10, (minute) => minute >= 1437 && minute < 1442)
  const expected = { component: 'mail', day: '2030-02-01', good: 1437, lost: 3, counted: 3 }
  expect(await dayOfMail('2030-02-01')).toEqual(expected)
  await availability.compact()
  expect(await store.days('2030-02-01', '2030-02-02')).toEqual([expected])
  expect(await dayOfMail('2030-02-02')).toMatchObject({ lost: 2, counted: 2 })
})

test('a server that was away for days lost them all; a late report of a day that is written changes it', async () => {
  await pass(10)
  now += 4 * DAY
  await availability.compact()
  await availability.compact()
  expect((await availability.days('2030-02-01', '2030-02-04')).map(({ lost }) => lost)).toEqual([
    1430, 1440, 1440, 1440,
  ])
  const yesterday = now / MINUTE - 20
  await availability.record(yesterday, [{ component: 'mail', good: true }])
  await availability.compact()
  expect(await dayOfMail('2030-02-04')).toMatchObject({ good: 1, lost: 1439 })
})

test('a machine that slept for a hundred days has lost them all, as soon as it wakes and after they are written', async () => {
  await pass(10)
  now += 100 * DAY
  const [first, last] = ['2030-02-12', '2030-05-12']
  const expected = { length: 90, lost: 89 * 1440 + 8 }
  for (const _ of 'ab') {
    const days = await availability.days(first, last)
    expect(days.map(({ day }) => day)).toEqual(days.map(({ day }) => day).toSorted())
    expect({ length: days.length, lost: days.reduce((sum, { lost }) => sum + lost, 0) }).toEqual(expected)
    await availability.compact()
  }
  expect(await store.days(first, last)).toHaveLength(89)
})

test('a loss within the urgent window does not count, one that begins before it counts until then', async () => {
  // Sunday 2030-02-03, 04:00 to 06:00 UTC.
  now = Date.UTC(2030, 1, 3, 3, 50)
  await pass(60, (minute) => minute >= 4 && minute < 40)
  expect(await dayOfMail('2030-02-03')).toMatchObject({ lost: 36, counted: 6 })
})

test('months are sums of their days, long after the minutes are forgotten; credit is that of the agreement', async () => {
  const row = { component: 'mail', good: 1440, lost: 0, counted: 0 } as const
  const days = Array.from({ length: 28 }, (_, index) => ({
    ...row,
    day: new Date(start + index * DAY).toISOString().slice(0, 10),
  }))
  await store.saveDays(
    days.map((each, index) => (index === 3 ? { ...each, good: 1000, lost: 440, counted: 400 } : each)),
  )
  now = Date.UTC(2031, 5, 1)
  expect(await availability.month(monthOf('2030-02'))).toEqual([
    {
      component: 'mail',
      minutes: 28 * 1440,
      lost: 440,
      counted: 400,
      availability: 99.074,
      credit: 150, // three times two hours of mailboxes is more than the 5 % below the target
    },
  ])
  expect(await availability.month(monthOf('2030-03'))).toEqual([])
  await expect(availability.month(monthOf('2031-07'))).rejects.toMatchObject({ code: 'MONTH_AHEAD' })
})

test('a claim is granted what the agreement says for its component', async () => {
  const good = Array.from({ length: 18 }, (_, index) => ({
    component: 'chat' as const,
    day: `2030-02-${String(11 + index)}`,
    good: 1440,
    lost: 0,
    counted: 0,
  }))
  const lost = { component: 'chat', day: '2030-02-10', good: 0, lost: 1440, counted: 1440 } as const
  await store.saveDays([lost, ...good])
  now = Date.UTC(2030, 2, 7)
  const claims = createClaims({ store: memoryClaims(), availability, clock, random: systemRandom })
  const subject = { kind: 'organisation', id: systemRandom.uuid() } as const
  const claim = await claims.file({ subject, month: '2030-02', component: 'chat' })
  expect(await claims.decide(claim.id, true)).toMatchObject({
    state: 'granted',
    credit: 125,
    decidedOn: '2030-03-07',
  })
  const other = await claims.file({ subject, month: '2030-02', component: 'keys' })
  expect(await claims.decide(other.id, true)).toMatchObject({ credit: 0 })
})
