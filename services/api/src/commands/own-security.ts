/** Commands of administrators about their own proofs and sessions. Whatever lets somebody in, or keeps them out, needs a fresh proof. */
import { Type, type Static } from '@sealpost/http'
import type { PasskeyRow, SessionRow } from '../access/store.ts'
import {
  codeSchema,
  idParams,
  nameSchema,
  passkeyNameSchema,
  recoveryCodesSchema,
  setupSchema,
  ticketSchema,
} from './administrator-schema.ts'
import { defineCommand, type Command } from './command.ts'
import { creationSchema, madeSchema } from './passkey-schema.ts'
import { signedIn } from './session.ts'

const daySchema = Type.String({ format: 'date' })
const timeSchema = Type.String({ format: 'date-time' })

const passkeySchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  created_on: daySchema,
  last_used_on: Type.Optional(daySchema),
})

function showPasskey({ id, name, createdOn, lastUsedOn }: PasskeyRow): Static<typeof passkeySchema> {
  return {
    id,
    name,
    created_on: createdOn,
    ...(lastUsedOn === undefined ? {} : { last_used_on: lastUsedOn }),
  }
}

const sessionSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  method: Type.String({ description: 'How it began: passkey, totp, recovery or enrolment' }),
  started_at: timeSchema,
  seen_at: timeSchema,
  current: Type.Boolean({ description: 'Whether it is the one that asks' }),
})

function showSession(
  { id, method, startedAt, seenAt }: SessionRow,
  current: string,
): Static<typeof sessionSchema> {
  const times = { started_at: new Date(startedAt).toISOString(), seen_at: new Date(seenAt).toISOString() }
  return { id, method, ...times, current: id === current }
}

/** About oneself, whatever one administers. */
const own = { access: 'administrator', reach: 'organisation', status: 200 } as const

const doneSchema = Type.Object({})

const showSecurity = defineCommand({
  ...own,
  name: 'security.show',
  summary: 'Show your own passkeys, one-time passwords, recovery codes left and sessions',
  method: 'GET',
  path: '/v1/me/security',
  response: Type.Object({
    passkeys: Type.Array(passkeySchema),
    totp: Type.Object({ enabled: Type.Boolean(), created_on: Type.Optional(daySchema) }),
    recovery_codes_left: Type.Integer(),
    sessions: Type.Array(sessionSchema),
  }),
  async handle({ access }, { actor }) {
    const { id, sessionId } = signedIn(actor)
    const { passkeys, totp, codesLeft } = await access.ownSecurity.show(id)
    const sessions = await access.sessions.list(id)
    return {
      passkeys: passkeys.map(showPasskey),
      totp: { enabled: totp !== undefined, ...(totp === undefined ? {} : { created_on: totp.createdOn }) },
      recovery_codes_left: codesLeft,
      sessions: sessions.map((session) => showSession(session, sessionId)),
    }
  },
})

const renameSelf = defineCommand({
  ...own,
  name: 'security.rename',
  summary: 'Choose another name for yourself',
  method: 'PATCH',
  path: '/v1/me/security',
  proof: true,
  body: Type.Object({ name: nameSchema }, { additionalProperties: false }),
  response: doneSchema,
  async handle({ access }, { actor, body }) {
    await access.administrators.rename(signedIn(actor).id, body.name)
    return {}
  },
})

const beginPasskey = defineCommand({
  ...own,
  name: 'security.passkey.options',
  summary: 'Add a passkey, first step: what the browser makes it of',
  method: 'POST',
  path: '/v1/me/security/passkeys/options',
  proof: true,
  unrecorded: true,
  response: creationSchema,
  handle: ({ access }, { actor }) => access.ownSecurity.beginPasskey(signedIn(actor)),
})

const addPasskey = defineCommand({
  ...own,
  name: 'security.passkey.add',
  summary: 'Add a passkey, second step',
  method: 'POST',
  path: '/v1/me/security/passkeys',
  proof: true,
  body: Type.Object({ name: passkeyNameSchema, credential: madeSchema }, { additionalProperties: false }),
  status: 201,
  response: passkeySchema,
  async handle({ access }, { actor, body }) {
    return showPasskey(await access.ownSecurity.addPasskey(signedIn(actor), body.name, body.credential))
  },
})

const renamePasskey = defineCommand({
  ...own,
  name: 'security.passkey.rename',
  summary: 'Rename one of your own passkeys',
  method: 'PATCH',
  path: '/v1/me/security/passkeys/:id',
  params: idParams,
  body: Type.Object({ name: passkeyNameSchema }, { additionalProperties: false }),
  response: idParams,
  async handle({ access }, { actor, params, body }) {
    await access.ownSecurity.renamePasskey(signedIn(actor), params.id, body.name)
    return params
  },
})

const removePasskey = defineCommand({
  ...own,
  name: 'security.passkey.remove',
  summary: 'Remove one of your own passkeys, unless it is the last proof you have',
  method: 'DELETE',
  path: '/v1/me/security/passkeys/:id',
  proof: true,
  params: idParams,
  response: idParams,
  async handle({ access }, { actor, params }) {
    await access.ownSecurity.removePasskey(signedIn(actor), params.id)
    return params
  },
})

const beginTotp = defineCommand({
  ...own,
  name: 'security.totp.options',
  summary: 'Set up one-time passwords, first step: a secret for an authenticator app',
  method: 'POST',
  path: '/v1/me/security/totp/options',
  proof: true,
  unrecorded: true,
  response: setupSchema,
  handle: async ({ access }, { actor }) => access.ownSecurity.beginTotp(signedIn(actor)),
})

const setTotp = defineCommand({
  ...own,
  name: 'security.totp.set',
  summary: 'Set up one-time passwords, second step: with the first code; those before work no more',
  method: 'POST',
  path: '/v1/me/security/totp',
  proof: true,
  body: Type.Object({ ticket: ticketSchema, code: codeSchema }, { additionalProperties: false }),
  response: doneSchema,
  async handle({ access }, { actor, body }) {
    await access.ownSecurity.setTotp(signedIn(actor), body)
    return {}
  },
})

const removeTotp = defineCommand({
  ...own,
  name: 'security.totp.remove',
  summary: 'Turn one-time passwords off, unless they are the last proof you have',
  method: 'DELETE',
  path: '/v1/me/security/totp',
  proof: true,
  response: doneSchema,
  async handle({ access }, { actor }) {
    await access.ownSecurity.removeTotp(signedIn(actor))
    return {}
  },
})

const renewCodes = defineCommand({
  ...own,
  name: 'security.codes.renew',
  summary: 'Get ten new recovery codes; the old work no more',
  method: 'POST',
  path: '/v1/me/security/recovery-codes',
  proof: true,
  response: Type.Object({ recovery_codes: recoveryCodesSchema }),
  async handle({ access }, { actor }) {
    return { recovery_codes: await access.ownSecurity.renewCodes(signedIn(actor)) }
  },
})

const endSession = defineCommand({
  ...own,
  name: 'security.session.end',
  summary: 'End one of your own sessions',
  method: 'DELETE',
  path: '/v1/me/security/sessions/:id',
  params: idParams,
  response: idParams,
  async handle({ access }, { actor, params }) {
    await access.sessions.end(signedIn(actor).id, params.id)
    return params
  },
})

export const ownSecurityCommands: readonly Command[] = [
  showSecurity,
  renameSelf,
  beginPasskey,
  addPasskey,
  renamePasskey,
  removePasskey,
  beginTotp,
  setTotp,
  removeTotp,
  renewCodes,
  endSession,
]
