/**
 * draft-gallagher-openpgp-hkp: lookups. The directory holds no keys and takes none, and says so.
 * TODO: draft-gallagher-openpgp-hkp §5 submission.
 */
import { Type } from '@sealpost/http'
import type { FastifyPluginAsync, Static } from '@sealpost/http'
import { SearchError, parseSearch } from '../directory/search.ts'
import type { KeysEvents } from '../events.ts'

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
const answers = { 400: Text, 404: Text, 501: Text }

const OPERATIONS: ReadonlySet<string> = new Set(['get', 'index', 'vindex'])

/** `/pks/lookup` and `/pks/add`, answering in plain text as HKP clients expect. */
export const hkp: FastifyPluginAsync<{ events: KeysEvents }> = async (app, { events }) => {
  app.addHook('onRequest', (_request, reply, done) => {
    // Web pages of anybody may look keys up: there is nothing in an answer that is not public.
    void reply
      .header('access-control-allow-origin', '*')
      .header('cross-origin-resource-policy', 'cross-origin')
    done()
  })
  app.get<{ Querystring: Static<typeof Lookup> }>(
    '/pks/lookup',
    { schema: { summary: 'Look up keys', tags: ['keys'], querystring: Lookup, response: answers } },
    (request, reply) => {
      const answer = lookUp(request.query, events)
      return reply.code(answer.status).type('text/plain; charset=utf-8').send(`${answer.text}\n`)
    },
  )
  app.post(
    '/pks/add',
    {
      schema: { summary: 'Refused: this server does not take keys', tags: ['keys'], response: answers },
      // Answered before the body is read: there is nothing in it that we want.
      onRequest: (_request, reply) => {
        events.uploadRefused()
        void reply
          .code(501)
          .header('connection', 'close')
          .type('text/plain; charset=utf-8')
          .send('This server does not take keys.\n')
      },
    },
    () => undefined,
  )
  await Promise.resolve()
}

interface Answer {
  readonly status: 400 | 404 | 501
  readonly text: string
}

function lookUp({ op = [], search = [] }: Static<typeof Lookup>, events: KeysEvents): Answer {
  const [operation] = op
  const [text] = search
  if (operation === undefined || text === undefined || op.length > 1 || search.length > 1)
    return refuse(events, 'A lookup needs op and search, each once.')
  if (!OPERATIONS.has(operation)) return { status: 501, text: 'This operation is not supported.' }
  try {
    events.lookup(parseSearch(text).kind, false)
    return { status: 404, text: 'No such key' }
  } catch (error) {
    if (error instanceof SearchError) return refuse(events, error.message)
    throw error
  }
}

function refuse(events: KeysEvents, text: string): Answer {
  events.lookupRefused()
  return { status: 400, text }
}
