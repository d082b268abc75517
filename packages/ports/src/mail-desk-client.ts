/** The port to the desk, from another process. */
import { MAIL_DESK_PATHS, readDeskList, readDeskText, readDone } from './mail-desk-wire.ts'
import type { MailDesk } from './mail-desk.ts'
import { askPort, type PortClientOptions } from './port-client.ts'

export function mailDeskClient(options: PortClientOptions): MailDesk {
  const pathOf = (id: string): string => MAIL_DESK_PATHS.mail.replace(':id', encodeURIComponent(id))
  return {
    list: (after) => {
      const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
      return askPort(options, { method: 'GET', path: `${MAIL_DESK_PATHS.list}${query}` }, readDeskList)
    },
    read: (id, from) =>
      askPort(options, { method: 'GET', path: `${pathOf(id)}?from=${String(from)}` }, readDeskText),
    done: (id) => askPort(options, { method: 'DELETE', path: pathOf(id) }, readDone),
    block: async (domain) => {
      await askPort(options, { method: 'POST', path: MAIL_DESK_PATHS.blocks, body: { domain } }, readDone)
    },
  }
}
