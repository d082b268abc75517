/** The API's port for sessions of accounts, from another process. */
import { readVerdict, OWN_SESSIONS_PATH } from './own-sessions-wire.ts'
import type { OwnSessions } from './own-sessions.ts'
import { askPort, type PortClientOptions } from './port-client.ts'

export function ownSessionsClient(options: PortClientOptions): OwnSessions {
  return {
    judge: (shown) =>
      askPort(options, { method: 'POST', path: OWN_SESSIONS_PATH, body: { ...shown } }, readVerdict),
  }
}
