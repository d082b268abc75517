/** Commands about signing in to the panel: with a passkey, or with a name and a one-time password or recovery code. */
import { assert } from '@sealpost/errors'
import { Type } from '@sealpost/http'
import type { SignedIn } from '../access/administrator-sign-in.ts'
import { scopesOfRole } from '../access/roles.ts'
import { codeSchema, nameSchema, sessionSchema, showSession } from './administrator-schema.ts'
import {
  defineCommand,
  type Actor,
  type Administrator,
  type Browser,
  type Command,
  type CommandContext,
} from './command.ts'
import { requestSchema, signedSchema } from './passkey-schema.ts'

const ATTEMPTS_PER_MINUTE = 30

/** Who is signed in; commands with the access `administrator` have no other actor. */
export function signedIn(actor: Actor): Administrator {
  assert(actor.kind === 'administrator')
  return actor
}

/** Throws unless a session may begin here: before anything is used up. */
export function checkMayStart(browser: Browser | undefined): Browser {
  assert(browser !== undefined)
  browser.checkMayStart()
  return browser
}

/** Sets the cookie, and notes that they are here: nobody had signed in yet when the command began. */
export async function startSession(
  context: CommandContext,
  browser: Browser,
  { administrator, method, token }: SignedIn,
) {
  const { access, audit } = context
  const { id, organisationId, role } = administrator
  await audit.note({
    actor: { kind: 'administrator', id, organisationId },
    action: 'session.start',
    details: { method },
  })
  const session = await access.sessions.find(token)
  const csrf = browser.start(token)
  return showSession(
    context,
    { ...administrator, scopes: scopesOfRole(role), provedUntil: session?.provedUntil },
    csrf,
  )
}

const begin = {
  method: 'POST',
  access: 'anyone',
  status: 200,
  requestsPerMinute: ATTEMPTS_PER_MINUTE,
} as const

const requestPasskey = defineCommand({
  ...begin,
  name: 'session.passkey.options',
  summary: 'Ask for a challenge to sign in with a passkey',
  path: '/v1/session/passkey/options',
  response: requestSchema,
  handle: ({ access }) => access.signIn.request(),
})

const startWithPasskey = defineCommand({
  ...begin,
  name: 'session.passkey',
  summary: 'Sign in with a passkey',
  path: '/v1/session/passkey',
  body: Type.Object({ credential: signedSchema }, { additionalProperties: false }),
  response: sessionSchema,
  async handle(context, { body, ...request }) {
    const browser = checkMayStart(request.browser)
    return startSession(context, browser, await context.access.signIn.withPasskey(body.credential))
  },
})

const startWithTotp = defineCommand({
  ...begin,
  name: 'session.totp',
  summary: 'Sign in with a one-time password',
  path: '/v1/session/totp',
  body: Type.Object({ name: nameSchema, code: codeSchema }, { additionalProperties: false }),
  response: sessionSchema,
  async handle(context, { body, ...request }) {
    const browser = checkMayStart(request.browser)
    return startSession(
      context,
      browser,
      await context.access.signIn.withTotp(body.name, body.code, browser.client),
    )
  },
})

const startWithRecoveryCode = defineCommand({
  ...begin,
  name: 'session.recovery',
  summary: 'Sign in with a recovery code, which is used up',
  path: '/v1/session/recovery',
  body: Type.Object(
    { name: nameSchema, code: Type.String({ minLength: 1, maxLength: 64 }) },
    { additionalProperties: false },
  ),
  response: sessionSchema,
  async handle(context, { body, ...request }) {
    const browser = checkMayStart(request.browser)
    const { signIn } = context.access
    return startSession(context, browser, await signIn.withRecoveryCode(body.name, body.code, browser.client))
  },
})

const showOwnSession = defineCommand({
  name: 'session.show',
  summary: 'Show who is signed in, and what they may',
  method: 'GET',
  path: '/v1/session',
  access: 'administrator',
  reach: 'organisation',
  status: 200,
  response: sessionSchema,
  async handle(context, { actor, browser }) {
    return showSession(context, signedIn(actor), browser?.csrf ?? '')
  },
})

const endOwnSession = defineCommand({
  name: 'session.end',
  summary: 'Sign out',
  method: 'DELETE',
  path: '/v1/session',
  access: 'administrator',
  reach: 'organisation',
  status: 200,
  response: Type.Object({}),
  async handle({ access }, { actor, browser }) {
    const { id, sessionId } = signedIn(actor)
    await access.sessions.end(id, sessionId)
    browser?.end()
    return {}
  },
})

const requestProof = defineCommand({
  name: 'session.proof.options',
  summary: 'Ask for a challenge to prove yourself anew with a passkey',
  method: 'POST',
  path: '/v1/session/proof/options',
  access: 'administrator',
  unrecorded: true,
  reach: 'organisation',
  status: 200,
  response: requestSchema,
  requestsPerMinute: ATTEMPTS_PER_MINUTE,
  handle: ({ access }, { actor }) => access.signIn.requestProof(signedIn(actor).id),
})

const prove = defineCommand({
  name: 'session.proof',
  summary:
    'Prove yourself anew with a passkey or a one-time password; destructive commands are allowed for five minutes',
  method: 'POST',
  path: '/v1/session/proof',
  access: 'administrator',
  reach: 'organisation',
  body: Type.Object(
    { credential: Type.Optional(signedSchema), code: Type.Optional(codeSchema) },
    { additionalProperties: false, minProperties: 1, maxProperties: 1 },
  ),
  status: 200,
  response: Type.Object({ proved_until: Type.String({ format: 'date-time' }) }),
  requestsPerMinute: ATTEMPTS_PER_MINUTE,
  async handle({ access }, { actor, body, browser }) {
    const until = await access.signIn.prove(signedIn(actor), body, browser?.client ?? '')
    return { proved_until: new Date(until).toISOString() }
  },
})

export const sessionCommands: readonly Command[] = [
  requestPasskey,
  startWithPasskey,
  startWithTotp,
  startWithRecoveryCode,
  showOwnSession,
  endOwnSession,
  requestProof,
  prove,
]
