/** Brings mail to our own users: to a mailbox server by LMTP (RFC 2033), or into the sealed mailbox. Each recipient has a fate of its own. */
import type { Account, Accounts } from '@sealpost/accounts'
import { MailHeader, formatAddress } from '@sealpost/mail'
import type { Clock } from '@sealpost/runtime'
import type { Content } from '../content.ts'
import { SessionCache } from '../delivery/session-cache.ts'
import { SessionError, ownReply } from '../delivery/session-error.ts'
import { SmtpSession } from '../delivery/smtp-session.ts'
import { sendMail } from '../delivery/transaction.ts'
import { mailboxJid } from '../local-mailbox.ts'
import type { Attempt, AttemptResult, Outcome } from '../queue/carrier.ts'
import type { Reply } from '../queue/mail-record.ts'
import type { EnvelopeRecipient, Envelope } from '../reception/stage.ts'
import type { Arrival } from './arrival.ts'
import { isRoleAddress } from '../stages/recipients.ts'
import { DESK, type Mailbox } from './mailbox.ts'

/** `host:port`, or the path of a socket. */
export type LmtpServer = { readonly host: string; readonly port: number } | { readonly path: string }

export interface LocalOptions {
  readonly accounts: Pick<Accounts, 'find'>
  readonly domains: readonly string[]
  readonly mailbox: Mailbox
  readonly arrival: Arrival
  /** Undefined: mail waits in the sealed mailbox. */
  readonly lmtp: LmtpServer | undefined
  /** Said in LHLO. */
  readonly name: string
  readonly clock: Clock
}

/** The destination of all our domains. */
export const LOCAL = 'local'
const KEPT: Reply = ownReply(250, '2.0.0', 'The mail is in the mailbox')

export class LocalCarrier implements Disposable {
  readonly #options: LocalOptions
  readonly #sessions: SessionCache

  constructor(options: LocalOptions) {
    this.#options = options
    this.#sessions = new SessionCache(options.clock)
  }

  /** Recipients one after the other: their content may differ. */
  async carry({ mail, recipients, signal }: Attempt): Promise<AttemptResult> {
    const outcomes: Outcome[] = []
    let reached = true
    for (const recipient of recipients) {
      if (!reached) {
        outcomes.push(outcomes.at(-1) ?? deferred('4.4.1', 'The mailbox server does not answer'))
        continue
      }
      const delivery = await this.#deliver(recipient, mail.envelope, mail.content, signal)
      reached = delivery.reached
      outcomes.push(delivery.outcome)
    }
    return { outcomes, reached }
  }

  [Symbol.dispose](): void {
    this.#sessions[Symbol.dispose]()
  }

  async #deliver(
    recipient: EnvelopeRecipient,
    envelope: Envelope,
    content: Content,
    signal: AbortSignal,
  ): Promise<{ outcome: Outcome; reached: boolean }> {
    const { accounts, domains, arrival, lmtp } = this.#options
    try {
      const jid = mailboxJid(recipient.address, domains)
      const account = jid && (await accounts.find(jid))
      if (account === undefined && isRoleAddress(recipient.address))
        return { outcome: await this.#keep(DESK, envelope, content), reached: true }
      const refusal = refusalOf(account)
      if (account === undefined || refusal !== undefined)
        return { outcome: refusal ?? deferred('4.3.0', ''), reached: true }
      const prepared = await arrival.prepare(account, envelope, content)
      if (prepared.result !== 'content')
        return {
          outcome: { result: prepared.result === 'refused' ? 'failed' : 'deferred', reply: prepared.reply },
          reached: true,
        }
      try {
        const mine = { ...envelope, recipients: [recipient] }
        if (lmtp !== undefined) return await this.#hand(mine, prepared.content, lmtp, signal)
        return { outcome: await this.#keep(account.id, mine, prepared.content), reached: true }
      } finally {
        await prepared[Symbol.asyncDispose]?.()
      }
    } catch {
      return { outcome: deferred('4.3.0', 'The mailbox cannot take mail now'), reached: true }
    }
  }

  async #keep(account: string, envelope: Envelope, content: Content): Promise<Outcome> {
    const { mailbox } = this.#options
    if (mailbox.isFull(account, content.bodyBytes)) return deferred('4.2.2', 'The mailbox is full')
    await mailbox.put(account, envelope, { ...content, header: withReturnPath(content.header, envelope) })
    return { result: 'delivered', reply: KEPT, how: 'final' }
  }

  async #hand(
    envelope: Envelope,
    content: Content,
    server: LmtpServer,
    signal: AbortSignal,
  ): Promise<{ outcome: Outcome; reached: boolean }> {
    let session: SmtpSession
    try {
      session = this.#sessions.take(LOCAL) ?? (await this.#connect(server, signal))
    } catch (error) {
      if (!(error instanceof SessionError)) throw error
      return { outcome: { result: 'deferred', reply: error.reply }, reached: false }
    }
    const { recipients } = envelope
    // The mailbox server writes Return-Path (RFC 5321 §4.4). What was asked for reports is our business: this is the last hop.
    const plain = { ...envelope, returnContent: undefined, envelopeId: undefined, requireTls: false }
    const bare = recipients.map(({ address }) => ({
      address,
      notify: undefined,
      originalRecipient: undefined,
    }))
    const [outcome] = await sendMail(session, {
      envelope: plain,
      recipients: bare,
      content,
      protocol: 'lmtp',
    })
    this.#sessions.giveBack(LOCAL, session)
    return {
      outcome: outcome ?? deferred('4.4.2', 'The connection to the mailbox server broke'),
      reached: true,
    }
  }

  #connect(server: LmtpServer, signal: AbortSignal): Promise<SmtpSession> {
    const { name, clock } = this.#options
    const [address, port] = 'path' in server ? [server.path, 0] : [server.host, server.port]
    const common = { name, clock, signal, ca: undefined, implicitTls: false, tls: { kind: 'none' } } as const
    return SmtpSession.open({ host: 'mailbox', address, port, protocol: 'lmtp', ...common })
  }
}

/** RCPT has refused what it could; since then accounts may have changed. */
function refusalOf(account: Account | undefined): Outcome | undefined {
  if (account?.state === 'active') return undefined
  if (account?.state === 'suspended') return deferred('4.2.1', 'The mailbox is closed at present')
  return { result: 'failed', reply: ownReply(550, '5.1.1', 'No such mailbox here') }
}

function deferred(status: string, text: string): Outcome {
  return { result: 'deferred', reply: ownReply(450, status, text) }
}

/** RFC 5321 §4.4: who gets the mail sees whom its failure would have been told. */
function withReturnPath(header: Buffer, { sender }: Envelope): Buffer {
  const fields = MailHeader.parse(header)
  if (fields === undefined) return header
  fields.remove('Return-Path')
  fields.prepend('Return-Path', `<${sender === undefined ? '' : formatAddress(sender)}>`)
  return fields.toBuffer()
}
