/**
 * Taking a key off with a signature of its own: `GET /keys/statement/delete/FINGERPRINT` gives a text, and POST to `/keys/statement` takes it signed
 * (RFC 9580 §7). Plain text throughout, so that `curl` and any OpenPGP program will do.
 */
import { Type } from '@sealpost/http'
import type { FastifyPluginAsync, Static } from '@sealpost/http'
import type { KeysEvents } from '../events.ts'
import { StatementError } from '../verification/statements.ts'
import type { StatementErrorCode, Statements } from '../verification/statements.ts'
import { tellWhenAway } from './problems.ts'
import { PLAIN } from './take-upload.ts'

export interface StatementsRouteOptions {
  readonly statements: Statements
  readonly events: KeysEvents
}

const Wanted = Type.Object({
  action: Type.Union([Type.Literal('unpublish'), Type.Literal('delete')]),
  fingerprint: Type.String({ pattern: '^(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$' }),
})
const Text = Type.String()
const BODY_BYTES_MAX = 64 * 1024
/** Of one client. */
const config = { rateLimit: { max: 30 } }
const tags = ['keys']

const STATUS = {
  STATEMENT_MALFORMED: 400,
  STATEMENT_OLD: 400,
  STATEMENT_UNSIGNED: 403,
  STATEMENT_UNKNOWN: 404,
  STATEMENT_USED: 409,
} as const satisfies Record<StatementErrorCode, number>

export const statementRoutes: FastifyPluginAsync<StatementsRouteOptions> = async (
  app,
  { statements, events },
) => {
  tellWhenAway(app)
  app.removeAllContentTypeParsers()
  // Whatever a client calls it: it is text with a signature.
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
    done(null, body),
  )
  app.get<{ Params: Static<typeof Wanted> }>(
    '/keys/statement/:action/:fingerprint',
    {
      schema: {
        summary: 'A statement to be signed by a key, which takes it off',
        tags,
        params: Wanted,
        response: { 200: Text },
      },
      config,
    },
    ({ params: { action, fingerprint } }, reply) =>
      reply
        .header('cache-control', 'no-store')
        .type(PLAIN)
        .send(statements.write({ action, fingerprint: fingerprint.toUpperCase() })),
  )
  app.post<{ Body: Buffer | undefined }>(
    '/keys/statement',
    {
      schema: {
        summary: 'Carry a signed statement out',
        description:
          'The statement in a cleartext signature by the primary key, which may have expired or be revoked.',
        tags,
        response: { 200: Text, 400: Text, 403: Text, 404: Text, 409: Text },
      },
      config,
      bodyLimit: BODY_BYTES_MAX,
    },
    async ({ body }, reply) => {
      try {
        const { action } = await statements.carryOut(body ?? Buffer.alloc(0))
        events.verification(action === 'delete' ? 'deleted' : 'unpublished')
        return await reply.type(PLAIN).send('Done\n')
      } catch (error) {
        if (!(error instanceof StatementError)) throw error
        return reply.code(STATUS[error.code]).type(PLAIN).send(`${error.message}\n`)
      }
    },
  )
  await Promise.resolve()
}
