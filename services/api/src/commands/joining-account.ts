/** Commands of an account's owner about what they sign in with: sessions, the password, app passwords, signing everything out. */
import type { AppPassword } from '@sealpost/accounts'
import { assert } from '@sealpost/errors'
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { reachableAccount } from '../access/reach.ts'
import {
  accountSchema,
  addressParams,
  addressSchema,
  parseAddress,
  passwordSchema,
  showAccount,
} from './account-schema.ts'
import { defineCommand, type AccountOwner, type Actor } from './command.ts'
import { chosenFields, chosenVerifiers } from './invites.ts'
import { modulesOf, modulesSchema } from './modules.ts'

const reject = {
  noBrowser: () => new HttpProblem(403, 'tls-required', 'A session begins over HTTPS only'),
  wrong: () => new HttpProblem(401, 'sign-in-refused', 'Wrong name or password'),
  suspended: () => new HttpProblem(403, 'account-suspended', 'The account is suspended'),
  noSession: () => new HttpProblem(404, 'session-unknown', 'You have no such session'),
  unknown: () => new HttpProblem(404, 'app-password-unknown', 'You have no such app password'),
} as const

const ATTEMPTS_PER_MINUTE = 30

function owner(actor: Actor): AccountOwner {
  assert(actor.kind === 'account')
  return actor
}

const sessionSchema = Type.Object({
  account: accountSchema,
  modules: modulesSchema,
  csrf: Type.Optional(
    Type.String({ description: 'To be sent as X-CSRF-Token with each request that changes something' }),
  ),
})

const startSession = defineCommand({
  name: 'account-session.start',
  summary: 'Sign in to the page of your account',
  method: 'POST',
  path: '/v1/account-session',
  access: 'anyone',
  body: Type.Object({ jid: addressSchema, password: passwordSchema }, { additionalProperties: false }),
  status: 201,
  response: sessionSchema,
  requestsPerMinute: ATTEMPTS_PER_MINUTE,
  async handle(context, { body, browser }) {
    const { joining } = context
    if (browser === undefined) throw reject.noBrowser()
    browser.account.checkMayStart()
    const account = await joining.proveOwn(body.jid, body.password, browser.client)
    if (account === undefined) throw reject.wrong()
    if (account.state !== 'active') throw reject.suspended()
    return {
      account: showAccount(account),
      modules: modulesOf(context),
      csrf: browser.account.start(await joining.sessions.start(account)),
    }
  },
})

const showSession = defineCommand({
  name: 'account-session.show',
  summary: 'Show who is signed in to the page of an account',
  method: 'GET',
  path: '/v1/account-session',
  access: 'account',
  status: 200,
  response: sessionSchema,
  async handle(context, { actor, browser }) {
    const { account, session } = owner(actor)
    const csrf = browser?.account.csrf
    return {
      account: showAccount(account),
      modules: modulesOf(context),
      ...(session === undefined || csrf === undefined ? {} : { csrf }),
    }
  },
})

const endSession = defineCommand({
  name: 'account-session.end',
  summary: 'Sign out of the page of your account',
  method: 'DELETE',
  path: '/v1/account-session',
  access: 'account',
  status: 200,
  response: accountSchema,
  async handle({ joining }, { actor, browser }) {
    const { account, session } = owner(actor)
    if (session !== undefined) await joining.sessions.end(session)
    browser?.account.end()
    return showAccount(account)
  },
})

const ownSessionSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  started_at: Type.String({ format: 'date-time' }),
  seen_at: Type.String({ format: 'date-time', description: 'To the minute' }),
  current: Type.Boolean({ description: 'Whether it is the one that asks' }),
})

const listSessions = defineCommand({
  name: 'me.sessions',
  summary: 'List where you are signed in to the page of your account, the newest first',
  method: 'GET',
  path: '/v1/me/sessions',
  access: 'account',
  status: 200,
  response: Type.Object({ items: Type.Array(ownSessionSchema) }),
  async handle({ joining }, { actor }) {
    const { account, session } = owner(actor)
    const sessions = await joining.sessions.list(account, session)
    return {
      items: sessions.map(({ id, startedAt, seenAt, isCurrent }) => ({
        id,
        started_at: new Date(startedAt).toISOString(),
        seen_at: new Date(seenAt).toISOString(),
        current: isCurrent,
      })),
    }
  },
})

const endOneSession = defineCommand({
  name: 'me.end-session',
  summary: 'End one of your sessions on the page of your account',
  method: 'DELETE',
  path: '/v1/me/sessions/:id',
  access: 'account',
  params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
  status: 200,
  response: Type.Object({ id: Type.String({ format: 'uuid' }) }),
  async handle({ joining }, { actor, params }) {
    const id = params.id.toLowerCase()
    if (!(await joining.sessions.endOne(owner(actor).account.id, id))) throw reject.noSession()
    return { id }
  },
})

const oldPassword = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 1023,
    description: 'Your password now; needed unless this very request is signed in with it',
  }),
)

const changePassword = defineCommand({
  name: 'me.password',
  summary: 'Change your password; unless you say otherwise, everything else that is signed in ends',
  method: 'PUT',
  path: '/v1/me/password',
  access: 'account',
  body: Type.Object(
    {
      ...chosenFields,
      old_password: oldPassword,
      sign_out: Type.Optional(
        Type.Boolean({ description: 'Whether everything else that is signed in ends; true unless given' }),
      ),
      revoke_app_passwords: Type.Optional(
        Type.Boolean({ description: 'Whether app passwords end, too; false unless given' }),
      ),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: accountSchema,
  requestsPerMinute: ATTEMPTS_PER_MINUTE,
  async handle(context, { actor, body, browser }) {
    const asking = owner(actor)
    await context.joining.requireProof(asking, body.old_password, browser?.client)
    const verifiers = await chosenVerifiers(context, body)
    const { sign_out: signOut = true, revoke_app_passwords: appPasswords = false } = body
    const change = { signOut, appPasswords, keep: asking.session }
    await context.joining.changePassword(asking.account, verifiers, change)
    return showAccount(asking.account)
  },
})

const scopeSchema = Type.Union([Type.Literal('chat'), Type.Literal('mail'), Type.Literal('api')])
const scopesSchema = Type.Array(scopeSchema, {
  minItems: 1,
  maxItems: 3,
  uniqueItems: true,
  description:
    'chat: XMPP; mail: SMTP, the mailbox, /v1/mail; api: what your programs ask of this API; nothing about who may sign in',
})
const daySchema = Type.String({ format: 'date', description: 'A day in UTC' })
const appPasswordSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  scopes: scopesSchema,
  created_on: daySchema,
  last_used_on: Type.Optional(daySchema),
})

function showAppPassword(appPassword: AppPassword): Static<typeof appPasswordSchema> {
  const { id, name, scopes, createdOn, lastUsedOn } = appPassword
  const used = lastUsedOn === undefined ? {} : { last_used_on: lastUsedOn }
  return { id, name, scopes: [...scopes], created_on: createdOn, ...used }
}

const createAppPassword = defineCommand({
  name: 'me.create-app-password',
  summary: 'Make a password for a single program, with a name of its own to sign in with',
  method: 'POST',
  path: '/v1/me/app-passwords',
  access: 'account',
  body: Type.Object(
    {
      name: Type.String({ minLength: 1, maxLength: 64, description: 'What you call it' }),
      scopes: scopesSchema,
      verifiers: chosenFields.verifiers,
      old_password: oldPassword,
    },
    { additionalProperties: false },
  ),
  status: 201,
  response: Type.Object({
    ...appPasswordSchema.properties,
    login: Type.String({ description: 'The name to sign in with' }),
    password: Type.Optional(Type.String({ description: 'Shown only here; absent if you brought verifiers' })),
  }),
  requestsPerMinute: ATTEMPTS_PER_MINUTE,
  async handle(context, { actor, body, browser }) {
    const asking = owner(actor)
    await context.joining.requireProof(asking, body.old_password, browser?.client)
    const verifiers = body.verifiers && (await chosenVerifiers(context, { verifiers: body.verifiers }))
    const wanted = { name: body.name, scopes: body.scopes, verifiers }
    const made = await context.accounts.appPasswords.create(asking.account.id, wanted)
    const shown = { ...showAppPassword(made.appPassword), login: made.login.toString() }
    return made.password === undefined ? shown : { ...shown, password: made.password }
  },
})

const listAppPasswords = defineCommand({
  name: 'me.app-passwords',
  summary: 'List your app passwords',
  method: 'GET',
  path: '/v1/me/app-passwords',
  access: 'account',
  status: 200,
  response: Type.Object({ items: Type.Array(appPasswordSchema) }),
  async handle({ accounts }, { actor }) {
    return { items: (await accounts.appPasswords.list(owner(actor).account.id)).map(showAppPassword) }
  },
})

const revokeAppPassword = defineCommand({
  name: 'me.revoke-app-password',
  summary: 'Revoke one of your app passwords: what is signed in with it ends',
  method: 'DELETE',
  path: '/v1/me/app-passwords/:id',
  access: 'account',
  params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
  status: 200,
  response: Type.Object({ id: Type.String({ format: 'uuid' }) }),
  async handle({ accounts }, { actor, params }) {
    const id = params.id.toLowerCase()
    if (!(await accounts.appPasswords.revoke(owner(actor).account.id, id))) throw reject.unknown()
    return { id }
  },
})

const signOutBody = Type.Object(
  {
    revoke_app_passwords: Type.Optional(
      Type.Boolean({ description: 'Whether app passwords end, too; false unless given' }),
    ),
  },
  { additionalProperties: false },
)

const signOutEverywhere = defineCommand({
  name: 'me.sign-out',
  summary: 'Sign out everywhere: all sessions end; programs that know a password sign in again',
  method: 'POST',
  path: '/v1/me/sign-out',
  access: 'account',
  body: signOutBody,
  status: 200,
  response: accountSchema,
  async handle({ accounts }, { actor, body, browser }) {
    const { account } = owner(actor)
    if (body.revoke_app_passwords === true) await accounts.appPasswords.revokeAll(account.id)
    await accounts.signOut(account.id)
    browser?.account.end()
    return showAccount(account)
  },
})

const signOutAccount = defineCommand({
  name: 'account.sign-out',
  summary: 'Sign an account out everywhere: all sessions end; programs that know a password sign in again',
  method: 'POST',
  path: '/v1/accounts/:jid/sign-out',
  access: 'devices:write',
  reach: 'organisation',
  params: addressParams,
  body: signOutBody,
  records: ['revoke_app_passwords'],
  status: 200,
  response: accountSchema,
  async handle(context, { actor, params, body }) {
    const account = await reachableAccount(context, actor, parseAddress(params.jid))
    if (body.revoke_app_passwords === true) await context.accounts.appPasswords.revokeAll(account.id)
    await context.accounts.signOut(account.id)
    return showAccount(account)
  },
  lines: [{ noun: 'account', verb: 'sign-out', print: ({ jid }) => `${jid} is signed out everywhere` }],
})

export const joiningAccount = [
  startSession,
  showSession,
  endSession,
  listSessions,
  endOneSession,
  changePassword,
  createAppPassword,
  listAppPasswords,
  revokeAppPassword,
  signOutEverywhere,
  signOutAccount,
] as const
