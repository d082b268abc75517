/** The desk of whoever runs this server: mail to postmaster@ and abuse@ that no account takes, listed, read and done with by administrators. */
import { MailHeader } from '@sealpost/mail'
import {
  DESK_LIST_MAX,
  DESK_PIECE_BYTES,
  type DeskMail,
  type DeskText,
  type FeedbackType,
  type MailDesk,
} from '@sealpost/ports'
import type { Content } from '../content.ts'
import { DESK, type Mailbox } from '../mailbox/mailbox.ts'
import type { OpenMail } from '../queue/kept-mail.ts'
import { FEEDBACK_LOOKED_AT_BYTES, feedbackType, isFeedbackReport } from './feedback-report.ts'

const FIELD_MAX = 200

export class Desk implements MailDesk {
  readonly #mailbox: Mailbox
  readonly block: MailDesk['block']

  constructor(mailbox: Mailbox, block: MailDesk['block']) {
    this.#mailbox = mailbox
    this.block = block
  }

  /** Throws DbError, as `read` does. */
  async list(after?: string): Promise<DeskMail[]> {
    const items: DeskMail[] = []
    for (const { id } of this.#mailbox.list(DESK, DESK_LIST_MAX, after)) {
      const mail = await this.#mailbox.open(DESK, id)
      if (mail !== undefined) items.push(await describe(mail))
    }
    return items
  }

  async read(id: string, from: number): Promise<DeskText | undefined> {
    const mail = await this.#mailbox.open(DESK, id)
    if (mail === undefined) return undefined
    const about = await describe(mail)
    if (from > 0 && from >= about.bytes) return undefined
    const piece = wholeLines(await take(whole(mail.content), from, DESK_PIECE_BYTES), about.bytes - from)
    const end = from + piece.length
    return { ...about, text: piece.toString('utf8'), next: end < about.bytes ? end : undefined }
  }

  done(id: string): Promise<boolean> {
    return this.#mailbox.acknowledge(DESK, id)
  }
}

async function describe({ kept, content }: OpenMail): Promise<DeskMail> {
  const header = MailHeader.parse(content.header) ?? MailHeader.empty()
  const field = (name: string): string =>
    (header.value(name) ?? '').replaceAll(/[\s\p{Cc}]+/gu, ' ').slice(0, FIELD_MAX)
  return {
    id: kept.id,
    acceptedAt: kept.acceptedAt,
    bytes: content.header.length + content.bodyBytes,
    feedback: await feedbackOf(header, content),
    from: field('from'),
    subject: field('subject'),
  }
}

async function feedbackOf(header: MailHeader, content: Content): Promise<FeedbackType | undefined> {
  if (!isFeedbackReport(header)) return undefined
  return feedbackType((await take(content.body(), 0, FEEDBACK_LOOKED_AT_BYTES)).toString('latin1'))
}

async function* whole(content: Content): AsyncGenerator<Buffer> {
  yield content.header
  yield* content.body()
}

/** At most `length` bytes from a place on. */
async function take(chunks: AsyncIterable<Buffer>, from: number, length: number): Promise<Buffer> {
  const taken: Buffer[] = []
  let at = 0
  for await (const chunk of chunks) {
    taken.push(chunk.subarray(Math.max(from - at, 0), Math.max(from + length - at, 0)))
    at += chunk.length
    if (at >= from + length) break
  }
  return Buffer.concat(taken)
}

/** Unless it is the rest, a piece ends with a line, so that no character is cut in two. */
function wholeLines(piece: Buffer, left: number): Buffer {
  const end = piece.lastIndexOf(0x0a) + 1
  return piece.length < left && end > 0 ? piece.subarray(0, end) : piece
}
