/** The port for imported accounts from another process. */
import { CHAT_IMPORT_PATH, readImportedChat } from './chat-import-wire.ts'
import type { ChatImport } from './chat-import.ts'
import { askPort, type PortClientOptions } from './port-client.ts'

/** A thousand contacts and as many items are written one by one. */
const TIMEOUT_MS = 60_000

export function chatImportClient(options: PortClientOptions): ChatImport {
  return {
    importChat: (account, parts) =>
      askPort(
        { timeoutMs: TIMEOUT_MS, ...options },
        {
          method: 'POST',
          path: CHAT_IMPORT_PATH.replace(':account', encodeURIComponent(account)),
          body: { parts },
        },
        readImportedChat,
      ),
  }
}
