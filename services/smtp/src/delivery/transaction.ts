/** RFC 5321 §3.3: one mail over a session, and what becomes of each recipient. */
import { isAscii } from 'node:buffer'
import { setImmediate as turn } from 'node:timers/promises'
import { formatAddress } from '@sealpost/mail'
import type { Content } from '../content.ts'
import type { Outcome } from '../queue/carrier.ts'
import type { Reply } from '../queue/mail-record.ts'
import type { Envelope, EnvelopeRecipient } from '../reception/stage.ts'
import { BareLineEnd, DotStuffing } from './dot-stuffing.ts'
import type { ServerReply } from './reply-reader.ts'
import { SessionError, ownReply } from './session-error.ts'
import type { SmtpSession } from './smtp-session.ts'

export interface Transaction {
  readonly envelope: Envelope
  readonly recipients: readonly EnvelopeRecipient[]
  readonly content: Content
  readonly protocol: 'smtp' | 'lmtp'
}

const TEXT_MAX = 500
/** Of a mail, sent at once. */
const TOGETHER_BYTES = 64 * 1024
const ASCII = /^\p{ASCII}*$/u
/** RFC 3461 §4: octets outside this are written as `+` and two digits. */
const NOT_XTEXT = /[^!-*,-<>-~]/g
/** RFC 6647: how servers say that they want to see us again. */
const GREYLISTED = /gr[ae]y.?list/i

/** Never throws for what the server does: outcomes tell it. The session may be closed afterwards. */
export async function sendMail(session: SmtpSession, transaction: Transaction): Promise<Outcome[]> {
  const { recipients } = transaction
  const outcomes: (Outcome | undefined)[] = recipients.map(() => undefined)
  const all = (outcome: Outcome): Outcome[] => outcomes.map((one) => one ?? outcome)
  try {
    const impossible = await whyNot(session, transaction)
    if (impossible !== undefined) return all({ result: 'failed', reply: impossible })
    session.isClean = false
    const isPipelined = session.has('PIPELINING')
    const envelope = commands(session, transaction)
    const [mail, ...answers] = await session.ask(...envelope, ...(isPipelined ? ['DATA'] : []))
    const early = isPipelined ? answers.pop() : undefined
    if (mail === undefined || mail.code !== 250) return all(withdrawn(session, early, mail))
    for (const [index, answer] of answers.entries())
      if (answer.code !== 250 && answer.code !== 251) outcomes[index] = refused(session, answer)
    const accepted = recipients.flatMap((_, index) => (outcomes[index] === undefined ? [index] : []))
    if (accepted.length === 0) return all(withdrawn(session, early, answers[0]))
    const [data = early] = isPipelined ? [] : await session.ask('DATA')
    if (data?.code !== 354) return all(refused(session, data))
    await sendContent(session, transaction.content)
    session.mails += 1
    const ends = transaction.protocol === 'lmtp' ? accepted.length : 1 // RFC 2033 §4.2
    const how = transaction.protocol === 'lmtp' ? 'final' : undefined
    for (let end = 0; end < ends; end++)
      outcomes[accepted[end] ?? 0] = outcomeOf(session, await session.end(), how)
    session.isClean = true
    return all(outcomes[accepted[0] ?? 0] ?? broken(session, undefined))
  } catch (error) {
    return all(broken(session, error))
  }
}

/** What the mail needs and the server does not have. */
async function whyNot(
  session: SmtpSession,
  { envelope, recipients, content }: Transaction,
): Promise<Reply | undefined> {
  const sizeMax = Number(session.extensions.get('SIZE') ?? 0)
  if (sizeMax > 0 && sizeOf(content) > sizeMax)
    return ownReply(552, '5.3.4', 'The mail is larger than the next server takes')
  if (envelope.requireTls && !session.has('REQUIRETLS'))
    return ownReply(550, '5.7.30', 'The next server does not know REQUIRETLS')
  const addresses = [envelope.sender, ...recipients.map(({ address }) => address)]
  const needsUtf8 =
    addresses.some((address) => address !== undefined && !ASCII.test(address.local)) ||
    !isAscii(content.header)
  if (needsUtf8 && envelope.smtpUtf8 && !session.has('SMTPUTF8'))
    return ownReply(550, '5.6.7', 'The next server does not take addresses beyond ASCII')
  if (!session.has('8BITMIME') && (await isEightBit(content)))
    return ownReply(554, '5.6.3', 'The next server takes 7-bit mail only')
  return undefined
}

function commands(session: SmtpSession, { envelope, recipients, content }: Transaction): string[] {
  const dsn = session.has('DSN')
  const utf8 = envelope.smtpUtf8 && session.has('SMTPUTF8')
  const sender = envelope.sender === undefined ? '' : formatAddress(envelope.sender)
  const mail = [
    `MAIL FROM:<${sender}>`,
    session.has('SIZE') ? `SIZE=${String(sizeOf(content))}` : '',
    session.has('8BITMIME') ? 'BODY=8BITMIME' : '',
    utf8 ? 'SMTPUTF8' : '',
    envelope.requireTls ? 'REQUIRETLS' : '',
    dsn && envelope.returnContent !== undefined
      ? `RET=${envelope.returnContent === 'full' ? 'FULL' : 'HDRS'}`
      : '',
    dsn && envelope.envelopeId !== undefined ? `ENVID=${xtext(envelope.envelopeId)}` : '',
  ]
  const rcpts = recipients.map(({ address, notify, originalRecipient }) => [
    `RCPT TO:<${formatAddress(address)}>`,
    dsn && notify !== undefined ? `NOTIFY=${notify.join(',').toUpperCase()}` : '',
    dsn && originalRecipient !== undefined ? `ORCPT=${originalXtext(originalRecipient)}` : '',
  ])
  return [mail, ...rcpts].map((words) => words.filter((word) => word !== '').join(' '))
}

/** A small mail leaves as one. */
async function sendContent(session: SmtpSession, content: Content): Promise<void> {
  const stuffing = new DotStuffing()
  try {
    let waiting = [stuffing.feed(content.header)]
    let bytes = content.header.length
    for await (const chunk of content.body()) {
      waiting.push(stuffing.feed(chunk))
      bytes += chunk.length
      if (bytes < TOGETHER_BYTES) continue
      await session.write(...waiting)
      await turn() // A fast server takes all of it at once; others wait meanwhile.
      waiting = []
      bytes = 0
    }
    await session.write(...waiting, stuffing.end())
  } catch (error) {
    session[Symbol.dispose]() // The mail must not end here for the server.
    throw error
  }
}

/** RFC 2920 §3.1: a server may want the content though it took no recipient. It gets none, and with the connection the transaction ends. */
function withdrawn(
  session: SmtpSession,
  data: ServerReply | undefined,
  answer: ServerReply | undefined,
): Outcome {
  if (data?.code === 354) session[Symbol.dispose]()
  return refused(session, answer)
}

function outcomeOf(session: SmtpSession, answer: ServerReply, how: 'final' | undefined): Outcome {
  if (answer.code !== 250) return refused(session, answer)
  const reply = replyOf(session, answer)
  return { result: 'delivered', reply, how: how ?? (session.has('DSN') ? 'passed' : 'relayed') }
}

function refused(session: SmtpSession, answer: ServerReply | undefined): Outcome {
  if (answer === undefined) return broken(session, undefined)
  const reply = replyOf(session, answer)
  if (answer.code >= 500) return { result: 'failed', reply }
  return { result: 'deferred', reply, greylisted: GREYLISTED.test(answer.text) }
}

function broken(session: SmtpSession, error: unknown): Outcome {
  if (error instanceof BareLineEnd)
    return { result: 'failed', reply: ownReply(550, '5.6.0', 'The mail has line ends that must not be sent') }
  if (error instanceof SessionError) return { result: 'deferred', reply: error.reply }
  session[Symbol.dispose]()
  return { result: 'deferred', reply: ownReply(451, '4.3.0', 'The mail could not be read here') }
}

function replyOf(session: SmtpSession, { code, status, text }: ServerReply): Reply {
  const fallback = `${String(code).charAt(0)}.0.0`
  return { code, status: status ?? fallback, text: text.slice(0, TEXT_MAX), host: session.host }
}

function sizeOf({ header, bodyBytes }: Content): number {
  return header.length + bodyBytes
}

async function isEightBit(content: Content): Promise<boolean> {
  if (!isAscii(content.header)) return true
  for await (const chunk of content.body()) if (!isAscii(chunk)) return true
  return false
}

function xtext(text: string): string {
  return text.replaceAll(NOT_XTEXT, (char) =>
    [...Buffer.from(char)].map((byte) => `+${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

/** `addr-type;address`: the type stands as it is. */
function originalXtext(original: string): string {
  const [type = '', ...rest] = original.split(';')
  return `${type.replaceAll(NOT_XTEXT, '')};${xtext(rest.join(';'))}`
}
