/**
 * The contract of reception: one connection, its transactions, and the stages that each of them passes. A stage is one concern in one file of `stages/`;
 * service.ts lists them in their order. What a stage answers with is the reply to the client; undefined lets the transaction go on.
 */
import type { Account } from '@sealpost/accounts'
import type { BodyTransform, EmailAddress, MailHeader } from '@sealpost/mail'
import type { Content } from '../content.ts'
import type { SmtpReply } from '../smtp-reply.ts'

/** `mx`: from other servers. The others take mail of our users, after they have signed in. */
export type Entrance = 'mx' | 'submission' | 'submissions'

/** Who is at the other end. Lives as long as the connection; nothing of it is logged or kept. */
export interface Client {
  readonly entrance: Entrance
  /** IP address, by PROXY where the network is trusted. */
  readonly address: string
  /** Of a network that the operator trusts: it may relay without signing in, and is not limited. */
  readonly trusted: boolean
  /** Argument of the last EHLO or HELO. */
  readonly helo: string
  readonly tls: { readonly version: string; readonly cipher: string } | undefined
  /** Who signed in. */
  readonly account: Account | undefined
}

/** RFC 3461 §4.1. */
export type NotifyWhen = 'never' | 'success' | 'failure' | 'delay'

export interface EnvelopeRecipient {
  readonly address: EmailAddress
  /** Undefined: not asked for; failure and delay are told. */
  readonly notify: readonly NotifyWhen[] | undefined
  /** RFC 3461 §4.2: `addr-type;address`, decoded. */
  readonly originalRecipient: string | undefined
}

export interface Envelope {
  /** Undefined: the null reverse-path (RFC 5321 §4.5.5), which is never answered by mail. */
  readonly sender: EmailAddress | undefined
  readonly recipients: readonly EnvelopeRecipient[]
  /** RFC 6531. */
  readonly smtpUtf8: boolean
  /** RFC 6152. */
  readonly eightBit: boolean
  /** RFC 8689: over verified TLS or not at all. */
  readonly requireTls: boolean
  /** RFC 3461 §4.3 and §4.4. */
  readonly returnContent: 'full' | 'headers' | undefined
  readonly envelopeId: string | undefined
}

/** A mail on its way in: from the end of its header on. */
export interface Transaction {
  /** Random; said in the reply to DATA and in Received. */
  readonly id: string
  readonly client: Client
  readonly envelope: Envelope
  /** Stages change it until the mail is queued. */
  readonly header: MailHeader
  /** What stages tell each other, each under a symbol of its own (see `transactionNote`). */
  readonly notes: Map<symbol, unknown>
}

/** Sees the body as it comes in, behind dot-unstuffing, CRLF checked. */
export interface BodyWatcher {
  /** A reply ends the transaction: the rest is read and dropped, up to the limit of size. */
  write(chunk: Buffer): SmtpReply | undefined | Promise<SmtpReply | undefined>
  end(): SmtpReply | undefined | Promise<SmtpReply | undefined>
  /** The client is gone, or another stage has refused: free what is held. */
  abandon?(): void
}

type Outcome = SmtpReply | undefined | Promise<SmtpReply | undefined>

export interface Stage {
  /** For metrics. */
  readonly name: string
  /** Before the greeting. */
  connect?(client: Client): Outcome
  /** MAIL FROM. */
  sender?(client: Client, envelope: Envelope): Outcome
  /** One RCPT TO; `envelope` has those accepted before. */
  recipient?(client: Client, envelope: Envelope, recipient: EnvelopeRecipient): Outcome
  /** The header is complete; the body has not begun. */
  header?(transaction: Transaction): Outcome
  /** What the body is made into on its way to the queue; watchers see it as it came. Of several stages the first that wants to has it. */
  transform?(transaction: Transaction): BodyTransform | undefined
  /** A watcher of this body; undefined: not interested. */
  watch?(transaction: Transaction): BodyWatcher | undefined
  /** The body is complete and can be read again, more than once; nothing is durable yet. */
  message?(transaction: Transaction, content: Content): Outcome
  /** The mail is durable and the client was told so. */
  accepted?(transaction: Transaction): void
  /** The connection is over. */
  disconnect?(client: Client): void
}

/** A typed place in the notes of a transaction. */
export interface TransactionNote<T> {
  get(transaction: Transaction): T | undefined
  set(transaction: Transaction, value: T): void
}

export function transactionNote<T>(name: string): TransactionNote<T> {
  const key = Symbol(name)
  return {
    get: ({ notes }) => notes.get(key) as T | undefined,
    set: ({ notes }, value) => void notes.set(key, value),
  }
}
