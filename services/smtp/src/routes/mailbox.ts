/** REST for an account's waiting mail, signed in with HTTP Basic (RFC 7617): list, fetch, acknowledge. What is acknowledged is destroyed. */
import { type Account, parseBasicCredentials, type PasswordCheck } from '@sealpost/accounts'
import { basicChallenge, HttpProblem, isConfidential, problemSchema, readBasic, Type } from '@sealpost/http'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  Static,
} from '@sealpost/http'
import { Readable } from 'node:stream'
import type { Mailbox } from '../mailbox/mailbox.ts'
import type { OpenMail } from '../queue/mail-store.ts'

export interface MailboxRoutesOptions {
  readonly mailbox: Mailbox
  readonly passwords: PasswordCheck
  /** Of names without one. */
  readonly defaultDomain: string
}

/** Of one client. */
const REQUESTS_PER_MINUTE = 600
const PAGE_MAX = 200

const Waiting = Type.Object({
  id: Type.String(),
  receivedAt: Type.String({ format: 'date-time' }),
  bytes: Type.Integer({ description: 'Of the body.' }),
})
const Page = Type.Object({ items: Type.Array(Waiting) })
const Query = Type.Object(
  {
    after: Type.Optional(Type.String({ description: 'The id of the last mail of the page before.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_MAX, default: PAGE_MAX })),
  },
  { additionalProperties: false },
)
const Named = Type.Object({ id: Type.String({ format: 'uuid' }) })

const description = 'HTTP Basic with name and password of an account.'
const problems = { '4xx': problemSchema, '5xx': problemSchema } as const
const common = { tags: ['me'], description }
const config = { rateLimit: { max: REQUESTS_PER_MINUTE } }

const reject = {
  noPassword: () => new HttpProblem(401, 'sign-in-missing', 'Name and password of an account are needed'),
  badPassword: () => new HttpProblem(401, 'sign-in-refused', 'Wrong name or password'),
  suspended: () => new HttpProblem(403, 'account-suspended', 'The account is suspended'),
  noTls: () => new HttpProblem(403, 'tls-required', 'A password is accepted over TLS only'),
  limited: () => new HttpProblem(429, 'too-many-attempts', 'Too many wrong passwords; try again later'),
  busy: () => new HttpProblem(503, 'busy', 'Too many sign-ins at a time; try again'),
  unknown: () => new HttpProblem(404, 'mail-unknown', 'No such mail waits for you'),
} as const

/** Who asks is found out before anything else. */
const accounts = new WeakMap<FastifyRequest, Account>()

export const mailboxRoutes: FastifyPluginAsync<MailboxRoutesOptions> = async (app, options) => {
  app.addHook('onRequest', async (request, reply) => {
    accounts.set(request, await signIn(request, reply, options))
    reply.header('cache-control', 'no-store')
  })
  listRoute(app, options)
  fetchRoute(app, options)
  acknowledgeRoute(app, options)
  await Promise.resolve()
}

async function signIn(
  request: FastifyRequest,
  reply: FastifyReply,
  { passwords, defaultDomain }: MailboxRoutesOptions,
): Promise<Account> {
  if (!isConfidential(request)) throw reject.noTls()
  reply.header('www-authenticate', basicChallenge)
  const shown = readBasic(request)
  if (shown === undefined) throw reject.noPassword()
  const credentials = parseBasicCredentials(shown, defaultDomain)
  if (credentials === undefined) throw reject.badPassword()
  const outcome = await passwords.check(credentials.jid, credentials.password, request.ip)
  if (outcome.result === 'wrong') throw reject.badPassword()
  reply.removeHeader('www-authenticate')
  if (outcome.result !== 'right') throw reject[outcome.result]()
  if (outcome.account.state !== 'active') throw reject.suspended()
  return outcome.account
}

/** The hook above has let nobody else through. */
function accountOf(request: FastifyRequest): string {
  const account = accounts.get(request)
  if (account === undefined) throw reject.noPassword()
  return account.id
}

function listRoute(app: FastifyInstance, { mailbox }: MailboxRoutesOptions): void {
  app.route<{ Querystring: Static<typeof Query> }>({
    method: 'GET',
    url: '/v1/mail',
    schema: {
      ...common,
      summary: 'List the mails that wait for you, oldest first',
      querystring: Query,
      response: { 200: Page, ...problems },
    },
    config,
    handler: (request) => {
      const { after, limit = PAGE_MAX } = request.query
      const waiting = mailbox.list(accountOf(request), limit, after)
      const items = waiting.map(({ id, acceptedAt, bytes }) => ({
        id,
        receivedAt: new Date(acceptedAt).toISOString(),
        bytes,
      }))
      return Promise.resolve({ items })
    },
  })
}

function fetchRoute(app: FastifyInstance, { mailbox }: MailboxRoutesOptions): void {
  app.route<{ Params: Static<typeof Named> }>({
    method: 'GET',
    url: '/v1/mail/:id',
    schema: {
      ...common,
      summary: 'Fetch a mail (message/rfc822); it waits on until you acknowledge it',
      params: Named,
      response: problems,
    },
    config,
    handler: async (request, reply) => {
      const mail = await mailbox.open(accountOf(request), request.params.id)
      if (mail === undefined) throw reject.unknown()
      const { header, bodyBytes } = mail.content
      return await reply
        .type('message/rfc822')
        .header('content-length', header.length + bodyBytes)
        .send(Readable.from(whole(mail)))
    },
  })
}

function acknowledgeRoute(app: FastifyInstance, { mailbox }: MailboxRoutesOptions): void {
  app.route<{ Params: Static<typeof Named> }>({
    method: 'DELETE',
    url: '/v1/mail/:id',
    schema: {
      ...common,
      summary: 'Acknowledge a mail that you have: it is destroyed here',
      params: Named,
      response: { 204: Type.Null(), ...problems },
    },
    config,
    handler: async (request, reply) => {
      if (!(await mailbox.acknowledge(accountOf(request), request.params.id))) throw reject.unknown()
      return await reply.code(204).send()
    },
  })
}

async function* whole({ content }: OpenMail): AsyncGenerator<Buffer> {
  yield content.header
  yield* content.body()
}
