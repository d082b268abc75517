/** The port to mail that waits, from another process. */
import { MAIL_QUEUE_PATHS, readChanged, readQueued } from './mail-queue-wire.ts'
import type { MailOperations } from './mail-queue.ts'
import { askPort, type PortClientOptions } from './port-client.ts'

export function mailOperationsClient(options: PortClientOptions): MailOperations {
  const fill = (path: string, id: string, change = ''): string =>
    path.replace(':id', encodeURIComponent(id)).replace(':change', change)
  return {
    queued: (limit, accountId) => {
      const query = new URLSearchParams({
        limit: String(limit),
        ...(accountId === undefined ? {} : { account: accountId }),
      })
      return askPort(
        options,
        { method: 'GET', path: `${MAIL_QUEUE_PATHS.queue}?${query.toString()}` },
        readQueued,
      )
    },
    find: async (id) => {
      const path = fill(MAIL_QUEUE_PATHS.mail, id)
      return (await askPort(options, { method: 'GET', path }, readQueued))[0]
    },
    change: (id, change) =>
      askPort(
        options,
        { method: 'POST', path: fill(MAIL_QUEUE_PATHS.change, id, change), body: {} },
        readChanged,
      ),
  }
}
