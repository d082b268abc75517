/** Commands about statistics: how much of what, never who. */
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { reachableOrganisation } from '../access/reach.ts'
import { FLOOR, USED_DAYS } from '../statistics/organisation-figures.ts'
import { SERIES, SERIES_NAMES, type Series, type SeriesName } from '../statistics/series.ts'
import { type Step, STEPS } from '../statistics/store.ts'
import { type Command, defineCommand } from './command.ts'
import { organisationParams } from './organisation-schema.ts'
import { timeSchema } from './rights-schema.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Longer spans are told by day unless asked otherwise. */
const BY_HOUR_MS_MAX = 7 * DAY_MS
/** Rows of hours live for 31 days; of days for two years. */
const SPAN_MS_MAX: Readonly<Record<Step, number>> = { hour: 32 * DAY_MS, day: 732 * DAY_MS }

const nameSchema = Type.Enum(SERIES_NAMES)
const about = {
  name: nameSchema,
  kind: Type.Enum(['level', 'count', 'duration']),
  unit: Type.String(),
  meaning: Type.String(),
}
const point = {
  value: Type.Number({
    description: 'Of a level the mean, of a count the sum, of a duration the 95th percentile',
  }),
  max: Type.Optional(Type.Number({ description: 'Of a level the highest' })),
  p50: Type.Optional(Type.Number({ description: 'Of a duration, in seconds' })),
  p99: Type.Optional(Type.Number({ description: 'Of a duration, in seconds' })),
}
const figureSchema = Type.Object({
  ...about,
  now: Type.Optional(Type.Number({ description: 'Of a level: at the last collection' })),
  last_day: Type.Optional(Type.Object(point, { description: 'Of the last 24 hours' })),
})
const overviewSchema = Type.Object({
  at: Type.Optional(
    Type.String({ format: 'date-time', description: 'Of the last collection; absent: there was none yet' }),
  ),
  away: Type.Array(Type.String(), { description: 'Services that did not tell their numbers then' }),
  items: Type.Array(figureSchema),
})
const seriesSchema = Type.Object({
  ...about,
  step: Type.Enum([...STEPS]),
  items: Type.Array(
    Type.Object({
      at: Type.String({ format: 'date-time', description: 'When the hour or day (UTC) began' }),
      ...point,
    }),
    { description: 'By time; hours and days about which nothing is known are absent' },
  ),
})

function describe(name: SeriesName) {
  const { kind, unit, meaning }: Series = SERIES[name]
  return { name, kind, unit, meaning }
}

const iso = (at: number): string => new Date(at).toISOString()

const showOverview = defineCommand({
  name: 'statistics.overview',
  summary: 'Show all statistics: as they are now, and of the last 24 hours',
  method: 'GET',
  path: '/v1/statistics/overview',
  access: 'statistics:read',
  status: 200,
  response: overviewSchema,
  async handle({ statistics }) {
    const { at, away, figures } = await statistics.overview()
    return {
      ...(at === undefined ? {} : { at: iso(at) }),
      away: [...away],
      items: figures.map(({ name, now, lastDay }) => ({
        ...describe(name),
        ...(now === undefined ? {} : { now }),
        ...(lastDay === undefined ? {} : { last_day: lastDay }),
      })),
    }
  },
  lines: [{ noun: 'statistics', verb: 'show', print: printOverview }],
})

function printOverview({ at, away, items }: Static<typeof overviewSchema>): string {
  const lines = items.map(({ name, kind, unit, now, last_day: day }) => {
    const current = now === undefined ? '' : `now ${round(now)} ${unit}`
    const sum = kind === 'count' ? `${round(day?.value ?? 0)} ${unit} in 24 h` : ''
    const slow = kind === 'duration' && day !== undefined ? `95 % within ${round(day.value)} ${unit}` : ''
    return `${name.padEnd(24)}  ${[current, sum, slow].find((text) => text !== '') ?? 'nothing known'}`
  })
  const missing = away.length === 0 ? [] : [`Away: ${away.join(', ')}`]
  return [`Collected ${at ?? 'never'}`, ...missing, ...lines].join('\n')
}

const round = (value: number): string => String(Math.round(value * 1_000) / 1_000)

const showSeries = defineCommand({
  name: 'statistics.series',
  summary: 'Show one of the statistics by hour (31 days back) or by day (two years back)',
  method: 'GET',
  path: '/v1/statistics/series',
  access: 'statistics:read',
  query: Type.Object(
    {
      name: nameSchema,
      from: Type.Optional(Type.String({ ...timeSchema, description: '24 hours ago unless given' })),
      until: Type.Optional(Type.String({ ...timeSchema, description: 'Now unless given' })),
      step: Type.Optional(
        Type.Enum([...STEPS], { description: 'Hours up to a span of seven days unless given, days beyond' }),
      ),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: seriesSchema,
  async handle({ statistics, clock }, { query }) {
    const until = query.until === undefined ? clock.now() : Date.parse(query.until)
    const from = query.from === undefined ? until - DAY_MS : Date.parse(query.from)
    if (from >= until) throw new HttpProblem(400, 'span-malformed', 'from is before until')
    const step = query.step ?? (until - from > BY_HOUR_MS_MAX ? 'day' : 'hour')
    if (until - from > SPAN_MS_MAX[step])
      throw new HttpProblem(400, 'span-too-long', 'No statistics are kept for so long')
    const points = await statistics.series(query.name, { step, from, until })
    return {
      ...describe(query.name),
      step,
      items: points.map(({ at, ...rest }) => ({ at: iso(at), ...rest })),
    }
  },
  lines: [
    {
      noun: 'statistics',
      verb: 'series',
      print: ({ items }) =>
        items.map(({ at, value }) => `${at}  ${round(value)}`).join('\n') || 'Nothing known',
    },
  ],
})

const coarse = (description: string) =>
  Type.Optional(Type.Integer({ description: `${description}, in steps of ${String(FLOOR)}` }))

const ofOrganisationSchema = Type.Object({
  organisation: Type.String({ format: 'uuid' }),
  day: Type.String({ format: 'date', description: 'What is told stays the same for the day' }),
  floor: Type.Integer({ description: 'Figures below it, or near it, are absent' }),
  active: coarse('Active accounts'),
  suspended: coarse('Suspended accounts'),
  used: coarse(`Accounts that were used within ${String(USED_DAYS)} days`),
  with_key: coarse('Accounts with a published certificate'),
})

const showOfOrganisation = defineCommand({
  name: 'statistics.organisation',
  summary: 'Show figures of an organisation with all below it, so coarse that they tell of no person',
  method: 'GET',
  path: '/v1/statistics/organisations/:id',
  access: 'statistics:read',
  reach: 'organisation',
  params: organisationParams,
  status: 200,
  response: ofOrganisationSchema,
  async handle(context, { actor, params }) {
    const { id } = await reachableOrganisation(context, actor, params.id)
    const { day, active, suspended, used, withKey } = await context.organisationFigures.of(id)
    return {
      organisation: id,
      day,
      floor: FLOOR,
      ...(active === undefined ? {} : { active }),
      ...(suspended === undefined ? {} : { suspended }),
      ...(used === undefined ? {} : { used }),
      ...(withKey === undefined ? {} : { with_key: withKey }),
    }
  },
  lines: [{ noun: 'statistics', verb: 'organisation', print: printOfOrganisation }],
})

function printOfOrganisation(told: Static<typeof ofOrganisationSchema>): string {
  const line = (name: string, count: number | undefined) =>
    `${name.padEnd(12)}${count === undefined ? `fewer than ${String(2 * told.floor)}` : `${String(count)} or more`}`
  return [
    `On ${told.day}`,
    line('active', told.active),
    line('suspended', told.suspended),
    line('used', told.used),
    line('with a key', told.with_key),
  ].join('\n')
}

export const statisticsCommands: readonly Command[] = [showOverview, showSeries, showOfOrganisation]
