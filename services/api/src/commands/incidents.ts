/** Commands about incidents: what is said of them is said to everybody. */
import { Type } from '@sealpost/http'
import { cutPage } from '../cut-page.ts'
import { formatPlace, parsePlace } from '../day.ts'
import { type Command, defineCommand } from './command.ts'
import {
  componentsSchema,
  idParams,
  incidentSchema,
  instantSchema,
  printIncident,
  severitySchema,
  showIncident,
  textSchema,
  titleSchema,
} from './status-schema.ts'
import { LIMIT_DEFAULT, nextSchema, withNext } from './paging.ts'
import { pageQuery } from './rights-schema.ts'
import { showTime } from '../show-rights.ts'

const list = defineCommand({
  name: 'incident.list',
  summary: 'List incidents, the newest first',
  method: 'GET',
  path: '/v1/incidents',
  access: 'status:read',
  query: Type.Object(pageQuery, { additionalProperties: false }),
  status: 200,
  response: Type.Object({
    items: Type.Array(incidentSchema),
    next: nextSchema,
  }),
  async handle({ status }, { query }) {
    const { limit = LIMIT_DEFAULT } = query
    const place = parsePlace(query.cursor)
    const before = place && { at: Date.parse(place.at), id: place.id }
    const found = await status.incidents.list({ before, limit: limit + 1 })
    const { items, next } = cutPage(found, limit, ({ beganAt, id }) =>
      formatPlace({ at: showTime(beganAt), id }),
    )
    return withNext(items.map(showIncident), next)
  },
  lines: [
    {
      noun: 'incident',
      verb: 'list',
      print: ({ items }) => items.map(printIncident).join('\n') || 'No incidents',
    },
  ],
})

const open = defineCommand({
  name: 'incident.open',
  summary: 'Tell everybody of an incident',
  method: 'POST',
  path: '/v1/incidents',
  access: 'status:write',
  records: ['components', 'severity', 'began_at'],
  body: Type.Object(
    {
      components: componentsSchema,
      severity: severitySchema,
      title: titleSchema,
      text: Type.Optional(textSchema),
      began_at: Type.Optional(Type.String({ ...instantSchema, description: 'Now unless given' })),
    },
    { additionalProperties: false },
  ),
  status: 201,
  response: incidentSchema,
  async handle({ status }, { body }) {
    const { components, severity, title, text, began_at: began } = body
    const beganAt = began === undefined ? undefined : Date.parse(began)
    return showIncident(await status.incidents.open({ components, severity, title, text, beganAt }))
  },
  lines: [{ noun: 'incident', verb: 'open', print: printIncident }],
})

const update = defineCommand({
  name: 'incident.update',
  summary: 'Tell everybody how an open incident goes on',
  method: 'POST',
  path: '/v1/incidents/:id/updates',
  access: 'status:write',
  records: ['severity'],
  params: idParams,
  body: Type.Object(
    { text: textSchema, severity: Type.Optional(severitySchema) },
    { additionalProperties: false },
  ),
  status: 200,
  response: incidentSchema,
  handle: async ({ status }, { params, body }) =>
    showIncident(await status.incidents.update(params.id.toLowerCase(), body.text, body.severity)),
  lines: [{ noun: 'incident', verb: 'update', print: printIncident }],
})

const close = defineCommand({
  name: 'incident.close',
  summary: 'Tell everybody that an incident is over; its report is due within fifteen days',
  method: 'POST',
  path: '/v1/incidents/:id/close',
  access: 'status:write',
  records: ['ended_at'],
  params: idParams,
  body: Type.Object(
    {
      text: Type.Optional(textSchema),
      ended_at: Type.Optional(Type.String({ ...instantSchema, description: 'Now unless given' })),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: incidentSchema,
  async handle({ status }, { params, body }) {
    const endedAt = body.ended_at === undefined ? undefined : Date.parse(body.ended_at)
    return showIncident(await status.incidents.close(params.id.toLowerCase(), body.text, endedAt))
  },
  lines: [{ noun: 'incident', verb: 'close', print: printIncident }],
})

const report = defineCommand({
  name: 'incident.report',
  summary: 'Publish the report of an incident that is over, or replace it',
  method: 'PUT',
  path: '/v1/incidents/:id/report',
  access: 'status:write',
  params: idParams,
  body: Type.Object(
    { text: Type.String({ minLength: 1, maxLength: 20_000 }) },
    { additionalProperties: false },
  ),
  status: 200,
  response: incidentSchema,
  handle: async ({ status }, { params, body }) =>
    showIncident(await status.incidents.report(params.id.toLowerCase(), body.text)),
  lines: [{ noun: 'incident', verb: 'report', fromStdin: 'text', print: printIncident }],
})

export const incidentCommands: readonly Command[] = [list, open, update, close, report]
