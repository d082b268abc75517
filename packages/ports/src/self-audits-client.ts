/** The ports to self-audits, from another process. */
import { askPort, type PortClientOptions } from './port-client.ts'
import { readBegun, readSelfAudit, SELF_AUDIT_PATHS } from './self-audits-wire.ts'
import type { SelfAudits } from './self-audits.ts'

export function selfAuditsClient(of: keyof typeof SELF_AUDIT_PATHS, options: PortClientOptions): SelfAudits {
  const path = SELF_AUDIT_PATHS[of]
  return {
    state: () => askPort(options, { method: 'GET', path }, readSelfAudit),
    begin: () => askPort(options, { method: 'POST', path }, readBegun),
  }
}
