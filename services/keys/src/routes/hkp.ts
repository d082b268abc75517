/**
 * draft-gallagher-openpgp-hkp: the legacy paths `/pks/lookup` and `/pks/add`. Keys of version 6 are not for their clients, many of which break on them.
 * Left out: free text search, so that `exact` changes nothing, short key ids, and an index for people; `options=mr` and `fingerprint=on` are always so.
 */
import { Type } from '@sealpost/http'
import type { FastifyInstance, FastifyPluginAsync, Static } from '@sealpost/http'
import { writeArmor } from '@sealpost/openpgp'
import type { Clock } from '@sealpost/runtime'
import type { Directory, Submission } from '../directory/directory.ts'
import { SearchError, parseSearch } from '../directory/search.ts'
import type { Search } from '../directory/search.ts'
import type { KeysEvents } from '../events.ts'
import { answerAnybody } from './answer-anybody.ts'
import { tellWhenAway } from './problems.ts'
import { formatIndex } from './hkp-index.ts'
import { FORM_BYTES_MAX, PLAIN, takeUpload, UPLOADS_PER_MINUTE } from './take-upload.ts'

const Lookup = Type.Object({
  op: Type.Optional(Type.Array(Type.String(), { maxItems: 8, description: 'get, index or vindex' })),
  search: Type.Optional(
    Type.Array(Type.String(), {
      maxItems: 8,
      description: '0x and a fingerprint or long key id, or a mail address',
    }),
  ),
})

const Text = Type.String()

const FIRST_VERSION_FOR_NEW_PATHS = 64 // Hexadecimal digits of a fingerprint of version 6.

export interface HkpOptions {
  readonly directory: Directory
  readonly events: KeysEvents
  readonly clock: Clock
  /** Whether lookups can be answered. */
  readonly isReady: () => Promise<boolean>
  /** Where the rest of the directory is. */
  readonly origin: () => string
}

export const hkp: FastifyPluginAsync<HkpOptions> = async (app, options) => {
  answerAnybody(app)
  tellWhenAway(app)
  lookupRoute(app, options)
  submissionRoute(app, options)
  ofOtherServers(app, options)
  await Promise.resolve()
}

function lookupRoute(app: FastifyInstance, options: HkpOptions): void {
  app.get<{ Querystring: Static<typeof Lookup> }>(
    '/pks/lookup',
    {
      schema: {
        summary: 'Look up keys',
        tags: ['keys'],
        querystring: Lookup,
        response: { 200: Text, 400: Text, 404: Text, 501: Text },
      },
    },
    async (request, reply) => {
      const { status, text, type = PLAIN } = await lookUp(request.query, options)
      return reply.code(status).type(type).send(text)
    },
  )
}

interface Answer {
  readonly status: 200 | 400 | 404 | 501
  readonly text: string
  readonly type?: string
}

async function lookUp({ op = [], search = [] }: Static<typeof Lookup>, options: HkpOptions): Promise<Answer> {
  const [operation] = op
  const [text] = search
  if (operation === undefined || text === undefined || op.length > 1 || search.length > 1)
    return refuse(options, 'A lookup needs op and search, each once.')
  if (operation !== 'get' && operation !== 'index' && operation !== 'vindex')
    return { status: 501, text: 'This operation is not supported.\n' }
  let needle: Search
  try {
    // COMPAT: Thunderbird leaves the plus within an address as it is, which in a query means a space. No address has one.
    needle = parseSearch(text.replaceAll(/(?<=[^ ]) (?=[^ ])/g, '+'))
  } catch (error) {
    if (error instanceof SearchError) return refuse(options, error.message)
    throw error
  }
  const answer = await (operation === 'get' ? get(needle, options) : index(needle, options))
  options.events.lookup(needle.kind, answer.status === 200)
  return answer
}

function refuse({ events }: HkpOptions, text: string): Answer {
  events.lookupRefused()
  return { status: 400, text: `${text}\n` }
}

const NOT_FOUND: Answer = { status: 404, text: 'No such key\n' }
const TOO_NEW: Answer = { status: 404, text: 'This key is of version 6, which is not served on this path.\n' }

const isLegacy = ({ fingerprint }: { readonly fingerprint: string }): boolean =>
  fingerprint.length < FIRST_VERSION_FOR_NEW_PATHS

async function get(needle: Search, { directory }: HkpOptions): Promise<Answer> {
  const all = await directory.find(needle)
  const found = all.filter(isLegacy)
  if (found.length === 0) return all.length === 0 ? NOT_FOUND : TOO_NEW
  const armor = writeArmor('PUBLIC KEY BLOCK', Buffer.concat(found.map(({ bytes }) => bytes)), {
    checksum: true,
  })
  return { status: 200, text: armor, type: 'application/pgp-keys; charset=utf-8' }
}

async function index(needle: Search, { directory, clock }: HkpOptions): Promise<Answer> {
  const all = await directory.list(needle)
  const found = all.filter(isLegacy)
  if (found.length === 0) return all.length === 0 ? NOT_FOUND : TOO_NEW
  const listings = found.map(({ listing }) => listing)
  return { status: 200, text: formatIndex(listings, Math.floor(clock.now() / 1000)) }
}

function submissionRoute(app: FastifyInstance, options: HkpOptions): void {
  app.addContentTypeParser(
    ['application/x-www-form-urlencoded', 'multipart/form-data'],
    { parseAs: 'buffer', bodyLimit: FORM_BYTES_MAX },
    (_request, body, done) => done(null, body),
  )
  app.post(
    '/pks/add',
    {
      schema: {
        summary: 'Submit keys',
        description: 'A form with the armored keys in its field `keytext`.',
        tags: ['keys'],
        response: { 200: Text, 413: Text, 415: Text, 422: Text, 503: Text },
      },
      bodyLimit: FORM_BYTES_MAX,
      config: { rateLimit: { max: UPLOADS_PER_MINUTE } },
    },
    async (request, reply) => {
      const { body } = request
      if (!Buffer.isBuffer(body)) return reply.code(415).type(PLAIN).send('Send a form with keytext.\n')
      const submission = await takeUpload({ request, reply }, options.events, (form) =>
        options.directory.submit(body, form),
      )
      if (submission === undefined) return reply
      const status = submission.certificates.length === 0 ? 422 : 200
      return reply.code(status).type(PLAIN).send(describe(submission))
    },
  )
}

function describe({ certificates, rejected }: Submission): string {
  const lines = certificates.map(({ fingerprint, outcome }) => `${fingerprint} ${outcome}`)
  if (rejected > 0)
    lines.push(
      `${String(rejected)} rejected: nothing in it is signed by its own key, or its kind is not supported`,
    )
  return [...lines, ''].join('\n')
}

/** What Hockeypuck has beside HKP. Its signed requests could be sent again by whoever has seen them (decision 0059). */
function ofOtherServers(app: FastifyInstance, { isReady, origin }: HkpOptions): void {
  app.get(
    '/pks/health',
    { schema: { summary: 'Whether keys can be looked up', tags: ['keys'] } },
    async (_request, reply) => {
      const ready = await isReady()
      return reply
        .code(ready ? 200 : 503)
        .type(PLAIN)
        .send(ready ? 'ok\n' : 'not ready\n')
    },
  )
  for (const [path, why] of [
    ['/pks/stats', () => 'This directory tells no statistics.'],
    ['/pks/replace', () => `Take the old key off, and send the new one: ${origin()}/keys`],
    [
      '/pks/delete',
      () =>
        `Sign what ${origin()}/keys/statement/delete/FINGERPRINT says, and send it to ${origin()}/keys/statement`,
    ],
  ] as const)
    // Before the body is read, whatever it is.
    app.all(
      path,
      {
        schema: { hide: true },
        onRequest: async (_request, reply) => reply.code(501).type(PLAIN).send(`${why()}\n`),
      },
      () => undefined,
    )
}
