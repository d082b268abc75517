/** Commands about crash reports of clients, which are voluntary and lose everything that identifies somebody before they are kept. */
import { Type, type Static } from '@sealpost/http'
import { type Command, defineCommand } from './command.ts'

const LIMIT_MAX = 200
const wordSchema = (description: string) => Type.String({ minLength: 1, maxLength: 64, description })
const signatureSchema = Type.String({ pattern: '^[0-9a-f]{32}$', description: 'Names a kind of crash' })
const daySchema = Type.String({ format: 'date' })

const send = defineCommand({
  name: 'crash.report',
  summary:
    'Send the report of a crash of a client; what identifies somebody is taken out before it is kept for 30 days',
  method: 'POST',
  path: '/v1/crash-reports',
  access: 'anyone',
  requestsPerMinute: 5,
  body: Type.Object(
    {
      application: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$' }),
      version: wordSchema('Of the application'),
      platform: wordSchema('Such as Android 15'),
      trace: Type.String({ minLength: 1, maxLength: 65_536, description: 'Exception and stack trace' }),
    },
    { additionalProperties: false },
  ),
  status: 201,
  response: Type.Object({ signature: signatureSchema }),
  handle: async ({ crashes }, { body }) => ({ signature: await crashes.take(body) }),
})

const groupSchema = Type.Object({
  signature: signatureSchema,
  title: Type.String(),
  count: Type.Integer({ description: 'In the last 30 days' }),
  first_on: daySchema,
  last_on: daySchema,
  applications: Type.Array(Type.String()),
})

const list = defineCommand({
  name: 'crash.list',
  summary: `List kinds of crashes of the last 30 days, the most frequent first, ${String(LIMIT_MAX)} at most`,
  method: 'GET',
  path: '/v1/crash-reports',
  access: 'crashes:read',
  status: 200,
  response: Type.Object({ items: Type.Array(groupSchema) }),
  async handle({ crashes }) {
    const groups = await crashes.groups(LIMIT_MAX)
    return {
      items: groups.map(({ firstOn, lastOn, applications, ...group }) => ({
        ...group,
        first_on: firstOn,
        last_on: lastOn,
        applications: [...applications],
      })),
    }
  },
  lines: [
    {
      noun: 'crash',
      verb: 'list',
      print: ({ items }) => items.map(print).join('\n') || 'No crashes are known',
    },
  ],
})

function print({ signature, title, count, last_on: last }: Static<typeof groupSchema>): string {
  return `${signature}  ${String(count).padStart(6)}  last ${last}  ${title}`
}

const show = defineCommand({
  name: 'crash.show',
  summary: 'Show some reports of a kind of crash, the newest first',
  method: 'GET',
  path: '/v1/crash-reports/:signature',
  access: 'crashes:read',
  params: Type.Object({ signature: signatureSchema }),
  status: 200,
  response: Type.Object({
    items: Type.Array(
      Type.Object({
        day: daySchema,
        application: Type.String(),
        version: Type.String(),
        platform: Type.String(),
        trace: Type.String(),
      }),
    ),
  }),
  handle: async ({ crashes }, { params }) => ({ items: [...(await crashes.traces(params.signature))] }),
  lines: [
    {
      noun: 'crash',
      verb: 'show',
      print: ({ items }) =>
        items
          .map(
            ({ day, application, version, platform, trace }) =>
              `${day}  ${application} ${version} on ${platform}\n${trace}`,
          )
          .join('\n\n') || 'No such kind of crash is known',
    },
  ],
})

export const crashCommands: readonly Command[] = [send, list, show]
