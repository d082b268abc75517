/** Commands about the desk: mail to postmaster@ and abuse@ that no account takes. It is written to whoever runs the server, and theirs to read. */
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { DESK_LIST_MAX, type DeskMail, FEEDBACK_TYPES } from '@sealpost/ports'
import { defineCommand } from './command.ts'

const mailFields = {
  id: Type.String({ format: 'uuid' }),
  received_at: Type.String({ format: 'date-time' }),
  bytes: Type.Integer({ description: 'Of header and body' }),
  feedback: Type.Optional(
    Type.String({
      description: `What a report by RFC 5965 is about: ${FEEDBACK_TYPES.join(', ')}; absent: it is no such report`,
    }),
  ),
  from: Type.String({ description: 'As it stands in the header, the beginning' }),
  subject: Type.String({ description: 'Likewise' }),
}
const listSchema = Type.Object({ items: Type.Array(Type.Object(mailFields)) })
const textSchema = Type.Object({
  ...mailFields,
  text: Type.String({ description: 'Header and body as they came, a piece of them' }),
  next: Type.Optional(
    Type.Integer({ description: 'Where the next piece begins; absent: this was the last' }),
  ),
})
const named = Type.Object({ id: mailFields.id })

const unknown = () => new HttpProblem(404, 'mail-unknown', 'No such mail waits at the desk')

function show({ acceptedAt, feedback, ...mail }: DeskMail) {
  const { id, bytes, from, subject } = mail
  return {
    id,
    received_at: new Date(acceptedAt).toISOString(),
    bytes,
    ...(feedback === undefined ? {} : { feedback }),
    from,
    subject,
  }
}

function printList({ items }: Static<typeof listSchema>): string {
  const lines = items.map(
    ({ id, received_at: at, bytes, feedback, from, subject }) =>
      `${id}  ${at}  ${String(bytes)} bytes${feedback === undefined ? '' : `  report: ${feedback}`}\n    ${plain(from)}\n    ${plain(subject)}`,
  )
  return lines.length === 0 ? 'Nothing waits at the desk' : lines.join('\n')
}

function printText({ text, next, bytes }: Static<typeof textSchema>): string {
  const more =
    next === undefined ? '' : `\n(${String(next)} of ${String(bytes)} bytes; --from ${String(next)} goes on)`
  return `${plain(text)}${more}`
}

/** What strangers write must not steer the terminal. */
function plain(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(/[^\P{C}\n\t]/gu, '\uFFFD')
}

export const listDesk = defineCommand({
  name: 'mail.desk-list',
  summary: `List the mails to postmaster and abuse that wait at the desk, oldest first, ${String(DESK_LIST_MAX)} at most`,
  method: 'GET',
  path: '/v1/mail-desk',
  access: 'desk:read',
  query: Type.Object(
    {
      after: Type.Optional(Type.String({ format: 'uuid', description: 'The last mail of the page before' })),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: listSchema,
  handle: async ({ desk }, { query }) => ({ items: (await desk.list(query.after?.toLowerCase())).map(show) }),
  lines: [{ noun: 'mail', verb: 'desk list', print: printList }],
})

export const showDeskMail = defineCommand({
  name: 'mail.desk-show',
  summary: 'Show a mail at the desk: its whole header and its content, a piece at a time',
  method: 'GET',
  path: '/v1/mail-desk/:id',
  access: 'desk:read',
  params: named,
  query: Type.Object(
    { from: Type.Optional(Type.Integer({ minimum: 0, default: 0, description: 'In bytes' })) },
    { additionalProperties: false },
  ),
  status: 200,
  response: textSchema,
  async handle({ desk }, { params, query }) {
    const found = await desk.read(params.id.toLowerCase(), query.from ?? 0)
    if (found === undefined) throw unknown()
    const { text, next } = found
    return { ...show(found), text, ...(next === undefined ? {} : { next }) }
  },
  lines: [{ noun: 'mail', verb: 'desk show', print: printText }],
})

export const finishDeskMail = defineCommand({
  name: 'mail.desk-done',
  summary: 'Destroy a mail at the desk that was dealt with',
  method: 'DELETE',
  path: '/v1/mail-desk/:id',
  access: 'desk:write',
  params: named,
  status: 200,
  response: named,
  async handle({ desk }, { params }) {
    const id = params.id.toLowerCase()
    if (!(await desk.done(id))) throw unknown()
    return { id }
  },
  lines: [{ noun: 'mail', verb: 'desk done', print: ({ id }) => `${id} destroyed` }],
})
