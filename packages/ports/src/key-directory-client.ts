/** The key directory's port from another process. */
import { fields } from './answer.ts'
import type { KeyDirectory } from './key-directory.ts'
import { askPort, type PortClientOptions } from './port-client.ts'
import { PortError } from './port-error.ts'

/** Takes `{ address }` and answers `{ certificate }`: null, or its bytes in Base64. */
export const KEY_DIRECTORY_PATH = '/internal/keys/find'

export function keyDirectoryClient(options: PortClientOptions): KeyDirectory {
  return {
    find: (address) =>
      askPort(options, { method: 'POST', path: KEY_DIRECTORY_PATH, body: { address } }, readCertificate),
  }
}

function readCertificate(answer: unknown): Buffer | undefined {
  const { certificate } = fields(answer)
  if (certificate === null) return undefined
  if (typeof certificate !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(certificate))
    throw new PortError('PORT_FAILED')
  return Buffer.from(certificate, 'base64')
}
