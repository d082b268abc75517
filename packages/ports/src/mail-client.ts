/** The mail relay's port from another process. */
import { MAIL_PATH, readSent, writeMail } from './mail-wire.ts'
import type { Mail } from './mail.ts'
import { askPort, type PortClientOptions } from './port-client.ts'

/** Longer than the relay itself tries. */
const TIMEOUT_MS = 45_000

export function mailClient(options: PortClientOptions): Mail {
  return {
    send: (mail) =>
      askPort(
        { timeoutMs: TIMEOUT_MS, ...options },
        { method: 'POST', path: MAIL_PATH, body: writeMail(mail) },
        readSent,
      ),
  }
}
