/** The port to single certificates of the key directory, from another process. */
import { KEY_OPERATIONS_PATHS, readDirectoryKeys, readWhetherDone } from './key-operations-wire.ts'
import type { KeyOperations } from './key-operations.ts'
import { askPort, type PortClientOptions } from './port-client.ts'

export function keyOperationsClient(options: PortClientOptions): KeyOperations {
  const change = (path: string, fingerprint: string): Promise<boolean> =>
    askPort(options, { method: 'POST', path, body: { fingerprint } }, readWhetherDone)
  return {
    find: ({ kind, value }) =>
      askPort(
        options,
        { method: 'POST', path: KEY_OPERATIONS_PATHS.find, body: { kind, value } },
        readDirectoryKeys,
      ),
    remove: (fingerprint) => change(KEY_OPERATIONS_PATHS.remove, fingerprint),
    readmit: async (fingerprint) => {
      await change(KEY_OPERATIONS_PATHS.readmit, fingerprint)
    },
  }
}
