/**
 * draft-ietf-openpgp-hkp §5: version 2 of HKP. Identities that are no mail address are never published, and so never found. Section numbers are those of
 * draft-gallagher-openpgp-hkp-10.
 */
import type { FastifyInstance, FastifyPluginAsync } from '@sealpost/http'
import { answerAnybody } from '../answer-anybody.ts'
import { tellWhenAway } from '../problems.ts'
import { PLAIN } from '../take-upload.ts'
import { canonicalRoute, CANONICAL_TYPES, sendTokenRoute } from './canonical.ts'
import type { CanonicalRouteOptions } from './canonical.ts'
import { lookups } from './lookups.ts'
import { submissionRoute, SUBMISSION_TYPES, takeSubmissionTypes } from './submission.ts'

const ROOT = '/pks/v2'
/** How long a browser may remember what is allowed. */
const PREFLIGHT_SECONDS = 86_400

export const hkpV2: FastifyPluginAsync<CanonicalRouteOptions> = async (app, options) => {
  answerAnybody(app)
  tellWhenAway(app)
  takeSubmissionTypes(app)
  for (const { category, summary, answer } of lookups) {
    announce(app, category, category === 'canonical' ? CANONICAL_METHODS : { allow: 'GET, HEAD, OPTIONS' })
    app.get(`${ROOT}/${category}/*`, { schema: { summary, tags: ['keys'] } }, (request, reply) => {
      const { '*': identifier } = request.params as { '*': string }
      return identifier === '' ? withoutIdentifier(reply) : answer(identifier, { request, reply }, options)
    })
    app.get(`${ROOT}/${category}`, { schema: { hide: true } }, (_request, reply) => withoutIdentifier(reply))
  }
  announce(app, 'certs', { allow: 'POST, OPTIONS', accept: SUBMISSION_TYPES.join(', ') })
  app.get(`${ROOT}/certs`, { schema: { hide: true } }, (_request, reply) => withoutIdentifier(reply))
  submissionRoute(app, `${ROOT}/certs`, options)
  canonicalRoute(app, `${ROOT}/canonical`, options)
  announce(app, 'sendtoken', { allow: 'POST, OPTIONS', accept: 'text/plain' })
  await sendTokenRoute(app, `${ROOT}/sendtoken`, options)
  for (const path of [ROOT, `${ROOT}/*`])
    // §4.2
    app.all(path, { schema: { hide: true } }, (_request, reply) =>
      reply.code(501).type(PLAIN).send('This category or operation is not supported.\n'),
    )
}

const CANONICAL_METHODS = { allow: 'GET, HEAD, PUT, OPTIONS', accept: CANONICAL_TYPES.join(', ') }

type Reply = Parameters<(typeof lookups)[number]['answer']>[1]['reply']

/** §5.1.7 */
function withoutIdentifier(reply: Reply): Reply {
  return reply.code(403).type(PLAIN).send('Directories cannot be listed: say which one.\n')
}

/** §5.1.7, §5.2.6: that a category is supported, and how. Browsers ask the same before they send. */
function announce(
  app: FastifyInstance,
  category: string,
  { allow, accept }: { readonly allow: string; readonly accept?: string },
): void {
  const paths = ['certs', 'sendtoken'].includes(category) ? [category] : [category, `${category}/*`]
  for (const path of paths)
    app.options(`${ROOT}/${path}`, { schema: { hide: true } }, (_request, reply) => {
      if (accept !== undefined) void reply.header('accept', accept)
      return reply
        .headers({
          allow,
          'access-control-allow-methods': allow,
          'access-control-allow-headers': 'authentication, authorization, content-type',
          'access-control-max-age': PREFLIGHT_SECONDS,
        })
        .send()
    })
}
