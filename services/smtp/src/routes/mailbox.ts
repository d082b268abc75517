/** REST for an account's waiting mail, signed in with HTTP Basic (RFC 7617): list, fetch, acknowledge. What is acknowledged is destroyed. */
import { HttpProblem, problemSchema, Type } from '@sealpost/http'
import type { FastifyInstance, FastifyPluginAsync, Static } from '@sealpost/http'
import { Readable } from 'node:stream'
import type { Mailbox } from '../mailbox/mailbox.ts'
import type { OpenMail } from '../queue/kept-mail.ts'
import { accountOf, requireAccount, type OwnAccountOptions } from './own-account.ts'

export interface MailboxRoutesOptions extends OwnAccountOptions {
  readonly mailbox: Mailbox
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
  unknown: () => new HttpProblem(404, 'mail-unknown', 'No such mail waits for you'),
} as const

export const mailboxRoutes: FastifyPluginAsync<MailboxRoutesOptions> = async (app, options) => {
  requireAccount(app, options)
  listRoute(app, options)
  fetchRoute(app, options)
  acknowledgeRoute(app, options)
  await Promise.resolve()
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
      const waiting = mailbox.list(accountOf(request).id, limit, after)
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
      response: { 200: { content: { 'message/rfc822': { schema: Type.String() } } }, ...problems },
    },
    config,
    handler: async (request, reply) => {
      const mail = await mailbox.open(accountOf(request).id, request.params.id)
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
      if (!(await mailbox.acknowledge(accountOf(request).id, request.params.id))) throw reject.unknown()
      return await reply.code(204).send()
    },
  })
}

async function* whole({ content }: OpenMail): AsyncGenerator<Buffer> {
  yield content.header
  yield* content.body()
}
