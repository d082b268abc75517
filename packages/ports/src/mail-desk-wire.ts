/** The port to the desk over HTTP: its paths, and its answers as they are read on the other side. */
import { count, fields, type Fields, flag, list, oneOf, optional, text, UUID } from './answer.ts'
import { DESK_LIST_MAX, FEEDBACK_TYPES, type DeskMail, type DeskText } from './mail-desk.ts'
import { PortError } from './port-error.ts'

/** As a router writes them. The list takes `after`, the mail `from`; answers are `{ items }`, and `{ done }` for DELETE and for
 * blocks, which take `{ domain }`. */
export const MAIL_DESK_PATHS = {
  list: '/internal/mail/desk',
  mail: '/internal/mail/desk/:id',
  blocks: '/internal/mail/sender-blocks',
} as const

/** Throws PORT_FAILED, as the other readers do. */
export function readDeskList(answer: unknown): DeskMail[] {
  return list(fields(answer)['items'], DESK_LIST_MAX).map(readMail)
}

export function readDeskText(answer: unknown): DeskText | undefined {
  const [item] = list(fields(answer)['items'], 1)
  return item && { ...readMail(item), text: anyText(item['text']), next: optional(item['next'], count) }
}

export function readDone(answer: unknown): boolean {
  return flag(fields(answer)['done'])
}

function readMail(item: Fields): DeskMail {
  return {
    id: text(item['id'], UUID),
    acceptedAt: count(item['acceptedAt']),
    bytes: count(item['bytes']),
    feedback: optional(item['feedback'], (value) => oneOf(value, FEEDBACK_TYPES)),
    from: anyText(item['from']),
    subject: anyText(item['subject']),
  }
}

function anyText(value: unknown): string {
  if (typeof value !== 'string') throw new PortError('PORT_FAILED')
  return value
}
