/** What a client is told when the directory cannot answer for the moment. */
import { isConnectionError } from '@sealpost/db'
import { HttpProblem } from '@sealpost/http'
import { CertificateWorkerError } from '../certificates/certificate-worker.ts'
import { DirectoryError } from '../directory/directory.ts'

/** Anything else passes through. */
export function toHttpProblem(error: unknown): unknown {
  if (error instanceof CertificateWorkerError || error instanceof DirectoryError)
    return new HttpProblem(503, 'busy', error.message)
  if (isConnectionError(error)) return new HttpProblem(503, 'unavailable', 'The database is away; try again')
  return error
}
