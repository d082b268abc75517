/** The port to the keys that sign our mail, from another process. */
import { DKIM_PATH, readDkimKeys } from './dkim-wire.ts'
import type { DkimOperations } from './dkim.ts'
import { askPort, type PortClientOptions } from './port-client.ts'

/** DNS is asked for each record, five seconds at most. */
const TIMEOUT_MS = 10_000

export function dkimClient(options: PortClientOptions): DkimOperations {
  const patient = { ...options, timeoutMs: TIMEOUT_MS }
  const pathOf = (domain: string): string => DKIM_PATH.replace(':domain', encodeURIComponent(domain))
  return {
    list: (domain) => askPort(patient, { method: 'GET', path: pathOf(domain) }, readDkimKeys),
    rotate: (domain) => askPort(patient, { method: 'POST', path: pathOf(domain), body: {} }, readDkimKeys),
  }
}
