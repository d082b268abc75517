/** What the faces do with keys that are sent: bounds, forms, and the answer to what cannot be taken. */
import type { FastifyReply, FastifyRequest } from '@sealpost/http'
import { OpenPgpError } from '@sealpost/openpgp'
import { CertificateWorkerError } from '../certificates/certificate-worker.ts'
import type { Form } from '../certificates/form.ts'
import { DirectoryError } from '../directory/directory.ts'
import type { Submission } from '../directory/directory.ts'
import type { KeysEvents } from '../events.ts'

export const PLAIN = 'text/plain; charset=utf-8'
/** A megabyte of armor as a form has it: each octet may take three. */
export const FORM_BYTES_MAX = 3 * 1024 * 1024 + 1024
/** A megabyte of armor in a JSON string. */
export const JSON_BYTES_MAX = 2 * 1024 * 1024
/** Of one client. */
export const UPLOADS_PER_MINUTE = 60
const RETRY_AFTER_SECONDS = 30

/** Undefined when the request is no form. A form of parts without a boundary has no field. */
export function formOf({ headers }: FastifyRequest): Form | undefined {
  const type = headers['content-type'] ?? ''
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) return 'urlencoded'
  if (!/^multipart\/form-data\b/i.test(type)) return undefined
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type) ?? []
  return { boundary: quoted ?? bare ?? '' }
}

/** Undefined when it was refused, and the reply told so. */
export async function takeUpload(
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  events: KeysEvents,
  submit: (form: Form | undefined) => Promise<Submission>,
): Promise<Submission | undefined> {
  try {
    const submission = await submit(formOf(request))
    for (const { outcome } of submission.certificates) events.submitted(outcome)
    return submission
  } catch (error) {
    if (error instanceof OpenPgpError) {
      events.uploadRefused(error.code)
      const status = error.code === 'OPENPGP_TOO_LARGE' ? 413 : 422
      void reply.code(status).type(PLAIN).send(`${error.message}\n`)
      return undefined
    }
    if (!(error instanceof CertificateWorkerError || error instanceof DirectoryError)) throw error
    events.uploadRefused(error.code)
    void reply.code(503).header('retry-after', RETRY_AFTER_SECONDS).type(PLAIN).send(`${error.message}\n`)
    return undefined
  }
}
