/** The ports to what services hold of an account, from another process. */
import {
  OWN_DATA_BYTES_MAX,
  OWN_DATA_PATHS,
  readKeysOwnData,
  readMailOwnData,
  readRelayOwnData,
} from './own-data-wire.ts'
import type { OwnDataPorts } from './own-data.ts'
import { askPort, type PortClientOptions } from './port-client.ts'

/** Large answers are written and read as a whole. */
const TIMEOUT_MS = 30_000

/** Where each of the services is. */
export function ownDataClients(
  options: Readonly<Record<keyof OwnDataPorts, PortClientOptions>>,
): OwnDataPorts {
  const ask =
    <T>(service: keyof OwnDataPorts, read: (answer: unknown) => T) =>
    (accountId: string): Promise<T> =>
      askPort(
        { timeoutMs: TIMEOUT_MS, ...options[service] },
        {
          method: 'GET',
          path: OWN_DATA_PATHS[service].replace(':account', encodeURIComponent(accountId)),
          answerBytesMax: OWN_DATA_BYTES_MAX,
        },
        read,
      )
  return {
    relay: { ownData: ask('relay', readRelayOwnData) },
    keys: { ownData: ask('keys', readKeysOwnData) },
    mail: { ownData: ask('mail', readMailOwnData) },
  }
}
