/**
 * draft-ietf-openpgp-hkp §5.2.2, §5.2.3, §5.2.4.1: a token is mailed to an address, and with it the certificate of the address is set. The draft calls the header field with
 * the token `Authentication`; that of HTTP is taken as well.
 */
import { isConfidential } from '@sealpost/http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from '@sealpost/http'
import { CanonicalError } from '../../verification/canonical.ts'
import type { Canonical } from '../../verification/canonical.ts'
import { VerificationError } from '../../verification/verification.ts'
import type { HkpOptions } from '../hkp.ts'
import { PLAIN, takeUpload, UPLOADS_PER_MINUTE } from '../take-upload.ts'
import { BODY_BYTES_MAX, reportInvalid, reportOf } from './submission.ts'

export interface CanonicalRouteOptions extends HkpOptions {
  readonly canonical: Canonical
}

/** §5.2.6 */
export const CANONICAL_TYPES = ['application/pgp;proof=tokens', 'application/pgp-keys;proof=tokens'] as const
/** A mail address, and some white space around it. */
const ADDRESS_BYTES_MAX = 1024
/** Of one client. */
const TOKENS_PER_MINUTE = 30
const RETRY_AFTER_SECONDS = 60

/** §5.2.2: always the same empty answer, before it is known whether a mail can be sent. */
export async function sendTokenRoute(
  app: FastifyInstance,
  path: string,
  { canonical, events }: CanonicalRouteOptions,
): Promise<void> {
  await app.register(async (inner) => {
    inner.removeAllContentTypeParsers()
    // The draft wants text/plain and does not insist.
    inner.addContentTypeParser(
      '*',
      { parseAs: 'string', bodyLimit: ADDRESS_BYTES_MAX },
      (_request, body, done) => done(null, body),
    )
    const schema = { summary: 'Have a token mailed that sets the certificate of an address', tags: ['keys'] }
    const config = { rateLimit: { max: TOKENS_PER_MINUTE } }
    inner.post(path, { schema, config }, (request, reply) => {
      const text = typeof request.body === 'string' ? request.body.trim() : ''
      try {
        canonical.sendToken(text, request.ip)
      } catch (error) {
        return refuse(error, reply)
      }
      events.verification('requested')
      return reply.type(PLAIN).send('')
    })
    await Promise.resolve()
  })
}

function refuse(error: unknown, reply: FastifyReply): FastifyReply {
  if (error instanceof CanonicalError) return reply.code(422).type(PLAIN).send(`${error.message}\n`)
  if (!(error instanceof VerificationError)) throw error
  const status = error.code === 'VERIFICATION_LIMITED' ? 429 : 503
  return reply.code(status).header('retry-after', RETRY_AFTER_SECONDS).type(PLAIN).send(`${error.message}\n`)
}

/** §5.2.3 */
export function canonicalRoute(app: FastifyInstance, path: string, options: CanonicalRouteOptions): void {
  const { canonical } = options
  app.put(
    `${path}/*`,
    {
      schema: { summary: 'Set the certificate of a mail address', tags: ['keys'] },
      bodyLimit: BODY_BYTES_MAX,
      config: { rateLimit: { max: UPLOADS_PER_MINUTE } },
      // Before the body is read: nobody sends a megabyte without a token.
      onRequest: async (request, reply) => {
        if (!isConfidential(request))
          return reply.code(403).type(PLAIN).send('A token is a secret: use HTTPS.\n')
        const authorized = await canonical.isAuthorized(identityOf(request), tokenOf(request))
        return authorized ? undefined : unauthorized(reply)
      },
    },
    async (request, reply) => {
      if (!Buffer.isBuffer(request.body))
        return reply.code(415).type(PLAIN).send('Send a certificate as application/pgp.\n')
      return setCanonical(request.body, { request, reply }, options)
    },
  )
  app.put(path, { schema: { hide: true } }, (_request, reply) =>
    reply.code(403).type(PLAIN).send('Say for which identity.\n'),
  )
}

async function setCanonical(
  body: Buffer,
  exchange: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  { canonical, events }: CanonicalRouteOptions,
): Promise<FastifyReply> {
  const { request, reply } = exchange
  try {
    const submission = await takeUpload(exchange, events, (form) =>
      canonical.set(identityOf(request), tokenOf(request), body, form),
    )
    if (submission === undefined) return reply
    events.verification('confirmed')
    return reply.type('application/json').send(JSON.stringify(reportOf(submission)))
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error
    if (error.code === 'CANONICAL_UNAUTHORIZED') return unauthorized(reply)
    const report = reportInvalid(error.fingerprints, error.message)
    return reply.code(422).type('application/json').send(JSON.stringify(report))
  }
}

function unauthorized(reply: FastifyReply): FastifyReply {
  return reply
    .code(401)
    .header('www-authenticate', 'Bearer')
    .type(PLAIN)
    .send('Ask for a token by POST to /pks/v2/sendtoken, and send the one that was mailed.\n')
}

function identityOf({ params }: FastifyRequest): string {
  return (params as { '*': string })['*']
}

/** RFC 6750 §2.1. Empty when there is none. */
function tokenOf({ headers }: FastifyRequest): string {
  const field = headers.authorization ?? headers['authentication']
  return typeof field === 'string' ? (/^bearer +(\S+)$/i.exec(field)?.[1] ?? '') : ''
}
