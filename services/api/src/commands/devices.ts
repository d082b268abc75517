/** Commands about the devices of an account, and how much waits for them. The relay knows both; never what waits, or from whom. */
import { HttpProblem, Type, type Static } from '@sealpost/http'
import {
  DEVICE_LABEL_CHARS_MAX,
  DEVICE_TYPE_CHARS_MAX,
  HARDWARE_ID_CHARS_MAX,
  type NewRelayDevice,
  type RelayDevice,
  type RelayQueue,
} from '@sealpost/ports'
import { reachableAccount } from '../access/reach.ts'
import { addressParams, addressSchema, parseAddress } from './account-schema.ts'
import { defineCommand, type Actor, type Command, type CommandContext } from './command.ts'
import { ownAccount } from './own-account.ts'

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
  typed: Type.Boolean({
    description: 'A keyed hash of its type is kept: a type that is named can be compared',
  }),
  bound: Type.Boolean({ description: 'A keyed hash of its hardware is kept: its tokens work on that alone' }),
})

const labelSchema = Type.String({
  minLength: 1,
  maxLength: DEVICE_LABEL_CHARS_MAX,
  pattern: String.raw`^[^\u0000-\u001f\u007f-\u009f]*$`,
  description: 'What you call it; nobody else sees that',
})
const typeSchema = Type.String({
  minLength: 1,
  maxLength: DEVICE_TYPE_CHARS_MAX,
  pattern: String.raw`\S`,
  description: 'Such as its model; kept as a keyed hash',
})
const ownDeviceSchema = Type.Object({ ...deviceSchema.properties, label: Type.Optional(labelSchema) })
const ownDevicesSchema = Type.Object({ items: Type.Array(ownDeviceSchema) })

/** What a client says of the device that it is on. */
export const newDeviceSchema = Type.Object(
  {
    installation: Type.String({
      format: 'uuid',
      description: 'The id of the client installation, as in <user-agent/> of XEP-0388',
    }),
    type: Type.Optional(typeSchema),
    hardware_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: HARDWARE_ID_CHARS_MAX,
        pattern: String.raw`\S`,
        description: 'What tells the hardware from any other; kept as a keyed hash',
      }),
    ),
    label: Type.Optional(labelSchema),
  },
  { additionalProperties: false },
)

export function readNewDevice(device: Static<typeof newDeviceSchema>): NewRelayDevice {
  const { installation, type, hardware_id: hardwareId, label } = device
  return { installation: installation.toLowerCase(), type, hardwareId, label }
}

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
    typed: device.typed,
    bound: device.bound,
  }
}

function showOwnDevice(device: RelayDevice): Static<typeof ownDeviceSchema> {
  return { ...showDevice(device), ...(device.label === undefined ? {} : { label: device.label }) }
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

const unknown = () => new HttpProblem(404, 'device-unknown', 'The account has no such device')

type Act = 'revokeDevice' | 'signOutDevice'

async function actOn({ relay }: CommandContext, act: Act, account: string, device: string) {
  const id = device.toLowerCase()
  if (!(await relay[act](account, id))) throw unknown()
  return { id }
}

interface OfAdministrators extends Pick<Command, 'summary' | 'method' | 'path'> {
  readonly verb: string
  readonly done: string
  readonly act: Act
}

/** What administrators do to one device of an account. */
function aboutOneDevice({ verb, done, act, ...rest }: OfAdministrators): Command {
  return defineCommand({
    ...rest,
    name: `device.${verb}`,
    access: 'devices:write',
    reach: 'organisation',
    params: Type.Object({ jid: addressSchema, device: deviceId }),
    status: 200,
    response: revokedSchema,
    handle: async (context, { actor, params: { jid, device } }) =>
      actOn(context, act, await accountId(context, actor, jid), device),
    lines: [{ noun: 'device', verb, print: ({ id }) => `${id} ${done}` }],
  })
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
  async handle(context, { actor, params }) {
    const devices = await context.relay.devices(await accountId(context, actor, params.jid))
    return { items: devices.map(showDevice) }
  },
  lines: [
    {
      noun: 'device',
      verb: 'list',
      print: ({ items }) => (items.length === 0 ? 'No devices' : items.map(printDevice).join('\n')),
    },
  ],
})

export const revokeDevice = aboutOneDevice({
  verb: 'revoke',
  summary: 'Revoke a device: its sessions end, what waits for it is destroyed, it is forgotten',
  method: 'DELETE',
  path: '/v1/accounts/:jid/devices/:device',
  act: 'revokeDevice',
  done: 'revoked',
})

const SIGN_OUT = 'its sessions end, and it needs the password to come back; what waits for it stays'

export const signOutDevice = aboutOneDevice({
  verb: 'sign-out',
  summary: `Sign a device out: ${SIGN_OUT}`,
  method: 'POST',
  path: '/v1/accounts/:jid/devices/:device/sign-out',
  act: 'signOutDevice',
  done: 'is signed out',
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
  byProgram: true,
  status: 200,
  response: ownDevicesSchema,
  handle: async ({ relay }, { actor }) => ({
    items: (await relay.devices(ownAccount(actor).id)).map(showOwnDevice),
  }),
})

export const bindOwnDevice = defineCommand({
  name: 'me.bind-device',
  summary: 'Bind a device to your account, or say anew what it is',
  method: 'POST',
  path: '/v1/me/devices',
  access: 'account',
  byProgram: true,
  body: newDeviceSchema,
  status: 201,
  response: revokedSchema,
  async handle({ relay }, { actor, body }) {
    const id = await relay.bindDevice(ownAccount(actor).id, readNewDevice(body))
    if (id === undefined) throw unknown()
    return { id }
  },
})

export const renameOwnDevice = defineCommand({
  name: 'me.rename-device',
  summary: 'Say what you call one of your devices; without a label, nothing',
  method: 'PATCH',
  path: '/v1/me/devices/:device',
  access: 'account',
  byProgram: true,
  params: Type.Object({ device: deviceId }),
  body: Type.Object({ label: Type.Optional(labelSchema) }, { additionalProperties: false }),
  status: 200,
  response: revokedSchema,
  async handle({ relay }, { actor, params, body }) {
    const id = params.device.toLowerCase()
    if (!(await relay.renameDevice(ownAccount(actor).id, id, body.label))) throw unknown()
    return { id }
  },
})

export const signOutOwnDevice = defineCommand({
  name: 'me.sign-out-device',
  summary: `Sign one of your devices out: ${SIGN_OUT}`,
  method: 'POST',
  path: '/v1/me/devices/:device/sign-out',
  access: 'account',
  params: Type.Object({ device: deviceId }),
  status: 200,
  response: revokedSchema,
  handle: (context, { actor, params }) =>
    actOn(context, 'signOutDevice', ownAccount(actor).id, params.device),
})

export const compareDeviceType = defineCommand({
  name: 'me.device-type',
  summary: 'Whether one of your devices is of a type: what an authority that names the type would be told',
  method: 'POST',
  path: '/v1/me/device-type',
  access: 'account',
  byProgram: true,
  body: Type.Object({ type: typeSchema }, { additionalProperties: false }),
  status: 200,
  response: Type.Object({ named: Type.String(), known: Type.Boolean() }),
  handle: async ({ relay }, { actor, body: { type } }) => ({
    named: type,
    known: await relay.hasDeviceType(ownAccount(actor).id, type),
  }),
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
  handle: (context, { actor, params }) => actOn(context, 'revokeDevice', ownAccount(actor).id, params.device),
})
