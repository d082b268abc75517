/** One SMTP port. The protocol is smtp-server's; what may be done on it is decided here. */
import type { AddressInfo } from 'node:net'
import type { TlsSource } from '@sealpost/service'
import { errorCode } from '@sealpost/errors'
import { SMTPServer } from 'smtp-server'
import type { SMTPServerOptions } from 'smtp-server'
import type { SmtpEvents } from './events.ts'
import { refuseRecipient } from './recipient.ts'
import type { SignIn } from './sign-in.ts'
import { SmtpReply } from './smtp-reply.ts'

export type ListenerKind = 'mx' | 'submission' | 'submissions'

export interface ListenerOptions {
  readonly kind: ListenerKind
  readonly host: string
  readonly port: number
  readonly domains: readonly string[]
  readonly tls: TlsSource
  readonly signIn: SignIn
  readonly events: SmtpEvents
}

export interface SmtpListener extends AsyncDisposable {
  readonly port: number
}

/** RFC 1870. Also the bound of what a client may make us read, once there is something to read. */
const MESSAGE_BYTES_MAX = 50 * 1024 * 1024

/** More get 421; each costs a few kilobytes. */
const CONNECTIONS_MAX = 1_000

/** RFC 5321 §4.5.3.2.7 asks for five minutes between commands. */
const IDLE_MS_MAX = 5 * 60 * 1000
const STOP_MS_MAX = 1_500

/** RFC 5321 §4.5.3.1.8: at least 100. */
const RECIPIENTS_MAX = 100

/** Commands of no use to anybody, and proxies' ways to claim another address. */
const NEVER = ['WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD']

const reject = {
  tlsFirst: () => new SmtpReply(530, '5.7.0', 'Must issue a STARTTLS command first'), // RFC 3207 §4
  signInFirst: () => new SmtpReply(530, '5.7.0', 'Authentication required'), // RFC 4954 §6
  internal: () => new SmtpReply(451, '4.3.0', 'Requested action aborted: error in processing'), // RFC 3463 §3.4
} as const

/** Throws what listening throws, such as EADDRINUSE. Disposal closes connections after 1.5 s. */
export async function openListener(options: ListenerOptions): Promise<SmtpListener> {
  const { kind, tls, events } = options
  const server = new SMTPServer({ ...serverOptions(options), ...tls.current() })
  const following = tls.onChange(() => server.updateSecureContext({ ...tls.current() }))
  server.on('error', (error) => events.connectionFailed(kind, errorCode(error)))
  await new Promise<void>((resolve, fail) => {
    server.server.once('error', fail)
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.server.address() as AddressInfo
  events.listening(kind, port)
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      following[Symbol.dispose]()
      await new Promise<void>((resolve) => server.close(resolve))
    },
  }
}

function serverOptions(options: ListenerOptions): SMTPServerOptions {
  const { kind, domains, events } = options
  return {
    name: domains[0] ?? 'localhost',
    secure: kind === 'submissions',
    minVersion: 'TLSv1.2',
    disabledCommands: kind === 'submissions' ? NEVER : [...NEVER, 'AUTH'],
    authMethods: ['PLAIN', 'LOGIN'],
    authOptional: true, // Decided at MAIL.
    allowInsecureAuth: false,
    heloResponse: '%s',
    // Our replies bring their own enhanced codes; the ones of smtp-server follow from the basic code alone.
    hideENHANCEDSTATUSCODES: true,
    hideDSN: true,
    hideREQUIRETLS: true,
    size: MESSAGE_BYTES_MAX,
    rejectOversized: true,
    maxClients: CONNECTIONS_MAX,
    maxRecipients: RECIPIENTS_MAX,
    socketTimeout: IDLE_MS_MAX,
    closeTimeout: STOP_MS_MAX,
    disableReverseLookup: true,
    logger: false,
    onConnect: (_session, callback) => {
      events.connected(kind)
      callback()
    },
    onSecure: (_socket, session, callback) => {
      // RFC 4954 §4: PLAIN is offered under TLS only; smtp-server would name it before and then refuse it.
      if (kind !== 'mx') session.disabledCommands = NEVER
      callback()
    },
    ...conversation(options),
  }
}

function conversation({
  kind,
  domains,
  signIn,
  events,
}: ListenerOptions): Pick<SMTPServerOptions, 'onAuth' | 'onMailFrom' | 'onRcptTo' | 'onData'> {
  return {
    onMailFrom: (_address, session, callback) => {
      if (kind === 'mx' || isSignedIn(session)) callback()
      else callback(session.secure ? reject.signInFirst() : reject.tlsFirst())
    },
    onAuth: ({ username = '', password, authzid }, session, callback) => {
      const answer = async (): Promise<void> => {
        const credentials = { username, password: password ?? '', authzid }
        const outcome = await signIn.check(credentials, session).catch(replyTo)
        if (outcome instanceof SmtpReply) callback(outcome)
        else callback(null, { user: outcome.id })
      }
      void answer()
    },
    onRcptTo: ({ address }, session, callback) => {
      const reply = refuseRecipient(address, { signedIn: isSignedIn(session), domains })
      events.recipientRefused(reply.responseCode)
      callback(reply)
    },
    // Not reached while every recipient is refused; if it ever is, nothing is lost by it.
    onData: (stream, _session, callback) => {
      stream.resume()
      stream.once('end', () => callback(reject.internal()))
    },
  }
}

/** Before AUTH `user` is undefined, false or an empty string, depending on what came before. */
function isSignedIn(session: { readonly user?: unknown }): boolean {
  return typeof session.user === 'string' && session.user !== ''
}

function replyTo(error: unknown): SmtpReply {
  return error instanceof SmtpReply ? error : reject.internal()
}
