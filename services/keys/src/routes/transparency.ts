/** The transparency log over HTTP: C2SP tlog-tiles under /tlog, and what owners and correspondents of an address ask under /keys/v1. */
import { HttpProblem, problemSchema, Type } from '@sealpost/http'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, Static } from '@sealpost/http'
import { NOTE_BYTES_MAX, parseTilePath, TlogError } from '@sealpost/tlog'
import type { KeyLog } from '../transparency/key-log.ts'
import { answerAnybody } from './answer-anybody.ts'
import { tellWhenAway } from './problems.ts'

const PLAIN = 'text/plain; charset=utf-8'
const BINARY = 'application/octet-stream'
/** What is of one size stays so: C2SP tlog-tiles. */
const FOR_EVER = 'public, max-age=31536000, immutable'
/** The checkpoint changes with every entry. */
const SECONDS = 'public, max-age=2'
/** Of one client: each answer costs some milliseconds, and could tell of an address. */
const QUESTIONS_PER_MINUTE = 60

const Address = Type.Object({ address: Type.String({ description: 'Mail address, in any case' }) })
const Entry = Type.Object({
  address: Type.String({ description: 'Mail address, in any case' }),
  index: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
})
const OldSize = Type.Object({ old: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) })
const From = Type.Object({
  from: Type.Optional(
    Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'First index' }),
  ),
})

const HistoryAnswer = Type.Object({
  vrf_proof: Type.String({ description: 'Base64; its output, hashed, begins each entry of the address' }),
  entries: Type.Array(
    Type.Object({
      index: Type.Integer(),
      certificate_hash: Type.String({ description: 'SHA-256 of what was served from then on, hexadecimal' }),
      day: Type.String({ description: 'As this server says; not part of the tree' }),
      kept: Type.Boolean({ description: 'Whether the certificate can still be had' }),
    }),
  ),
  next: Type.Optional(Type.Integer({ description: 'Ask again from here: there may be more' })),
})

export interface TransparencyOptions {
  readonly log: KeyLog
}

export const transparency: FastifyPluginAsync<TransparencyOptions> = async (app, { log }) => {
  answerAnybody(app)
  tellWhenAway(app)
  treeRoutes(app, log)
  witnessRoutes(app, log)
  addressRoutes(app, log)
  await Promise.resolve()
}

const notFound = (title: string): HttpProblem => new HttpProblem(404, 'not-logged', title)
const noAddress = (): HttpProblem => new HttpProblem(400, 'no-address', 'This is no mail address')

/** What is about an address stays in no cache. */
const unstored = (reply: FastifyReply): FastifyReply => reply.header('cache-control', 'no-store')

function treeRoutes(app: FastifyInstance, log: KeyLog): void {
  const tags = ['transparency']
  app.get(
    '/tlog/key',
    {
      schema: {
        summary: 'Verifier key of the log (C2SP signed-note)',
        tags,
        response: { 200: Type.String() },
      },
    },
    (_request, reply) => reply.type(PLAIN).send(`${log.verifierKey}\n`),
  )
  app.get(
    '/tlog/checkpoint',
    {
      schema: {
        summary: 'Signed head of the log (C2SP tlog-checkpoint)',
        tags,
        response: { 200: Type.String() },
      },
    },
    async (_request, reply) =>
      reply
        .type(PLAIN)
        .header('cache-control', SECONDS)
        .send(await log.checkpoint()),
  )
  app.get<{ Params: { '*': string } }>(
    '/tlog/tile/*',
    {
      schema: {
        summary: 'Hashes and entries of the log (C2SP tlog-tiles)',
        tags,
        response: { '4xx': problemSchema },
      },
    },
    async (request, reply) => {
      const tile = parseTilePath(`tile/${request.params['*']}`)
      const bytes = tile && (await log.tile(tile))
      if (bytes === undefined) throw notFound('The log has no such tile')
      return reply.type(BINARY).header('cache-control', FOR_EVER).send(bytes)
    },
  )
}

function witnessRoutes(app: FastifyInstance, log: KeyLog): void {
  const tags = ['transparency']
  const config = { rateLimit: { max: QUESTIONS_PER_MINUTE } }
  app.get(
    '/tlog/witnessed',
    {
      schema: {
        summary: 'The newest checkpoint that a witness has cosigned (C2SP tlog-cosignature)',
        tags,
        response: { 200: Type.String(), '4xx': problemSchema },
      },
    },
    async (_request, reply) => {
      const checkpoint = await log.witnessed()
      if (checkpoint === undefined) throw notFound('No witness has cosigned this log')
      return reply.type(PLAIN).header('cache-control', SECONDS).send(checkpoint)
    },
  )
  app.get<{ Params: Static<typeof OldSize> }>(
    '/tlog/add-checkpoint/:old',
    {
      schema: {
        summary: 'What a witness that knows the log of a size is to be sent (C2SP tlog-witness)',
        tags,
        params: OldSize,
        response: { 200: Type.String(), '4xx': problemSchema },
      },
      config,
    },
    async (request, reply) => {
      const body = await log.addCheckpoint(request.params.old)
      if (body === undefined) throw notFound('The log is not that large')
      return reply.type(PLAIN).header('cache-control', SECONDS).send(body)
    },
  )
  app.addContentTypeParser(
    ['text/plain', 'application/octet-stream', 'application/x-www-form-urlencoded'],
    { parseAs: 'buffer', bodyLimit: NOTE_BYTES_MAX },
    (_request, body, done) => done(null, body),
  )
  app.post(
    '/tlog/cosignatures',
    {
      schema: {
        summary: 'Bring cosignatures of witnesses',
        description: 'A checkpoint of this log with the lines that its witnesses answered.',
        tags,
        response: { 204: Type.Null(), '4xx': problemSchema },
      },
      bodyLimit: NOTE_BYTES_MAX,
      config,
    },
    async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      if ((await cosign(log, body)) === 0)
        throw new HttpProblem(422, 'not-cosigned', 'No witness that this log knows has cosigned this')
      return reply.code(204).send()
    },
  )
}

async function cosign(log: KeyLog, note: Buffer): Promise<number> {
  try {
    return await log.cosign(note)
  } catch (error) {
    if (error instanceof TlogError) throw new HttpProblem(422, 'not-cosigned', error.message)
    throw error
  }
}

function addressRoutes(app: FastifyInstance, log: KeyLog): void {
  const tags = ['transparency']
  const config = { rateLimit: { max: QUESTIONS_PER_MINUTE } }
  app.get<{ Params: Static<typeof Address> }>(
    '/keys/v1/proof/:address',
    {
      schema: {
        summary: 'Proof that what is served for an address is logged (C2SP tlog-proof)',
        tags,
        params: Address,
        response: { 200: Type.String(), '4xx': problemSchema },
      },
      config,
    },
    async (request, reply) => {
      const proof = await log.prove(request.params.address)
      if (proof === undefined) throw notFound('Nothing was logged for this address')
      return unstored(reply).type(PLAIN).send(proof)
    },
  )
  app.get<{ Params: Static<typeof Address>; Querystring: Static<typeof From> }>(
    '/keys/v1/history/:address',
    {
      schema: {
        summary: 'Everything logged for an address',
        tags,
        params: Address,
        querystring: From,
        response: { 200: HistoryAnswer, '4xx': problemSchema },
      },
      config,
    },
    async (request, reply) => {
      const history = await log.history(request.params.address, request.query.from ?? 0)
      if (history === undefined) throw noAddress()
      const { vrfProof, entries, next } = history
      return unstored(reply).send({
        vrf_proof: vrfProof.toString('base64'),
        entries: entries.map(({ index, certificate, day, kept }) => ({
          index,
          certificate_hash: certificate.toString('hex'),
          day,
          kept,
        })),
        ...(next === undefined ? {} : { next }),
      })
    },
  )
  app.get<{ Params: Static<typeof Entry> }>(
    '/keys/v1/history/:address/:index',
    {
      schema: {
        summary: 'The certificate that was served for an address from an entry on',
        tags,
        params: Entry,
        response: { '4xx': problemSchema },
      },
      config,
    },
    async (request, reply) => {
      const { address, index } = request.params
      const bytes = await log.certificate(address, index)
      if (bytes === undefined) throw notFound('This certificate is not kept any more, or never was')
      return unstored(reply).type(BINARY).send(bytes)
    },
  )
}
