/** Commands about maintenance that is announced two days before. */
import { Type } from '@sealpost/http'
import { type Command, defineCommand } from './command.ts'
import {
  componentsSchema,
  idParams,
  instantSchema,
  maintenanceSchema,
  printMaintenance,
  showMaintenance,
  titleSchema,
} from './status-schema.ts'

const list = defineCommand({
  name: 'maintenance.list',
  summary: 'List maintenance that is under way or announced, the next first',
  method: 'GET',
  path: '/v1/maintenance',
  access: 'status:read',
  status: 200,
  response: Type.Object({ items: Type.Array(maintenanceSchema) }),
  handle: async ({ status }) => ({ items: (await status.maintenance.ahead()).map(showMaintenance) }),
  lines: [
    {
      noun: 'maintenance',
      verb: 'list',
      print: ({ items }) => items.map(printMaintenance).join('\n') || 'Nothing is announced',
    },
  ],
})

const plan = defineCommand({
  name: 'maintenance.plan',
  summary: 'Announce maintenance, two days before it begins at least; what it interrupts does not count',
  method: 'POST',
  path: '/v1/maintenance',
  access: 'status:write',
  records: ['components', 'begins_at', 'ends_at'],
  body: Type.Object(
    { components: componentsSchema, begins_at: instantSchema, ends_at: instantSchema, summary: titleSchema },
    { additionalProperties: false },
  ),
  status: 201,
  response: maintenanceSchema,
  async handle({ status }, { body }) {
    const { components, summary, begins_at: begins, ends_at: ends } = body
    const planned = { components, summary, beginsAt: Date.parse(begins), endsAt: Date.parse(ends) }
    return showMaintenance(await status.maintenance.plan(planned))
  },
  lines: [{ noun: 'maintenance', verb: 'plan', print: printMaintenance }],
})

const cancel = defineCommand({
  name: 'maintenance.cancel',
  summary: 'Call maintenance off, or end it now if it is under way',
  method: 'POST',
  path: '/v1/maintenance/:id/cancel',
  access: 'status:write',
  params: idParams,
  status: 200,
  response: maintenanceSchema,
  handle: async ({ status }, { params }) =>
    showMaintenance(await status.maintenance.cancel(params.id.toLowerCase())),
  lines: [{ noun: 'maintenance', verb: 'cancel', print: printMaintenance }],
})

export const maintenanceCommands: readonly Command[] = [list, plan, cancel]
