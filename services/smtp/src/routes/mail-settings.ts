/** REST for what an account has chosen for its mail. */
import { problemSchema, Type, type FastifyPluginAsync, type Static } from '@sealpost/http'
import type { MailSettings, MailSettingsStore } from '../pgp/mail-settings.ts'
import type { PgpPolicy } from '../pgp/pgp-policy.ts'
import { accountOf, requireAccount, type OwnAccountOptions } from './own-account.ts'

export interface MailSettingsRoutesOptions extends OwnAccountOptions {
  readonly settings: MailSettingsStore
  readonly policy: PgpPolicy
}

/** Of one client. */
const REQUESTS_PER_MINUTE = 60

const Mode = Type.Union([Type.Literal('optional'), Type.Literal('on-arrival'), Type.Literal('required')])
const OnMissingKey = Type.Union([Type.Literal('refuse'), Type.Literal('defer'), Type.Literal('plain')])

const Settings = Type.Object(
  {
    pgp: Type.Optional(Mode),
    on_missing_key: Type.Optional(OnMissingKey),
  },
  {
    additionalProperties: false,
    description: 'What is absent is as the domain is set; on_missing_key: refuse.',
  },
)
const Shown = Type.Object({
  pgp: Type.Optional(Mode),
  on_missing_key: Type.Optional(OnMissingKey),
  in_force: Type.Object({ pgp: Mode, on_missing_key: OnMissingKey }),
})

const description = [
  'HTTP Basic with name and password of an account.',
  'pgp: optional, encryption is up to whoever writes; on-arrival, what comes in readable is encrypted to your published key before it is stored; required, only mail that is encrypted already comes in or goes out. It can be stricter than what your domain is set to, not laxer.',
  'on_missing_key: what becomes of a readable mail that should be encrypted on arrival while you have no key: refuse, its sender is told at once; defer, its server tries again and tells the sender at last; plain, you get it as it is.',
].join(' ')
const problems = { '4xx': problemSchema, '5xx': problemSchema } as const
const common = { tags: ['me'], description }
const config = { rateLimit: { max: REQUESTS_PER_MINUTE } }

export const mailSettingsRoutes: FastifyPluginAsync<MailSettingsRoutesOptions> = async (
  app,
  { settings, policy, ...signIn },
) => {
  requireAccount(app, signIn)
  const show = async (account: ReturnType<typeof accountOf>): Promise<Static<typeof Shown>> => {
    const [chosen, decision] = await Promise.all([settings.of(account.id), policy.of(account)])
    return { ...write(chosen), in_force: { pgp: decision.mode, on_missing_key: decision.onMissingKey } }
  }
  app.route({
    method: 'GET',
    url: '/v1/me/mail-settings',
    schema: {
      ...common,
      summary: 'Show what you have chosen for your mail',
      response: { 200: Shown, ...problems },
    },
    config,
    handler: (request) => show(accountOf(request)),
  })
  app.route<{ Body: Static<typeof Settings> }>({
    method: 'PUT',
    url: '/v1/me/mail-settings',
    schema: {
      ...common,
      summary: 'Choose for your mail',
      body: Settings,
      response: { 200: Shown, ...problems },
    },
    config,
    handler: async (request) => {
      const account = accountOf(request)
      const { pgp, on_missing_key: onMissingKey } = request.body
      await settings.put(account.id, { pgp, onMissingKey })
      return await show(account)
    },
  })
  await Promise.resolve()
}

function write({ pgp, onMissingKey }: MailSettings): Static<typeof Settings> {
  return {
    ...(pgp === undefined ? {} : { pgp }),
    ...(onMissingKey === undefined ? {} : { on_missing_key: onMissingKey }),
  }
}
