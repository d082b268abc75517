/** Makes the REST routes of the registry. */
import { PassThrough, Readable } from 'node:stream'
import {
  HttpProblem,
  problemSchema,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from '@sealpost/http'
import { hasScope } from '../commands/api-keys.ts'
import type { Actor, Command, CommandContext, ImportCounts } from '../commands/command.ts'
import { checkReach, dispatch } from '../commands/dispatch.ts'
import { FileAnswer } from '../commands/file-answer.ts'
import type { ApiEvents } from '../events.ts'
import type { IdempotentAnswers } from '../idempotency/answers.ts'
import { UPLOAD_BYTES_MAX } from '../import-accounts.ts'
import { scopeMissing } from './authenticate.ts'
import { browserOf, readSession } from './browser.ts'
import { type Conditions, entityTag, namesTag } from './conditions.ts'
import { toHttpProblem } from './problems.ts'

export interface RegisterOptions {
  readonly context: CommandContext
  readonly events: ApiEvents
  /** `https://HOST:PORT`, where the panel is. */
  readonly origin: () => string
  readonly conditions: Conditions
  readonly answers: IdempotentAnswers
  readonly authenticate: (
    command: Pick<Command, 'access' | 'byProgram'>,
    request: FastifyRequest,
    reply: FastifyReply,
  ) => Promise<Actor>
}

const NDJSON = 'application/x-ndjson'
/** RFC draft-ietf-httpapi-idempotency-key-header: opaque to us; printable and short. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/
const REASON = /^[^\p{Cc}]{1,500}$/u

type Fields = Record<string, unknown>
type AnyRequest = Parameters<Command['handle']>[1]

/** Who asks is found out before the body is read. */
const actors = new WeakMap<FastifyRequest, Actor>()

/** Registers the route of a command; await it. */
export async function registerCommand(
  app: FastifyInstance,
  command: Command,
  options: RegisterOptions,
): Promise<void> {
  const { upload } = command
  if (upload === undefined) {
    addRoute(app, command, options)
    return
  }
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser([...upload.types], (_request, payload, done) => done(null, payload))
    addRoute(scope, command, options)
  })
}

function addRoute(app: FastifyInstance, command: Command, options: RegisterOptions): void {
  app.route({
    method: command.method,
    url: command.path,
    schema: describe(command),
    // An upload is a stream, which no schema can judge.
    ...(command.upload === undefined
      ? {}
      : { bodyLimit: UPLOAD_BYTES_MAX, validatorCompiler: () => () => true }),
    config: command.requestsPerMinute === undefined ? {} : { rateLimit: { max: command.requestsPerMinute } },
    onRequest: async (request, reply) => {
      try {
        const actor = await options.authenticate(command, request, reply)
        checkReach(command, actor)
        actors.set(request, actor)
      } catch (error) {
        throw toHttpProblem(error)
      }
    },
    preValidation: async (request) => {
      if (command.body !== undefined) request.body ??= {} // Nothing is required of some bodies.
    },
    handler: async (request, reply) => {
      try {
        return await answer(command, options, request, reply)
      } catch (error) {
        throw toHttpProblem(error)
      }
    },
  })
}

const ACCESS: Readonly<Record<string, string>> = {
  anyone: 'Nobody is asked who they are.',
  account: 'HTTP Basic with name and password of an account.',
  administrator: 'The session of an administrator.',
}

function describe(command: Command): object {
  return {
    operationId: command.name,
    summary: command.summary,
    description: describeAccess(command),
    ...(command.deprecated === undefined ? {} : { deprecated: true }),
    tags: [command.path.split('/')[2] ?? 'v1'],
    ...(command.params === undefined ? {} : { params: command.params }),
    ...(command.query === undefined ? {} : { querystring: command.query }),
    ...(command.body === undefined ? {} : { body: command.body }),
    ...(command.upload === undefined ? {} : { body: describeUpload(command.upload) }),
    response: { [command.status]: describeAnswer(command), '4xx': problemSchema, '5xx': problemSchema },
  }
}

function describeAccess({ access, byProgram }: Command): string {
  const who = ACCESS[access] ?? `Needs: ${access}.`
  return byProgram === true ? `${who} Also an app password of scope api.` : who
}

function describeAnswer({ media, response }: Command): object {
  return media === undefined ? response : { content: { [media]: { schema: response } } }
}

function describeUpload({ types, description }: NonNullable<Command['upload']>): object {
  const schema = { type: 'string', description }
  return { content: Object.fromEntries(types.map((type) => [type, { schema }])) }
}

async function answer(
  command: Command,
  options: RegisterOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const upload = command.upload === undefined ? Readable.from([]) : (request.body as Readable | null)
  if (upload === null || upload === undefined)
    throw new HttpProblem(400, 'upload-missing', 'A file is needed')
  const commandRequest: AnyRequest = {
    actor: actors.get(request) ?? { kind: 'anonymous' },
    browser: browserOf(request, reply, options.origin()),
    params: (request.params ?? {}) as Fields,
    query: (request.query ?? {}) as Fields,
    body: ((command.upload === undefined ? request.body : undefined) ?? {}) as Fields,
    idempotencyKey: readIdempotencyKey(request),
    reason: readReason(request),
    approval: readApproval(request),
    upload,
    uploadType: command.upload?.types.find((type) => request.headers['content-type']?.startsWith(type)),
    signal: whenGone(reply),
    progress: () => {},
  }
  if (command.upload !== undefined && request.headers.accept?.includes(NDJSON) === true) {
    return reply.type(NDJSON).send(withProgress(command, options, commandRequest))
  }
  // Answers may hold keys and links: no cache keeps any of them.
  void reply.header('cache-control', 'no-store')
  announceEnd(command, reply)
  if (command.method === 'POST' && commandRequest.idempotencyKey !== undefined && repeats(command))
    return answerOnce(command, options, { request, reply, commandRequest })
  const result = await act(command, options, request, commandRequest)
  if (command.media !== undefined) void reply.type(command.media)
  if (result instanceof FileAnswer) return sendFile(reply.code(command.status), result)
  if (command.method !== 'GET') return reply.code(command.status).send(result)
  const tag = entityTag(result)
  void reply.header('etag', tag)
  return namesTag(request.headers['if-none-match'], tag)
    ? reply.code(304).send()
    : reply.code(command.status).send(result)
}

/** Unless what the client has seen has changed. */
function act(
  command: Command,
  { context, events, conditions }: RegisterOptions,
  { url, headers }: FastifyRequest,
  commandRequest: AnyRequest,
): Promise<unknown> {
  const asReader = { ...commandRequest, query: {}, body: {} }
  return conditions.guard(
    command,
    { url, ifMatch: command.method === 'GET' ? undefined : headers['if-match'] },
    (reader) => {
      checkMayRead(reader, commandRequest.actor)
      return dispatch(reader, context, asReader, events)
    },
    () => dispatch(command, context, commandRequest, events),
  )
}

/** Whoever may change a thing but not see it is not told whether it is as they guess. */
function checkMayRead({ access }: Command, actor: Actor): void {
  if (access.includes(':') && !hasScope(actor, access)) throw scopeMissing(access)
}

/** Whether a repeated request is answered from what is kept. */
function repeats({ claimsKey, upload, media }: Command): boolean {
  return claimsKey !== true && upload === undefined && media === undefined
}

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly commandRequest: AnyRequest
}

/** Carried out once for an Idempotency-Key. Strangers have keys of their own for each request, since nobody knows one from another. */
async function answerOnce(
  command: Command,
  options: RegisterOptions,
  { request, reply, commandRequest }: Exchange,
): Promise<FastifyReply> {
  const { actor, idempotencyKey: key = '', body } = commandRequest
  const asked = [request.method, request.url, JSON.stringify(body)]
  const who = whoAsks(actor)
  const {
    status,
    body: text,
    replayed,
  } = await options.answers.once(
    {
      key,
      who: who ?? asked.join(' '),
      credential: request.headers.authorization ?? cookieOf(actor, request) ?? '',
      request: asked,
    },
    async () => {
      try {
        const result = await act(command, options, request, commandRequest)
        return { status: command.status, body: reply.code(command.status).serialize(result) as string }
      } catch (error) {
        throw toHttpProblem(error)
      }
    },
  )
  if (replayed) void reply.header('idempotency-replayed', 'true')
  return reply.code(status).type('application/json; charset=utf-8').send(text)
}

/** The token of the cookie by which the actor is believed. */
function cookieOf(actor: Actor, request: FastifyRequest): string | undefined {
  return actor.kind === 'account' ? actor.session : readSession(request)?.token
}

function whoAsks(actor: Actor): string | undefined {
  if (actor.kind === 'account') return `account ${actor.account.id}`
  if (actor.kind === 'anonymous') return undefined
  return 'id' in actor ? `${actor.kind} ${actor.id}` : actor.kind
}

/** RFC 9745 §2 and RFC 8594 §3. */
function announceEnd({ deprecated }: Command, reply: FastifyReply): void {
  if (deprecated === undefined) return
  const { since, sunset } = deprecated
  void reply.header('deprecation', `@${String(Date.parse(since) / 1000)}`)
  void reply.header('link', '</v1/docs>; rel="deprecation"; type="text/html"')
  if (sunset !== undefined) void reply.header('sunset', new Date(sunset).toUTCString())
}

/** RFC 6266 §4: to be saved, not shown. */
function sendFile(reply: FastifyReply, { type, name, text }: FileAnswer): FastifyReply {
  void reply.type(type).header('content-disposition', `attachment; filename="${name}"`)
  return reply.send(typeof text === 'string' ? text : Readable.from(text))
}

function whenGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  return gone.signal
}

/** Lines of `{"progress": counts}`, then one of `{"result": …}` or `{"problem": …}`. */
function withProgress(command: Command, { context, events }: RegisterOptions, request: AnyRequest): Readable {
  const lines = new PassThrough()
  const line = (value: object) => `${JSON.stringify(value)}\n`
  const progress = (counts: ImportCounts) => {
    if (!lines.writableNeedDrain && lines.writable) lines.write(line({ progress: counts }))
  }
  dispatch(command, context, { ...request, progress }, events).then(
    (result) => lines.end(line({ result })),
    (error: unknown) => lines.end(line({ problem: problemBody(toHttpProblem(error)) })),
  )
  return lines
}

function problemBody(error: unknown): object {
  if (error instanceof HttpProblem) return { type: error.type, title: error.title, status: error.status }
  return { type: 'about:blank', title: 'Internal Server Error', status: 500 }
}

/** Why, percent-encoded (RFC 3986 §2.1), since a header holds no other letters than those of English. */
function readReason(request: FastifyRequest): string | undefined {
  const value = request.headers['sealpost-reason']
  if (value === undefined) return undefined
  const reason = typeof value === 'string' ? decode(value)?.trim() : undefined
  if (reason !== undefined && REASON.test(reason)) return reason
  throw new HttpProblem(
    400,
    'reason-header-malformed',
    'Sealpost-Reason has 1 to 500 characters, percent-encoded',
  )
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function readApproval(request: FastifyRequest): string | undefined {
  const value = request.headers['sealpost-approval']
  if (value === undefined) return undefined
  if (typeof value === 'string' && UUID.test(value)) return value
  throw new HttpProblem(400, 'approval-header-malformed', 'Sealpost-Approval has the id of an approval')
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function readIdempotencyKey(request: FastifyRequest): string | undefined {
  const value = request.headers['idempotency-key']
  if (value === undefined) return undefined
  if (typeof value === 'string' && IDEMPOTENCY_KEY.test(value)) return value
  throw new HttpProblem(
    400,
    'idempotency-key-malformed',
    'An Idempotency-Key has 1 to 255 printable characters',
  )
}
