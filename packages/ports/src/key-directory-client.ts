/** The key directory's port from another process. */
import { fields, flag } from './answer.ts'
import type { KeyDirectory } from './key-directory.ts'
import { askPort, type PortClientOptions } from './port-client.ts'
import { PortError } from './port-error.ts'

/** `find` takes `{ address }` and answers `{ certificate }`: null, or its bytes in Base64. `submit` takes a SubmissionMail, its message in Base64, and answers `{ done: true }`. */
export const KEY_DIRECTORY_PATHS = { find: '/internal/keys/find', submit: '/internal/keys/submit' } as const
/** Of a mail with a key in it. The directory takes uploads of a megabyte; a key that programs find over the Web Key Directory has 256 KiB at most. */
export const SUBMISSION_BYTES_MAX = 1024 * 1024
/** A mail is read in a few seconds at most, and others may be before it. */
const SUBMIT_TIMEOUT_MS = 45_000

export function keyDirectoryClient(options: PortClientOptions): KeyDirectory {
  return {
    find: (address) =>
      askPort(
        options,
        { method: 'POST', path: KEY_DIRECTORY_PATHS.find, body: { address } },
        readCertificate,
      ),
    submit: ({ domain, authenticated, message }) =>
      askPort(
        { timeoutMs: SUBMIT_TIMEOUT_MS, ...options },
        {
          method: 'POST',
          path: KEY_DIRECTORY_PATHS.submit,
          body: { domain, authenticated, message: message.toString('base64') },
        },
        readDone,
      ),
  }
}

function readCertificate(answer: unknown): Buffer | undefined {
  const { certificate } = fields(answer)
  if (certificate === null) return undefined
  if (typeof certificate !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(certificate))
    throw new PortError('PORT_FAILED')
  return Buffer.from(certificate, 'base64')
}

function readDone(answer: unknown): void {
  if (!flag(fields(answer)['done'])) throw new PortError('PORT_FAILED')
}
