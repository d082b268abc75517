/** What a client is told when the directory cannot answer for the moment. */
import { isConnectionError } from '@sealpost/db'
import { HttpProblem } from '@sealpost/http'
import type { FastifyInstance } from '@sealpost/http'
import { CertificateWorkerError } from '../certificates/certificate-worker.ts'
import { DirectoryError } from '../directory/directory.ts'
import { SubmissionThreadError } from '../web-key-service/submission-thread.ts'

/** Anything else passes through. */
export function toHttpProblem(error: unknown): unknown {
  if (
    error instanceof CertificateWorkerError ||
    error instanceof DirectoryError ||
    error instanceof SubmissionThreadError
  )
    return new HttpProblem(503, 'busy', error.message)
  if (isConnectionError(error)) return new HttpProblem(503, 'unavailable', 'The database is away; try again')
  return error
}

/** For routes that have nothing more to say about it: clients ask again later, and do not believe that there is no such key. */
export function tellWhenAway(app: FastifyInstance): void {
  app.setErrorHandler((error) => {
    throw toHttpProblem(error)
  })
}
