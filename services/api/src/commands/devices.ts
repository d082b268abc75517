/** Commands about the devices of an account, and how much waits for them. The relay knows both; never what waits, or from whom. */
import { assert } from '@sealpost/errors'
import { HttpProblem, Type, type Static } from '@sealpost/http'
import type { RelayDevice, RelayQueue } from '@sealpost/ports'
import { reachableAccount } from '../access/reach.ts'
import { addressParams, addressSchema, parseAddress } from './account-schema.ts'
import { defineCommand, type Actor, type CommandContext } from './command.ts'

const daySchema = Type.String({ format: 'date', description: 'A day in UTC' })
const deviceId = Type.String({ format: 'uuid' })

const deviceSchema = Type.Object({
  id: deviceId,
  created_on: daySchema,
  last_seen_on: daySchema,
  state: Type.Union([Type.Literal('registered'), Type.Literal('seen-once')], {
    description: 'A registered device has a queue of its own; others share that of the account',
  }),
  waiting: Type.Integer({ description: 'Messages in its own queue' }),
  overrun: Type.Boolean({
    description:
      'Messages were left out of its queue because it was full; the device is told when it returns',
  }),
})

const devicesSchema = Type.Object({ items: Type.Array(deviceSchema) })
const revokedSchema = Type.Object({ id: deviceId })

const queueSchema = Type.Object({
  device: Type.Optional(
    Type.String({ format: 'uuid', description: 'Absent: the queue that the account’s other devices share' }),
  ),
  messages: Type.Integer(),
  bytes: Type.Integer({ description: 'On disk, padding included' }),
  oldest_seconds: Type.Optional(Type.Integer({ description: 'How long the oldest has waited' })),
})

function showDevice(device: RelayDevice): Static<typeof deviceSchema> {
  return {
    id: device.id,
    created_on: device.createdOn,
    last_seen_on: device.lastSeenOn,
    state: device.registered ? 'registered' : 'seen-once',
    waiting: device.waiting,
    overrun: device.overrun,
  }
}

function showQueue({
  deviceId: device,
  messages,
  bytes,
  oldestAgeSeconds,
}: RelayQueue): Static<typeof queueSchema> {
  return {
    ...(device === undefined ? {} : { device }),
    messages,
    bytes,
    ...(oldestAgeSeconds === undefined ? {} : { oldest_seconds: oldestAgeSeconds }),
  }
}

function printDevice(device: Static<typeof deviceSchema>): string {
  const seen = `known since ${device.created_on}  last seen ${device.last_seen_on}`
  const overrun = device.overrun ? '  overrun' : ''
  return `${device.id}  ${device.state}  ${seen}  ${String(device.waiting)} waiting${overrun}`
}

function printQueue({ device, messages, bytes, oldest_seconds: oldest }: Static<typeof queueSchema>): string {
  const age = oldest === undefined ? '' : `  oldest ${String(oldest)} s`
  return `${device ?? 'shared'.padEnd(36)}  ${String(messages)} messages  ${String(bytes)} bytes${age}`
}

async function accountId(context: CommandContext, actor: Actor, address: string): Promise<string> {
  return (await reachableAccount(context, actor, parseAddress(address))).id
}

function ownId(actor: Actor): string {
  assert(actor.kind === 'account')
  return actor.account.id
}

async function list({ relay }: CommandContext, id: string): Promise<Static<typeof devicesSchema>> {
  return { items: (await relay.devices(id)).map(showDevice) }
}

async function revoke({ relay }: CommandContext, id: string, device: string) {
  if (!(await relay.revokeDevice(id, device)))
    throw new HttpProblem(404, 'device-unknown', 'The account has no such device')
  return { id: device }
}

export const listDevices = defineCommand({
  name: 'device.list',
  summary: 'List the devices of an account',
  method: 'GET',
  path: '/v1/accounts/:jid/devices',
  access: 'devices:read',
  reach: 'organisation',
  params: addressParams,
  status: 200,
  response: devicesSchema,
  handle: async (context, { actor, params }) => list(context, await accountId(context, actor, params.jid)),
  lines: [
    {
      noun: 'device',
      verb: 'list',
      print: ({ items }) => (items.length === 0 ? 'No devices' : items.map(printDevice).join('\n')),
    },
  ],
})

export const revokeDevice = defineCommand({
  name: 'device.revoke',
  summary: 'Revoke a device: its sessions end, what waits for it is destroyed, it is forgotten',
  method: 'DELETE',
  path: '/v1/accounts/:jid/devices/:device',
  access: 'devices:write',
  reach: 'organisation',
  params: Type.Object({ jid: addressSchema, device: deviceId }),
  status: 200,
  response: revokedSchema,
  handle: async (context, { actor, params }) =>
    revoke(context, await accountId(context, actor, params.jid), params.device.toLowerCase()),
  lines: [{ noun: 'device', verb: 'revoke', print: ({ id }) => `${id} revoked` }],
})

export const showQueues = defineCommand({
  name: 'queue.show',
  summary: 'Show how much waits for an account, and for how long: never what',
  method: 'GET',
  path: '/v1/accounts/:jid/queue',
  access: 'devices:read',
  reach: 'organisation',
  params: addressParams,
  status: 200,
  response: Type.Object({ items: Type.Array(queueSchema) }),
  async handle(context, { actor, params }) {
    const queues = await context.relay.queues(await accountId(context, actor, params.jid))
    return { items: queues.map(showQueue) }
  },
  lines: [{ noun: 'queue', verb: 'show', print: ({ items }) => items.map(printQueue).join('\n') }],
})

export const listOwnDevices = defineCommand({
  name: 'me.devices',
  summary: 'List your own devices',
  method: 'GET',
  path: '/v1/me/devices',
  access: 'account',
  status: 200,
  response: devicesSchema,
  handle: (context, { actor }) => list(context, ownId(actor)),
})

export const revokeOwnDevice = defineCommand({
  name: 'me.revoke-device',
  summary:
    'Revoke one of your own devices: its sessions end, what waits for it is destroyed, it is forgotten',
  method: 'DELETE',
  path: '/v1/me/devices/:device',
  access: 'account',
  params: Type.Object({ device: deviceId }),
  status: 200,
  response: revokedSchema,
  handle: (context, { actor, params }) => revoke(context, ownId(actor), params.device.toLowerCase()),
})
