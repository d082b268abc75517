/** The doctor: everything that an operator has to set up right, looked at once. */
import { Type, type Static } from '@sealpost/http'
import { AREAS, VERDICTS } from '../doctor/diagnosis.ts'
import { defineCommand } from './command.ts'
import { words } from './rights-schema.ts'

/** Each asks DNS for every domain, and every port. */
const EXAMINATIONS_PER_MINUTE = 5

const diagnosesSchema = Type.Object({
  items: Type.Array(
    Type.Object({
      area: words(AREAS),
      verdict: words(VERDICTS),
      found: Type.String(),
      advice: Type.Optional(Type.String({ description: 'What to do about it' })),
    }),
  ),
})

/** What is wrong first, what is well last. */
const ORDER = ['wrong', 'advice', 'unknown', 'ok'] as const

function print({ items }: Static<typeof diagnosesSchema>): string {
  const sorted = items.toSorted((one, other) => ORDER.indexOf(one.verdict) - ORDER.indexOf(other.verdict))
  const lines = sorted.flatMap(({ area, verdict, found, advice }) => [
    `${verdict.padEnd(8)} ${area.padEnd(11)} ${found}`,
    ...(advice === undefined ? [] : [`${' '.repeat(21)}${advice}`]),
  ])
  const count = (verdict: string): string => String(items.filter((item) => item.verdict === verdict).length)
  return [
    ...lines,
    '',
    `${count('wrong')} wrong, ${count('advice')} to improve, ${count('unknown')} unknown`,
  ].join('\n')
}

export const examineServer = defineCommand({
  name: 'doctor.examine',
  summary:
    'Look at DNS, ports, TLS, clock, disk, Postgres, the keys of messages and the reputation of this server, with advice',
  method: 'GET',
  path: '/v1/doctor',
  access: 'status:read',
  requestsPerMinute: EXAMINATIONS_PER_MINUTE,
  status: 200,
  response: diagnosesSchema,
  async handle(context) {
    return { items: [...(await context.doctor.examine())] }
  },
  lines: [{ noun: 'doctor', verb: '', print }],
})
