import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  availability,
  credit,
  mailboxCredit,
  mayClaim,
  monthAt,
  MONTH_MINUTES,
  monthOf,
  reportDue,
} from './agreement.ts'
import { countedLoss, losses, type Span, urgentWindows } from './minutes.ts'

const options = { interruptAfterTimeLimit: 2_000 }
const DAY = 24 * 60

describe('credit by lost minutes of a month of 43,200', () => {
  test.each([
    [0, 0],
    [43, 0], // 99.9005 %
    [44, 50], // 99.8981 %
    [475, 50], // 98.9005 %
    [476, 75], // 98.8981 %
    [907, 75],
    [908, 100],
    [16_027, 950],
    [16_028, 975], // the 37th further percent
    [16_459, 975],
    [16_460, 1000], // the 38th
    [43_200, 1000],
    [44_640, 1000], // all of a month of 31 days
  ])('%i → %i ‰', (lost, permille) => expect(credit(lost)).toBe(permille))

  test.each([
    [0, 0],
    [119, 0],
    [120, 50],
    [239, 50],
    [240, 100],
    [359, 100],
    [360, 150],
    [43_200, 150],
  ])('of mailboxes: %i → %i ‰', (lost, permille) => expect(mailboxCredit(lost)).toBe(permille))

  test('never falls as more is lost, is never more than the fee, and is owed exactly below 99.9 %', () => {
    fc.assert(
      fc.property(fc.nat(50_000), fc.nat(50_000), (a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)]
        expect(credit(less)).toBeLessThanOrEqual(credit(more))
        expect(mailboxCredit(less)).toBeLessThanOrEqual(mailboxCredit(more))
        expect(credit(more)).toBeLessThanOrEqual(1000)
        expect(credit(a) > 0).toBe(availability(a) < 99.9)
      }),
      options,
    )
  })

  test('availability is rounded down, and never below 0', () => {
    expect([0, 43, 44, 432, 43_199, 43_200, 44_640].map(availability)).toEqual([
      100, 99.9, 99.898, 99, 0.002, 0, 0,
    ])
    expect(MONTH_MINUTES).toBe(43_200)
  })
})

describe('deadlines', () => {
  const month = monthOf('2030-02')
  test.each([
    [Date.UTC(2030, 1, 1) - 1, 'early'],
    [Date.UTC(2030, 1, 1), 'yes'],
    [Date.UTC(2030, 2, 8) - 1, 'yes'],
    [Date.UTC(2030, 2, 8), 'late'],
  ])('at %i a claim for February comes: %s', (now, answer) => expect(mayClaim(month, now)).toBe(answer))

  test('months are those of the calendar in UTC', () => {
    expect(monthOf('2029-12')).toEqual({
      name: '2029-12',
      from: Date.UTC(2029, 11, 1),
      until: Date.UTC(2030, 0, 1),
    })
    expect(monthAt(Date.UTC(2028, 1, 29, 23, 59)).name).toBe('2028-02')
  })

  test('a report is due fifteen days after the end', () =>
    expect(new Date(reportDue(Date.UTC(2030, 0, 1, 12))).toISOString()).toBe('2030-01-16T12:00:00.000Z'))
})

describe('windows of urgent maintenance', () => {
  const window = (from: string, until: string): Span => ({
    from: Date.parse(from) / 60_000,
    until: Date.parse(until) / 60_000,
  })

  test('Wednesday and Saturday 23:00 to 01:00 EST, in summer as in winter', () => {
    // 2030-01-02 is a Wednesday, 2030-07-03 too.
    expect(urgentWindows(window('2030-01-01T00:00Z', '2030-01-08T00:00Z'))).toEqual([
      window('2030-01-02T23:00-05:00', '2030-01-03T01:00-05:00'),
      window('2030-01-05T23:00-05:00', '2030-01-06T01:00-05:00'),
    ])
    expect(urgentWindows(window('2030-07-03T00:00Z', '2030-07-06T00:00Z'))).toEqual([
      window('2030-07-03T23:00-05:00', '2030-07-04T01:00-05:00'),
    ])
  })

  test.each([
    ['2030-01-03T03:59Z', '2030-01-03T04:00Z', 0],
    ['2030-01-03T04:00Z', '2030-01-03T04:01Z', 1],
    ['2030-01-03T05:59Z', '2030-01-03T06:00Z', 1],
    ['2030-01-03T06:00Z', '2030-01-03T06:01Z', 0],
  ])('%s to %s touches %i', (from, until, count) =>
    expect(urgentWindows(window(from, until))).toHaveLength(count),
  )

  test('every week has four hours of them (seeded)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20_000_000, max: 40_000_000 }), (from) => {
        const span = { from, until: from + 7 * DAY }
        const minutes = urgentWindows(span).reduce(
          (sum, each) => sum + Math.min(each.until, span.until) - Math.max(each.from, span.from),
          0,
        )
        expect(minutes).toBe(240)
      }),
      options,
    )
  })
})

describe('lost minutes', () => {
  const all = { from: 0, until: 100 }
  const goodBut = (...lost: number[]) =>
    new Set(Array.from({ length: 100 }, (_, minute) => minute).filter((minute) => !lost.includes(minute)))

  test.each([
    ['four in a row', [10, 11, 12, 13], [], 0],
    ['five in a row', [10, 11, 12, 13, 14], [], 5],
    ['four and four with a good one between', [10, 11, 12, 13, 15, 16, 17, 18], [], 0],
    ['five, two of them in a window', [10, 11, 12, 13, 14], [{ from: 13, until: 20 }], 3],
    ['five, all in a window', [10, 11, 12, 13, 14], [{ from: 10, until: 15 }], 0],
    [
      'five, in two windows that overlap',
      [10, 11, 12, 13, 14],
      [
        { from: 9, until: 13 },
        { from: 11, until: 14 },
      ],
      1,
    ],
    [
      'five beside a window',
      [10, 11, 12, 13, 14],
      [
        { from: 15, until: 20 },
        { from: 5, until: 10 },
      ],
      5,
    ],
    ['five at the very end', [95, 96, 97, 98, 99], [], 5],
    ['five at the very beginning', [0, 1, 2, 3, 4], [], 5],
  ])('%s', (_what, lost, excluded, counted) =>
    expect(countedLoss(losses(goodBut(...lost), all), excluded, all)).toBe(counted),
  )

  test('a loss over midnight counts on both days, by its whole length', () => {
    const lost = losses(goodBut(48, 49, 50, 51, 52), all)
    expect(countedLoss(lost, [], { from: 0, until: 50 })).toBe(2)
    expect(countedLoss(lost, [], { from: 50, until: 100 })).toBe(3)
  })

  test('what counts was lost, is the sum of its parts, and shrinks with every window (seeded)', () => {
    const span = fc.tuple(fc.nat(100), fc.nat(30)).map(([from, length]) => ({ from, until: from + length }))
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 100, maxLength: 100 }),
        fc.array(span),
        fc.nat(100),
        (up, excluded, cut) => {
          const good = new Set(up.flatMap((each, minute) => (each ? [minute] : [])))
          const lost = losses(good, all)
          expect(lost.reduce((sum, { from, until }) => sum + until - from, 0)).toBe(100 - good.size)
          const whole = countedLoss(lost, excluded, all)
          const parts =
            countedLoss(lost, excluded, { from: 0, until: cut }) +
            countedLoss(lost, excluded, { from: cut, until: 100 })
          expect(parts).toBe(whole)
          expect(whole).toBeLessThanOrEqual(countedLoss(lost, excluded.slice(1), all))
          expect(whole).toBeLessThanOrEqual(100 - good.size)
        },
      ),
      options,
    )
  })
})
