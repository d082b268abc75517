/**
 * RFC 5321 §4.1.1.4: one mail from 354 to its reply. Header into memory, stages, body into a draft of the queue and past the watchers, stages again, queue.
 * Durable before 250; whatever fails before leaves nothing.
 */
import { errorCode } from '@sealpost/errors'
import { MailHeader } from '@sealpost/mail'
import type { Random } from '@sealpost/runtime'
import type { Content } from '../content.ts'
import type { SmtpEvents } from '../events.ts'
import type { Draft, MailQueue } from '../queue/mail-queue.ts'
import { SmtpReply } from '../smtp-reply.ts'
import type { DataReader } from './data-reader.ts'
import { HeaderCollector } from './header-collector.ts'
import type { Client, Envelope, Transaction } from './stage.ts'
import type { Stages } from './stages.ts'

const reject = {
  headerTooLarge: () => new SmtpReply(552, '5.3.4', 'Header too large'), // RFC 3463 §3.4
  header: () => new SmtpReply(550, '5.6.0', 'Not a message: malformed header'), // RFC 5322 §2.2
  queueFull: () => new SmtpReply(452, '4.3.1', 'Insufficient system storage'), // RFC 3463 §3.4
  queue: () => new SmtpReply(451, '4.3.0', 'Requested action aborted: error in processing'), // RFC 3463 §3.4
} as const

export interface IntakeOptions {
  readonly queue: MailQueue
  readonly stages: Stages
  readonly random: Random
  readonly events: Pick<SmtpEvents, 'queueRefused'>
}

export type Receipt =
  | { readonly id: string; readonly transaction: Transaction }
  | { readonly refused: SmtpReply }

export class Intake {
  readonly #options: IntakeOptions

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** The data is read to its end, whatever becomes of the mail. Throws ConnectionError. */
  async receive(client: Client, envelope: Envelope, data: DataReader): Promise<Receipt> {
    const receipt = await this.#receive(client, envelope, data)
    await data.drain()
    return data.fault === undefined ? receipt : { refused: data.fault }
  }

  async #receive(client: Client, envelope: Envelope, data: DataReader): Promise<Receipt> {
    const { random, stages } = this.#options
    const read = await readHeader(data)
    if ('refused' in read) return read
    const id = random.bytes(12).toString('base64url')
    const transaction = { id, client, envelope, header: read.header, notes: new Map() }
    const refused = await stages.ask('header', transaction)
    if (refused !== undefined) return { refused }
    try {
      return await this.#keep(transaction, read.rest, data)
    } catch (error) {
      const code = errorCode(error)
      if (!code.startsWith('QUEUE_')) throw error
      this.#options.events.queueRefused(code)
      return { refused: code === 'QUEUE_FULL' ? reject.queueFull() : reject.queue() }
    }
  }

  async #keep(transaction: Transaction, beginning: Buffer, data: DataReader): Promise<Receipt> {
    const { queue, stages } = this.#options
    await using draft = queue.draft()
    const refused =
      (await this.#writeBody(transaction, draft, beginning, data)) ??
      data.fault ??
      (await stages.ask('message', transaction, contentOf(transaction.header, draft, await draft.finish())))
    if (refused !== undefined) return { refused }
    const { client, envelope, header } = transaction
    const mail = { account: client.account?.id, envelope, header: header.toBuffer(), draft }
    return { id: await queue.enqueue(mail), transaction }
  }

  /** Under the draft's backpressure. A refusal of a watcher ends it. */
  async #writeBody(
    transaction: Transaction,
    draft: Draft,
    beginning: Buffer,
    data: DataReader,
  ): Promise<SmtpReply | undefined> {
    using watching = this.#options.stages.watch(transaction)
    const transform = this.#options.stages.transform(transaction)
    for (let chunk: Buffer | undefined = beginning; chunk !== undefined; chunk = await data.next()) {
      if (chunk.length === 0) continue
      if (data.fault !== undefined) return data.fault
      const refused = await watching.write(chunk)
      if (refused !== undefined) return refused
      await draft.write(transform?.write(chunk) ?? chunk)
    }
    if (transform !== undefined) await draft.write(transform.end())
    return data.fault ?? (await watching.end())
  }
}

type ReadHeader = { readonly header: MailHeader; readonly rest: Buffer } | { readonly refused: SmtpReply }

async function readHeader(data: DataReader): Promise<ReadHeader> {
  const collector = new HeaderCollector()
  while (collector.state === 'more') {
    const chunk = await data.next()
    if (chunk === undefined) collector.end()
    else collector.add(chunk)
  }
  if (collector.state === 'tooLarge') return { refused: reject.headerTooLarge() }
  const header = MailHeader.parse(collector.header)
  if (header === undefined) return { refused: reject.header() }
  return { header, rest: collector.rest }
}

/** The header as the stages have it now. */
function contentOf(header: MailHeader, draft: Draft, body: Content['body']): Content {
  return {
    get header() {
      return header.toBuffer()
    },
    bodyBytes: draft.bodyBytes,
    body,
  }
}
