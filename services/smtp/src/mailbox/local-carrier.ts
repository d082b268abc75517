/**
 * Brings mail to our own users: to a mailbox server by LMTP (RFC 2033), or into the sealed mailbox. Each recipient has a fate of its own. What is for whoever runs the server
 * (RFC 2142 §4 and §5) goes to the account of that name, else where the operator said, else to the desk; it is never refused.
 */
import type { Account, Accounts } from '@sealpost/accounts'
import { type EmailAddress, MailHeader, formatAddress } from '@sealpost/mail'
import type { KeyDirectory } from '@sealpost/ports'
import type { Clock } from '@sealpost/runtime'
import type { Content } from '../content.ts'
import { SessionCache } from '../delivery/session-cache.ts'
import { SessionError, ownReply } from '../delivery/session-error.ts'
import { SmtpSession } from '../delivery/smtp-session.ts'
import { sendMail } from '../delivery/transaction.ts'
import type { SmtpEvents } from '../events.ts'
import { isSubmissionAddress, localDomain, mailboxJid } from '../local-mailbox.ts'
import type { Attempt, AttemptResult, Carrier, Outcome } from '../queue/carrier.ts'
import type { Reply } from '../queue/mail-record.ts'
import type { EnvelopeRecipient, Envelope } from '../reception/stage.ts'
import { reportKind } from '../reports/report-addresses.ts'
import type { Arrival } from './arrival.ts'
import { isRoleAddress } from '../stages/recipients.ts'
import type { FullMailboxes } from './full-mailboxes.ts'
import { submitKey } from './key-submission.ts'
import { DESK, type Mailbox } from './mailbox.ts'

/** `host:port`, or the path of a socket. */
export type LmtpServer = { readonly host: string; readonly port: number } | { readonly path: string }

export interface LocalOptions {
  readonly accounts: Pick<Accounts, 'find'>
  readonly domains: readonly string[]
  readonly mailbox: Mailbox
  readonly arrival: Arrival
  /** Takes the mail to its own addresses. */
  readonly keys: Pick<KeyDirectory, 'submit'>
  /** Undefined: mail waits in the sealed mailbox. */
  readonly lmtp: LmtpServer | undefined
  /** Learns of mailboxes at the mailbox server. */
  readonly full: FullMailboxes
  /** Who gets mail to postmaster@ and abuse@ where no account has the name; undefined: it waits at the desk. */
  readonly abuseMailbox: EmailAddress | undefined
  /** To addresses elsewhere. */
  readonly remote: Carrier
  readonly events: Pick<SmtpEvents, 'operatorMail'>
  /** Said in LHLO. */
  readonly name: string
  readonly clock: Clock
}

/** The destination of all our domains. */
export const LOCAL = 'local'
/** So long it is tried to hand on what is for whoever runs the server; then it waits at the desk. */
const OPERATOR_PATIENCE_MS = 4 * 60 * 60_000
const COUNTED: Outcome = {
  result: 'delivered',
  reply: ownReply(250, '2.0.0', 'The report was taken'),
  how: 'final',
}
const KEPT: Reply = ownReply(250, '2.0.0', 'The mail is in the mailbox')

interface Delivery {
  readonly outcome: Outcome
  /** False: the mailbox server cannot be reached. */
  readonly reached: boolean
}

/** A mail for one of its recipients. */
interface Parcel {
  /** Of the mail in the queue. */
  readonly id: string
  readonly recipient: EnvelopeRecipient
  readonly envelope: Envelope
  readonly content: Content
  /** Whether one of our users sent it. */
  readonly authenticated: boolean
  readonly acceptedAt: number
  readonly signal: AbortSignal
}

export class LocalCarrier implements Disposable {
  readonly #options: LocalOptions
  readonly #sessions: SessionCache

  constructor(options: LocalOptions) {
    this.#options = options
    this.#sessions = new SessionCache(options.clock)
  }

  /** Recipients one after the other: their content may differ. */
  async carry({ id, mail, account, acceptedAt, recipients, signal }: Attempt): Promise<AttemptResult> {
    const outcomes: Outcome[] = []
    let reached = true
    for (const recipient of recipients) {
      if (!reached) {
        outcomes.push(outcomes.at(-1) ?? deferred('4.4.1', 'The mailbox server does not answer'))
        continue
      }
      const authenticated = account !== undefined
      const delivery = await this.#deliver({ ...mail, id, recipient, authenticated, acceptedAt, signal })
      reached = delivery.reached
      outcomes.push(delivery.outcome)
    }
    return { outcomes, reached }
  }

  [Symbol.dispose](): void {
    this.#sessions[Symbol.dispose]()
  }

  async #deliver(parcel: Parcel): Promise<Delivery> {
    const { address } = parcel.recipient
    // Counted when it came in, and kept nowhere.
    if (reportKind(address) !== undefined) return { outcome: COUNTED, reached: true }
    try {
      if (isSubmissionAddress(address, this.#options.domains))
        return { outcome: await submitKey(this.#options.keys, address.domain, parcel), reached: true }
      return await (isRoleAddress(address) ? this.#toOperator(parcel) : this.#toAccount(parcel))
    } catch {
      return { outcome: deferred('4.3.0', 'The mailbox cannot take mail now'), reached: true }
    }
  }

  /** RFC 5321 §4.5.1: to postmaster and abuse. */
  async #toOperator(parcel: Parcel): Promise<Delivery> {
    const { abuseMailbox, domains, clock, events } = this.#options
    const isNew = clock.now() < parcel.acceptedAt + OPERATOR_PATIENCE_MS
    for (const address of [parcel.recipient.address, abuseMailbox]) {
      if (address === undefined) continue
      const recipient = { ...parcel.recipient, address }
      const isOurs = localDomain(address, domains) !== undefined
      const delivery = isOurs
        ? await this.#toAccount({ ...parcel, recipient })
        : await this.#passOn({ ...parcel, recipient })
      const { result } = delivery.outcome
      if (result === 'delivered') events.operatorMail('delivered')
      if (result === 'delivered' || (result === 'deferred' && isNew)) return delivery
    }
    const outcome = await this.#keep(DESK, parcel, parcel.content)
    events.operatorMail(outcome.result === 'delivered' ? 'desk' : 'full')
    return { outcome, reached: true }
  }

  /** Without a reverse-path: what becomes of it there is nobody's business but the operator's. */
  async #passOn({
    id,
    recipient: { address },
    envelope,
    content,
    acceptedAt,
    signal,
  }: Parcel): Promise<Delivery> {
    const { remote } = this.#options
    const recipients = [{ address, notify: ['never'] as const, originalRecipient: undefined }]
    const mail = { envelope: { ...envelope, sender: undefined, recipients, requireTls: false }, content }
    const destination = remote.destinationOf(address.domain)
    const { outcomes } = await remote.carry({
      id,
      mail,
      acceptedAt,
      isForeign: true,
      destination,
      recipients,
      signal,
    })
    return { outcome: outcomes[0] ?? deferred('4.4.1', 'The next server does not answer'), reached: true }
  }

  async #toAccount({ id, recipient, envelope, content, signal }: Parcel): Promise<Delivery> {
    const { accounts, domains, arrival, lmtp, full } = this.#options
    const jid = mailboxJid(recipient.address, domains)
    const account = jid && (await accounts.find(jid))
    const refusal = refusalOf(account)
    if (account === undefined || refusal !== undefined)
      return { outcome: refusal ?? deferred('4.3.0', ''), reached: true }
    const prepared = await arrival.prepare(account, envelope, content)
    if (prepared.result !== 'content') {
      const result = prepared.result === 'refused' ? 'failed' : 'deferred'
      return { outcome: { result, reply: prepared.reply }, reached: true }
    }
    try {
      const mine = { ...envelope, recipients: [recipient] }
      if (lmtp !== undefined) {
        const delivery = await this.#hand(mine, prepared.content, lmtp, signal)
        full.learn(account.id, delivery.outcome)
        return delivery
      }
      return {
        outcome: await this.#keep(account.id, { id, recipient, envelope: mine }, prepared.content),
        reached: true,
      }
    } finally {
      await prepared[Symbol.asyncDispose]?.()
    }
  }

  async #keep(
    account: string,
    { id, recipient, envelope }: Pick<Parcel, 'id' | 'recipient' | 'envelope'>,
    content: Content,
  ): Promise<Outcome> {
    const { mailbox } = this.#options
    const delivered = { result: 'delivered', reply: KEPT, how: 'final' } as const
    const source = `${id} ${formatAddress(recipient.address)}`
    if (mailbox.holds(source)) return delivered
    if (await mailbox.isFull(account, content.bodyBytes)) return deferred('4.2.2', 'The mailbox is full')
    const kept = { ...content, header: withReturnPath(content.header, envelope) }
    await mailbox.put(account, envelope, kept, source)
    return delivered
  }

  async #hand(
    envelope: Envelope,
    content: Content,
    server: LmtpServer,
    signal: AbortSignal,
  ): Promise<Delivery> {
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
