/**
 * RFC 5321 §4: the commands of one connection and their order. RFC 3207 STARTTLS, RFC 4954 AUTH, RFC 1870 SIZE, RFC 6152 8BITMIME, RFC 6531 SMTPUTF8,
 * RFC 3461 DSN, RFC 2034 ENHANCEDSTATUSCODES, RFC 2920 PIPELINING, RFC 8689 REQUIRETLS, RFC 9422 LIMITS. Left out: CHUNKING (RFC 3030), VRFY and EXPN.
 */
import { isUtf8 } from 'node:buffer'
import type { SignedIn } from '@sealpost/accounts'
import { errorCode } from '@sealpost/errors'
import { type EmailAddress, formatAddress } from '@sealpost/mail'
import type { Clock } from '@sealpost/runtime'
import type { SmtpEvents } from '../events.ts'
import { mailboxJid } from '../local-mailbox.ts'
import { SmtpReply } from '../smtp-reply.ts'
import { authenticate } from './authenticate.ts'
import { type Command, parseCommand, parseMail, parseRecipient } from './command.ts'
import { type Connection, ConnectionError } from './connection.ts'
import { DataReader, ExcessError } from './data-reader.ts'
import type { Intake } from './intake.ts'
import type { SignIn } from './sign-in.ts'
import type { Client, Entrance, Envelope, EnvelopeRecipient } from './stage.ts'
import type { Stages } from './stages.ts'
import type { TlsContext } from './tls-context.ts'

export interface ConversationOptions {
  readonly entrance: Entrance
  readonly domains: readonly string[]
  /** RFC 1870. */
  readonly messageBytesMax: number
  readonly tls: TlsContext
  readonly signIn: SignIn
  readonly stages: Stages
  readonly intake: Intake
  readonly clock: Clock
  readonly events: SmtpEvents
}

/** RFC 5321 §4.5.3.1.4 asks for 512; parameters of extensions add to it. */
const LINE_BYTES_MAX = 4_096
/** RFC 5321 §4.5.3.2.7, for the whole of a line. */
const COMMAND_MS_MAX = 5 * 60_000
/** Without a mail, a connection is of no use to anybody for longer. */
const WITHOUT_MAIL_MS_MAX = 30 * 60_000
/** RFC 5321 §4.5.3.1.8. More get 452, and another transaction. */
const RECIPIENTS_MAX = 100
/** RCPT that add nobody, before a mail is taken. Clients that do not know our limit try them all; one that goes on is sent away. */
const SURPLUS_MAX = 1_000
/** RFC 9422 §4.1. */
const MAILS_MAX = 1_000
/** Refused commands before the connection is closed. */
const ERRORS_MAX = 20
/** Commands that lead to no mail, the same. */
const IDLE_COMMANDS_MAX = 100

/** RFC 5321 §4.5.1 and §3.5.3 allow to say nothing about who is here. */
const reject = {
  syntax: () => new SmtpReply(500, '5.5.2', 'Syntax error'),
  unknown: () => new SmtpReply(500, '5.5.1', 'Command not recognized'),
  notImplemented: () => new SmtpReply(502, '5.5.1', 'Command not implemented'),
  noParameters: () => new SmtpReply(501, '5.5.4', 'No parameters allowed'),
  hello: () => new SmtpReply(501, '5.5.4', 'Say who you are'),
  sequence: (text: string) => new SmtpReply(503, '5.5.1', text),
  tlsFirst: () => new SmtpReply(530, '5.7.0', 'Must issue a STARTTLS command first'), // RFC 3207 §4
  signInFirst: () => new SmtpReply(530, '5.7.0', 'Authentication required'), // RFC 4954 §6
  recipients: () => new SmtpReply(452, '4.5.3', 'Too many recipients'), // RFC 5321 §4.5.3.1.10
  // Each of these ends the connection.
  synchronization: () => new SmtpReply(521, '5.5.0', 'You talk before you were answered'), // RFC 2920 §3.1
  lineEnd: () => new SmtpReply(521, '5.5.2', 'Lines must end in CRLF'), // RFC 5321 §2.3.8
  lineTooLong: () => new SmtpReply(521, '5.5.2', 'Line too long'),
  web: () => new SmtpReply(521, '5.5.1', 'This is a mail server'),
  errors: () => new SmtpReply(421, '4.7.0', 'Too many errors'),
  timeout: () => new SmtpReply(421, '4.4.2', 'You took too long'), // RFC 3463 §3.5
  mails: () => new SmtpReply(421, '4.5.3', 'Too many mails on one connection'), // RFC 9422 §4.1
  stopping: () => new SmtpReply(421, '4.3.2', 'Shutting down'), // RFC 3463 §3.4
  suspended: () => new SmtpReply(421, '4.7.0', 'The account was suspended, or signed out'),
  internal: () => new SmtpReply(421, '4.3.0', 'Requested action aborted: error in processing'),
} as const

/** RFC 5321 §4.2: these say goodbye. */
const LAST = new Set([221, 421, 521])

class ConversationClient implements Client {
  readonly entrance: Entrance
  readonly trusted: boolean
  readonly #connection: Connection
  helo = ''
  account: SignedIn | undefined

  constructor(entrance: Entrance, trusted: boolean, connection: Connection) {
    this.entrance = entrance
    this.trusted = trusted
    this.#connection = connection
  }

  get address(): string {
    return this.#connection.address
  }

  get tls(): Client['tls'] {
    return this.#connection.tls
  }
}

type Handler = (argument: string) => Promise<void> | void

export class Conversation {
  readonly #options: ConversationOptions
  readonly #connection: Connection
  readonly #client: ConversationClient
  #envelope: Envelope | undefined
  #errors = 0
  #idleCommands = 0
  #surplus = 0
  #mails = 0
  #lastMailMs: number
  #receiving = false
  #stopping = false

  constructor(connection: Connection, trusted: boolean, options: ConversationOptions) {
    this.#connection = connection
    this.#options = options
    this.#client = new ConversationClient(options.entrance, trusted, connection)
    this.#lastMailMs = options.clock.monotonic()
  }

  /** Who has signed in. */
  get account(): SignedIn | undefined {
    return this.#client.account
  }

  /** From the greeting to the end. Never throws. */
  async run(): Promise<void> {
    const { stages } = this.#options
    try {
      const refused = await stages.ask('connect', this.#client)
      if (this.#connection.hasInput) throw reject.synchronization()
      if (refused !== undefined) throw refused
      this.#connection.write(`220 ${this.#host} ESMTP\r\n`)
      while (!this.#connection.closed) await this.#turn()
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#connection.end()
      stages.tell('disconnect', this.#client)
    }
  }

  /** The server stops: whoever waits is told; a mail that is coming in gets a moment more. */
  stop(): void {
    this.#stopping = true
    if (this.#receiving) return
    this.#say(reject.stopping())
    this.#connection.end()
  }

  /** The account may not send any more. */
  expel(): void {
    this.#say(reject.suspended())
    this.#connection.end()
  }

  get #host(): string {
    return this.#options.domains[0] ?? 'localhost'
  }

  async #turn(): Promise<void> {
    if (this.#stopping) throw reject.stopping()
    const now = this.#options.clock.monotonic()
    const deadline = Math.min(now + COMMAND_MS_MAX, this.#lastMailMs + WITHOUT_MAIL_MS_MAX)
    const line = await this.#connection.readLine(LINE_BYTES_MAX, deadline)
    const command = isUtf8(line) ? parseCommand(line.toString()) : undefined
    try {
      if (command === undefined) throw reject.syntax()
      const handler = this.#handlers.get(command.verb)
      if (handler === undefined) throw command.argument.includes(' HTTP/') ? reject.web() : reject.unknown()
      this.#countIdle(command)
      await handler(command.argument)
    } catch (error) {
      if (!(error instanceof SmtpReply) || LAST.has(error.responseCode)) throw error
      this.#errors += 1
      if (this.#errors >= ERRORS_MAX) throw reject.errors()
      this.#say(error)
    }
  }

  readonly #handlers: ReadonlyMap<string, Handler> = new Map(
    Object.entries<Handler>({
      EHLO: (name) => this.#hello(name, true),
      HELO: (name) => this.#hello(name, false),
      STARTTLS: (argument) => this.#startTls(argument),
      AUTH: (argument) => this.#auth(argument),
      MAIL: (argument) => this.#mail(argument),
      RCPT: (argument) => this.#recipient(argument),
      DATA: (argument) => this.#data(argument),
      RSET: (argument) => {
        if (argument !== '') throw reject.noParameters()
        this.#envelope = undefined
        this.#connection.write('250 2.0.0 Ok\r\n')
      },
      NOOP: () => this.#connection.write('250 2.0.0 Ok\r\n'),
      HELP: () => this.#connection.write('214 2.0.0 RFC 5321\r\n'),
      // RFC 5321 §3.5.3: nobody learns here who exists.
      VRFY: () => this.#connection.write('252 2.1.5 Send some mail, it may be delivered\r\n'),
      EXPN: () => {
        throw reject.notImplemented()
      },
      BDAT: () => {
        throw reject.notImplemented()
      },
      QUIT: () => {
        throw new SmtpReply(221, '2.0.0', 'Bye')
      },
    }),
  )

  #countIdle({ verb }: Command): void {
    this.#idleCommands = verb === 'RCPT' ? this.#idleCommands : this.#idleCommands + 1
    if (this.#idleCommands > IDLE_COMMANDS_MAX) throw reject.errors()
  }

  #hello(name: string, extended: boolean): void {
    if (name === '' || name.length > 255) throw reject.hello()
    this.#client.helo = name
    this.#envelope = undefined // RFC 5321 §4.1.4
    const lines = extended ? [this.#host, ...this.#extensions()] : [this.#host]
    const last = lines.length - 1
    this.#connection.write(lines.map((line, index) => `250${index === last ? ' ' : '-'}${line}\r\n`).join(''))
  }

  #extensions(): string[] {
    const secure = this.#connection.tls !== undefined
    return [
      'PIPELINING',
      `SIZE ${String(this.#options.messageBytesMax)}`,
      ...(secure ? ['REQUIRETLS'] : ['STARTTLS']),
      ...(this.#offersAuth ? [`AUTH ${this.#options.signIn.mechanisms(this.#connection).join(' ')}`] : []),
      'ENHANCEDSTATUSCODES',
      '8BITMIME',
      'DSN',
      'SMTPUTF8',
      `LIMITS MAILMAX=${String(MAILS_MAX)} RCPTMAX=${String(RECIPIENTS_MAX)}`,
    ]
  }

  /** RFC 4954 §4: passwords and proofs under TLS only. */
  get #offersAuth(): boolean {
    return this.#client.entrance !== 'mx' && this.#connection.tls !== undefined
  }

  async #startTls(argument: string): Promise<void> {
    if (argument !== '') throw reject.noParameters()
    if (this.#connection.tls !== undefined) throw reject.sequence('TLS is active')
    // RFC 3207 §5: nothing that was said before TLS is taken for said under it.
    if (this.#connection.hasInput) throw reject.synchronization()
    this.#connection.write('220 2.0.0 Ready to start TLS\r\n')
    this.#client.helo = ''
    this.#envelope = undefined
    await this.#connection.startTls(this.#options.tls.current)
  }

  async #auth(argument: string): Promise<void> {
    if (this.#client.entrance === 'mx') throw reject.notImplemented()
    if (this.#connection.tls === undefined)
      throw new SmtpReply(538, '5.7.11', 'Encryption required: issue STARTTLS first') // RFC 4954 §6
    if (this.#client.helo === '') throw reject.sequence('EHLO first')
    if (this.#client.account !== undefined) throw reject.sequence('Already signed in')
    if (this.#envelope !== undefined) throw reject.sequence('Not during a transaction')
    this.#client.account = await authenticate(argument, this.#connection, this.#options)
    this.#connection.write('235 2.7.0 Authentication successful\r\n')
  }

  async #mail(argument: string): Promise<void> {
    const { client, connection } = { client: this.#client, connection: this.#connection }
    if (client.helo === '') throw reject.sequence('EHLO first')
    if (client.entrance !== 'mx' && client.account === undefined && !client.trusted)
      throw connection.tls === undefined ? reject.tlsFirst() : reject.signInFirst()
    if (this.#envelope !== undefined) throw reject.sequence('A transaction is under way')
    if (this.#mails >= MAILS_MAX) throw reject.mails()
    const requireTls = connection.tls !== undefined
    const sizeMax = this.#options.messageBytesMax
    const envelope = parseMail(argument, { sizeMax, requireTls, auth: this.#offersAuth })
    if (envelope instanceof SmtpReply) throw envelope
    const refused = await this.#options.stages.ask('sender', client, envelope)
    if (refused !== undefined) throw refused
    this.#envelope = envelope
    connection.write('250 2.1.0 Ok\r\n')
  }

  async #recipient(argument: string): Promise<void> {
    const envelope = this.#envelope
    if (envelope === undefined) throw reject.sequence('MAIL first')
    const postmaster = { local: 'postmaster', domain: this.#host }
    const recipient = parseRecipient(argument, { smtpUtf8: envelope.smtpUtf8, postmaster })
    if (recipient instanceof SmtpReply) throw recipient
    if (isAmong(envelope.recipients, recipient, this.#options.domains))
      return this.#surplusRecipient(new SmtpReply(250, '2.1.5', 'Ok'))
    if (envelope.recipients.length >= RECIPIENTS_MAX) return this.#surplusRecipient(reject.recipients())
    const refused = await this.#options.stages.ask('recipient', this.#client, envelope, recipient)
    if (refused !== undefined) {
      this.#options.events.recipientRefused(refused.responseCode)
      throw refused
    }
    this.#envelope = { ...envelope, recipients: [...envelope.recipients, recipient] }
    this.#connection.write('250 2.1.5 Ok\r\n')
  }

  #surplusRecipient(reply: SmtpReply): void {
    this.#surplus += 1
    if (this.#surplus > SURPLUS_MAX) throw reject.errors()
    this.#say(reply)
  }

  async #data(argument: string): Promise<void> {
    const envelope = this.#envelope
    if (argument !== '') throw reject.noParameters()
    if (envelope === undefined) throw reject.sequence('MAIL first')
    if (envelope.recipients.length === 0) throw reject.sequence('No valid recipients')
    if (this.#connection.hasInput) throw reject.synchronization()
    this.#envelope = undefined
    this.#connection.write('354 End data with <CR><LF>.<CR><LF>\r\n')
    this.#receiving = true
    try {
      const { messageBytesMax, clock } = this.#options
      const data = new DataReader(this.#connection, messageBytesMax, clock)
      await this.#receive(envelope, data)
    } finally {
      this.#receiving = false
    }
  }

  async #receive(envelope: Envelope, data: DataReader): Promise<void> {
    const { intake, stages, clock, events } = this.#options
    const receipt = await intake.receive(this.#client, envelope, data)
    this.#lastMailMs = clock.monotonic()
    if ('refused' in receipt) {
      events.mailReceived(this.#client.entrance, receipt.refused.code)
      throw receipt.refused
    }
    this.#mails += 1
    this.#idleCommands = 0
    this.#surplus = 0
    this.#connection.write(`250 2.6.0 Queued as ${receipt.id}\r\n`)
    events.mailReceived(this.#client.entrance, 'accepted')
    stages.tell('accepted', receipt.transaction)
  }

  #say(reply: SmtpReply): void {
    this.#connection.write(`${String(reply.responseCode)} ${reply.message}\r\n`)
  }

  #fail(error: unknown): void {
    const { events, entrance } = this.#options
    if (error instanceof SmtpReply) return this.#say(error)
    events.connectionFailed(entrance, errorCode(error))
    if (!(error instanceof ConnectionError)) return this.#say(reject.internal())
    if (error instanceof ExcessError) this.#say(error.reply)
    if (error.code === 'SMTP_TIMEOUT') this.#say(reject.timeout())
    if (error.code === 'SMTP_LINE_ENDING') this.#say(reject.lineEnd())
    if (error.code === 'SMTP_LINE_TOO_LONG') this.#say(reject.lineTooLong())
  }
}

/** Named twice, a recipient would get the mail twice; a hundred times, and one mail would fill a mailbox. */
function isAmong(
  recipients: Envelope['recipients'],
  { address }: EnvelopeRecipient,
  domains: readonly string[],
): boolean {
  const mailboxOf = (each: EmailAddress): string =>
    mailboxJid(each, domains)?.toString() ?? formatAddress(each)
  const mailbox = mailboxOf(address)
  return recipients.some((each) => mailboxOf(each.address) === mailbox)
}
