/** Commands for whoever has an invite to make an account. */
import { type Static, Type } from '@sealpost/http'
import { PortError } from '@sealpost/ports'
import { accountSchema, showAccount } from './account-schema.ts'
import { type CommandContext, defineCommand } from './command.ts'
import { newDeviceSchema, readNewDevice } from './devices.ts'
import { chosenFields, chosenVerifiers, INVITE_GONE } from './invites.ts'
import { nameSchema } from './joining-invites.ts'

const tokenSchema = Type.String({ minLength: 1, maxLength: 128 })

const showRegistration = defineCommand({
  name: 'registration.show',
  summary: 'Show what an invite offers; does not use it',
  method: 'GET',
  path: '/v1/registrations/:token',
  access: 'anyone',
  params: Type.Object({ token: tokenSchema }),
  status: 200,
  response: Type.Object({
    domain: Type.String({ description: 'Where the account will be' }),
    name: Type.Optional(Type.String({ description: 'The name that the account will have; absent: choose' })),
    expires_at: Type.String({ format: 'date-time' }),
  }),
  requestsPerMinute: 30,
  async handle({ accounts }, { params }) {
    const invite = await accounts.accountInvites.show(params.token)
    if (invite === undefined) throw INVITE_GONE()
    const { domain, localpart, expiresAt } = invite
    const until = new Date(expiresAt).toISOString()
    return { domain, ...(localpart === undefined ? {} : { name: localpart }), expires_at: until }
  },
})

const register = defineCommand({
  name: 'registration.create',
  summary: 'Make an account with an invite; without a name, one is made that means nothing',
  method: 'POST',
  path: '/v1/registrations',
  access: 'anyone',
  body: Type.Object(
    {
      token: tokenSchema,
      name: Type.Optional(nameSchema),
      ...chosenFields,
      device: Type.Optional(newDeviceSchema),
    },
    { additionalProperties: false },
  ),
  status: 201,
  response: Type.Object({
    ...accountSchema.properties,
    device: Type.Optional(
      Type.String({
        format: 'uuid',
        description: 'Absent: none was named, or the relay was away, and POST /v1/me/devices is still to do',
      }),
    ),
  }),
  requestsPerMinute: 30,
  async handle(context, { body }) {
    const { accountInvites } = context.accounts
    // Before a password is derived, which is work that strangers are not given.
    if ((await accountInvites.show(body.token)) === undefined) throw INVITE_GONE()
    const account = await accountInvites.register(body.token, body.name, await chosenVerifiers(context, body))
    if (account === undefined) throw INVITE_GONE()
    const device = body.device && (await bindDevice(context, account.id, body.device))
    return { ...showAccount(account), ...(device === undefined ? {} : { device }) }
  },
  lines: [
    {
      noun: 'invite',
      verb: 'register',
      positional: ['token'],
      fromStdin: 'password',
      print: ({ jid }) => `${jid} created`,
    },
  ],
})

/** The account is made, and the invite used: what fails now may be asked for again by itself. */
async function bindDevice(
  { relay }: Pick<CommandContext, 'relay'>,
  accountId: string,
  device: Static<typeof newDeviceSchema>,
): Promise<string | undefined> {
  try {
    return await relay.bindDevice(accountId, readNewDevice(device))
  } catch (error) {
    if (error instanceof PortError) return undefined
    throw error
  }
}

export const joiningRegistrations = [showRegistration, register] as const
