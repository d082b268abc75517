/** REST for an account's mailing lists, signed in with HTTP Basic (RFC 7617): who was asked, who confirmed, who left. The members themselves are the account's to keep. */
import { errorCode } from '@sealpost/errors'
import { HttpProblem, problemSchema, Type } from '@sealpost/http'
import type { FastifyInstance, FastifyPluginAsync, Static } from '@sealpost/http'
import { ListsError, type ListsErrorCode } from '../lists/lists-error.ts'
import type { Lists } from '../lists/lists.ts'
import { accountOf, requireAccount, type OwnAccountOptions } from './own-account.ts'

export interface ListRoutesOptions extends OwnAccountOptions {
  readonly lists: Lists
}

/** Of one client. */
const REQUESTS_PER_MINUTE = 600

const refusals: Readonly<Record<ListsErrorCode, readonly [number, string]>> = {
  LIST_UNKNOWN: [404, 'list-unknown'],
  LIST_NAME_MALFORMED: [400, 'list-name-malformed'],
  LISTS_TOO_MANY: [409, 'lists-too-many'],
  MEMBER_UNKNOWN: [404, 'member-unknown'],
  MEMBER_CONFIRMED: [409, 'member-confirmed'],
  MEMBER_LEFT: [409, 'member-left'],
  MEMBERS_TOO_FAST: [429, 'members-too-fast'],
  ADDRESS_MALFORMED: [400, 'address-malformed'],
}

const State = Type.String({ description: 'asked, confirmed or left' })
const Shown = Type.Object({ list: Type.String({ description: 'As in List-Id (RFC 2919)' }) })
const Listed = Type.Object({
  items: Type.Array(
    Type.Object({
      list: Type.String(),
      asked: Type.Integer(),
      confirmed: Type.Integer(),
      left: Type.Integer(),
    }),
  ),
})
const Named = Type.Object({ list: Type.String({ minLength: 1, maxLength: 128 }) })
const address = Type.String({ minLength: 3, maxLength: 320 })
const OfMember = Type.Object({ ...Named.properties, address })
const Asked = Type.Object({ address }, { additionalProperties: false })
const day = Type.String({ format: 'date', description: 'A day in UTC' })
const Shortly = Type.Object({ state: State })
const AboutMember = Type.Object({
  state: State,
  confirmed_on: Type.Optional(day),
  left_on: Type.Optional(day),
})

const description = 'HTTP Basic with name and password of an account.'
const problems = { '4xx': problemSchema, '5xx': problemSchema } as const
const common = { tags: ['me'], description }
const config = { rateLimit: { max: REQUESTS_PER_MINUTE } }

export const listRoutes: FastifyPluginAsync<ListRoutesOptions> = async (app, options) => {
  requireAccount(app, options)
  app.setErrorHandler((error) => {
    throw toProblem(error)
  })
  ownLists(app, options)
  members(app, options)
  await Promise.resolve()
}

function toProblem(error: unknown): unknown {
  if (error instanceof ListsError) {
    const [status, type] = refusals[error.code]
    return new HttpProblem(status, type, error.message)
  }
  if (errorCode(error).startsWith('QUEUE_')) return new HttpProblem(503, 'mail-deferred', 'Try again later')
  return error
}

function ownLists(app: FastifyInstance, { lists }: ListRoutesOptions): void {
  app.route({
    method: 'GET',
    url: '/v1/me/lists',
    schema: { ...common, summary: 'List your mailing lists', response: { 200: Listed, ...problems } },
    config,
    handler: async (request) => {
      const found = await lists.list(accountOf(request).id)
      return { items: found.map(({ listId: list, ...counts }) => ({ list, ...counts })) }
    },
  })
  app.route<{ Params: Static<typeof Named> }>({
    method: 'PUT',
    url: '/v1/me/lists/:list',
    schema: {
      ...common,
      summary: 'Make a mailing list, named as in List-Id',
      params: Named,
      response: { 200: Shown, ...problems },
    },
    config,
    handler: async (request) => ({ list: await lists.create(accountOf(request).id, request.params.list) }),
  })
  app.route<{ Params: Static<typeof Named> }>({
    method: 'DELETE',
    url: '/v1/me/lists/:list',
    schema: {
      ...common,
      summary: 'Delete a mailing list with all that was confirmed',
      params: Named,
      response: { 204: Type.Null(), ...problems },
    },
    config,
    handler: async (request, reply) => {
      await lists.remove(accountOf(request).id, request.params.list)
      return await reply.code(204).send()
    },
  })
}

function members(app: FastifyInstance, { lists }: ListRoutesOptions): void {
  app.route<{ Params: Static<typeof Named>; Body: Static<typeof Asked> }>({
    method: 'POST',
    url: '/v1/me/lists/:list/members',
    schema: {
      ...common,
      summary: 'Ask an address by mail whether it wants mail of the list',
      params: Named,
      body: Asked,
      response: { 202: Shortly, ...problems },
    },
    config,
    handler: async (request, reply) => {
      await lists.ask(accountOf(request), request.params.list, request.body.address)
      return await reply.code(202).send({ state: 'asked' })
    },
  })
  app.route<{ Params: Static<typeof OfMember> }>({
    method: 'GET',
    url: '/v1/me/lists/:list/members/:address',
    schema: {
      ...common,
      summary: 'Show whether and when an address has confirmed',
      params: OfMember,
      response: { 200: AboutMember, ...problems },
    },
    config,
    handler: async (request) => {
      const { list, address: whose } = request.params
      const { state, confirmedOn, leftOn } = await lists.member(accountOf(request).id, list, whose)
      return {
        state,
        ...(confirmedOn === undefined ? {} : { confirmed_on: confirmedOn }),
        ...(leftOn === undefined ? {} : { left_on: leftOn }),
      }
    },
  })
  app.route<{ Params: Static<typeof OfMember> }>({
    method: 'DELETE',
    url: '/v1/me/lists/:list/members/:address',
    schema: {
      ...common,
      summary: 'Take an address off; that one has left is remembered all the same',
      params: OfMember,
      response: { 204: Type.Null(), ...problems },
    },
    config,
    handler: async (request, reply) => {
      await lists.removeMember(accountOf(request).id, request.params.list, request.params.address)
      return await reply.code(204).send()
    },
  })
}
