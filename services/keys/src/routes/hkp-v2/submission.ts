/** draft-ietf-openpgp-hkp §5.2.1, §5.2.4, §5.2.5, §7.2: certificates sent, as they are or in a form, and the report of what became of each. */
import type { FastifyInstance } from '@sealpost/http'
import type { Outcome, Submission } from '../../directory/directory.ts'
import type { HkpOptions } from '../hkp.ts'
import { PLAIN, takeUpload, UPLOADS_PER_MINUTE } from '../take-upload.ts'

/** The first is that of the current draft; the second that of others, armored by leave. */
export const SUBMISSION_TYPES = ['application/pgp', 'application/pgp-keys', 'multipart/form-data'] as const
/** A megabyte, and what a form puts around it. */
export const BODY_BYTES_MAX = 1024 * 1024 + 16 * 1024

interface Entry {
  readonly version: number
  readonly fingerprint: string
  readonly comment?: string
}
type Report = Readonly<Record<'inserted' | 'updated' | 'deleted' | 'ignored' | 'invalid', readonly Entry[]>>

const COMMENTS: Partial<Record<Outcome, string>> = {
  unchanged: 'There is nothing new in it.',
  ignored: 'Its owner had it removed.',
}
const INVALID = 'Nothing in it is signed by its own key.'

export function takeSubmissionTypes(app: FastifyInstance): void {
  app.addContentTypeParser(
    [...SUBMISSION_TYPES],
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    (_request, body, done) => done(null, body),
  )
}

export function submissionRoute(app: FastifyInstance, path: string, options: HkpOptions): void {
  const { directory, events } = options
  app.post(
    path,
    {
      schema: { summary: 'Submit certificates', tags: ['keys'] },
      bodyLimit: BODY_BYTES_MAX,
      config: { rateLimit: { max: UPLOADS_PER_MINUTE } },
    },
    async (request, reply) => {
      const { body } = request
      if (!Buffer.isBuffer(body))
        return reply.code(415).type(PLAIN).send('Send certificates as application/pgp.\n')
      const submission = await takeUpload({ request, reply }, events, (form) => directory.submit(body, form))
      if (submission === undefined) return reply
      const { certificates, refused } = submission
      if (certificates.length + refused.length === 0)
        return reply.code(422).type(PLAIN).send('There is no certificate in it that we can read.\n')
      const status = certificates.length === 0 ? 422 : 200
      return reply
        .code(status)
        .type('application/json')
        .send(JSON.stringify(reportOf(submission)))
    },
  )
}

export function reportOf({ certificates, refused }: Submission): Report {
  const of = (...outcomes: readonly Outcome[]): Entry[] =>
    certificates
      .filter(({ outcome }) => outcomes.includes(outcome))
      .map(({ fingerprint, outcome }) => entry(fingerprint, COMMENTS[outcome]))
  return {
    inserted: of('inserted'),
    updated: of('updated'),
    deleted: [],
    ignored: of('unchanged', 'ignored'),
    invalid: refused.map((fingerprint) => entry(fingerprint, INVALID)),
  }
}

/** Of certificates that were not taken. */
export function reportInvalid(fingerprints: readonly string[], comment: string): Report {
  const invalid = fingerprints.map((fingerprint) => entry(fingerprint, comment))
  return { inserted: [], updated: [], deleted: [], ignored: [], invalid }
}

function entry(fingerprint: string, comment: string | undefined): Entry {
  const version = fingerprint.length === 40 ? 4 : 6
  return { version, fingerprint: fingerprint.toLowerCase(), ...(comment === undefined ? {} : { comment }) }
}
