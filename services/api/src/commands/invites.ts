/** Using one-time invites. Those of accounts are made by the commands about accounts, those of administrators by the commands about these. */
import { SCRAM_KEY_BYTES } from '@sealpost/accounts'
import { HttpProblem, Type, type Static } from '@sealpost/http'
import type { ScramVerifier } from '@sealpost/sasl'
import { labelSchema } from './api-keys.ts'
import { scopesOfRole } from '../access/roles.ts'
import { accountSchema, passwordSchema, showAccount } from './account-schema.ts'
import { defineCommand, type CommandContext } from './command.ts'

export const INVITE_GONE = () =>
  new HttpProblem(404, 'invite-gone', 'The invite is unknown, expired, or has been used')

const binary = Type.String({ maxLength: 64, pattern: '^[A-Za-z0-9+/]+={0,2}$', description: 'base64' })

/** SCRAM verifiers made by the client, which then keeps its password to itself. */
const verifierSchema = Type.Object(
  {
    hash: Type.Union(
      Object.keys(SCRAM_KEY_BYTES).map((hash) => Type.Literal(hash as keyof typeof SCRAM_KEY_BYTES)),
    ),
    salt: binary,
    iterations: Type.Integer({ minimum: 1 }),
    stored_key: binary,
    server_key: binary,
  },
  { additionalProperties: false, description: 'SCRAM verifier (RFC 5802 §3)' },
)

function readVerifier(verifier: Static<typeof verifierSchema>): ScramVerifier {
  return {
    hash: verifier.hash,
    salt: Buffer.from(verifier.salt, 'base64'),
    iterations: verifier.iterations,
    storedKey: Buffer.from(verifier.stored_key, 'base64'),
    serverKey: Buffer.from(verifier.server_key, 'base64'),
  }
}

/** A password, or what a client made of one that it keeps to itself. */
export const chosenFields = {
  password: Type.Optional(passwordSchema),
  verifiers: Type.Optional(
    Type.Array(verifierSchema, {
      maxItems: 2,
      description: 'Instead of a password: for SHA-256 and SHA-1, 10,000 iterations, 16 bytes of salt',
    }),
  ),
} as const
const chosenSchema = Type.Object(chosenFields)

/** Throws 422 `password-missing`, PASSWORD_UNACCEPTABLE. */
export async function chosenVerifiers(
  context: Pick<CommandContext, 'deriveVerifiers'>,
  { password, verifiers }: Static<typeof chosenSchema>,
): Promise<ScramVerifier[]> {
  if (verifiers !== undefined) return verifiers.map(readVerifier)
  if (password !== undefined) return context.deriveVerifiers(password)
  throw new HttpProblem(422, 'password-missing', 'A password or verifiers are needed')
}

const redeemBody = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: 128 }),
    ...chosenFields,
    label: Type.Optional(labelSchema),
  },
  { additionalProperties: false },
)

const redeemedSchema = Type.Object({
  account: Type.Optional(accountSchema),
  api_key: Type.Optional(
    Type.Object({ id: Type.String(), scopes: Type.Array(Type.String()), token: Type.String() }),
  ),
})

export const redeemInvite = defineCommand({
  name: 'invite.redeem',
  summary:
    'Use an invite: choose the password of an account, or get a key with the rights of an administrator',
  method: 'POST',
  path: '/v1/invites/redeem',
  access: 'anyone',
  body: redeemBody,
  status: 200,
  response: redeemedSchema,
  requestsPerMinute: 30,
  async handle(context, { body }) {
    const invite = await context.accounts.invites.show(body.token)
    if (invite === undefined) throw INVITE_GONE()
    if (invite.purpose === 'admin')
      return { api_key: await becomeAdministrator(context, body.token, body.label) }
    const verifiers = await chosenVerifiers(context, body)
    const account = await context.joining.redeemPassword(body.token, verifiers)
    if (account === undefined) throw INVITE_GONE()
    return { account: showAccount(account) }
  },
  lines: [
    {
      noun: 'invite',
      verb: 'redeem',
      positional: ['token'],
      fromStdin: 'password',
      print: ({ account, api_key: key }) =>
        key === undefined
          ? `The password of ${account?.jid ?? 'the account'} is set`
          : `Your key, shown only now:\n${key.token}`,
    },
  ],
})

async function becomeAdministrator({ accounts }: CommandContext, token: string, label = 'administrator') {
  const redeemed = await accounts.invites.redeemAdmin(token, label, scopesOfRole)
  if (redeemed === undefined) throw INVITE_GONE()
  return { id: redeemed.key.id, scopes: [...redeemed.key.scopes], token: redeemed.token }
}
