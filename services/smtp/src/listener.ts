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

export async function openListener(options: ListenerOptions): Promise<SmtpListener> {
  const { kind, tls, events } = options
  const server = new SMTPServer({ ...serverOptions(options), ...tls.current() })
  const following = tls.onChange(() => server.updateSecureContext({ ...tls.current() }))
  server.on('error', (error) => events.connectionFailed(kind, errorCode(error)))
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject)
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
    disabledCommands: kind === 'mx' ? ['AUTH', ...NEVER] : NEVER,
    authMethods: ['PLAIN', 'LOGIN'],
    authOptional: kind === 'mx',
    allowInsecureAuth: false,
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
    ...conversation(options),
  }
}

function conversation({
  domains,
  signIn,
  events,
}: ListenerOptions): Pick<SMTPServerOptions, 'onAuth' | 'onRcptTo' | 'onData'> {
  return {
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
      const reply = refuseRecipient(address, { signedIn: session.user !== undefined, domains })
      events.recipientRefused(reply.responseCode)
      callback(reply)
    },
    // Not reached while every recipient is refused; if it ever is, nothing is lost by it.
    onData: (stream, _session, callback) => {
      stream.resume()
      stream.once('end', () => callback(internal()))
    },
  }
}

const internal = (): SmtpReply => new SmtpReply(451, '4.3.0', 'Requested action aborted: error in processing')

function replyTo(error: unknown): SmtpReply {
  return error instanceof SmtpReply ? error : internal()
}
