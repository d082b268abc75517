/** The three ports of the relay, and what they share. */
import type { AccountsDomain } from '@sealpost/accounts'
import type { Bus } from '@sealpost/bus'
import type { Networks } from '@sealpost/config'
import type { Clock, Random } from '@sealpost/runtime'
import type { TlsSource } from '@sealpost/service'
import type { SmtpEvents } from '../events.ts'
import type { MailQueue } from '../queue/mail-queue.ts'
import { ConnectionLimits } from './connection-limits.ts'
import { Intake } from './intake.ts'
import { openListener, type SmtpListener } from './listener.ts'
import { createSignIn } from './sign-in.ts'
import type { Entrance, Stage } from './stage.ts'
import { Stages } from './stages.ts'
import { TlsContext } from './tls-context.ts'

/** 30 MB in Base64 twice, as PGP/MIME makes it. */
const MESSAGE_BYTES_MAX = 60 * 1024 * 1024

export interface ReceptionOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly ports: Readonly<Record<Entrance, number>>
  readonly domains: readonly string[]
  /** RFC 1870; 60 MiB when undefined. */
  readonly messageBytesMax?: number
  readonly trusted: Networks
  readonly proxies: Networks
  readonly tls: TlsSource
  readonly accounts: AccountsDomain
  readonly bus: Bus
  readonly queue: MailQueue
  /** In the order in which they are asked. */
  readonly stages: readonly Stage[]
  readonly clock: Clock
  readonly random: Random
  readonly events: SmtpEvents
}

export interface Reception extends AsyncDisposable {
  readonly ports: Readonly<Record<Entrance, number>>
}

/** Throws what listening throws, such as EADDRINUSE. Disposal closes connections after 1.5 s. */
export async function openReception(options: ReceptionOptions): Promise<Reception> {
  await using stack = new AsyncDisposableStack()
  const { accounts, bus, events } = options
  const stages = new Stages(options.stages, events)
  const shared = {
    messageBytesMax: MESSAGE_BYTES_MAX,
    ...options,
    stages,
    limits: stack.use(new ConnectionLimits(options.clock, options.random)),
    tls: stack.use(new TlsContext(options.tls)),
    signIn: stack.use(createSignIn({ ...options, opens: 'mail' })),
    intake: new Intake({ ...options, stages }),
  }
  const open = async (entrance: Entrance): Promise<SmtpListener> =>
    stack.use(await openListener({ ...shared, entrance, port: options.ports[entrance] }))
  const listeners = {
    mx: await open('mx'),
    submission: await open('submission'),
    submissions: await open('submissions'),
  }
  const expel = async (accountId: string): Promise<void> => {
    for (const conversation of Object.values(listeners).flatMap((each) => each.conversationsOf(accountId))) {
      const { account } = conversation
      if (account && !(await accounts.isGood(accountId, account.credential))) conversation.expel()
    }
  }
  stack.use(bus.subscribe('account/changed', ({ accountId }) => expel(accountId)))
  stack.use(bus.subscribe('account/credentials-revoked', ({ accountId }) => expel(accountId)))
  const held = stack.move()
  const { mx, submission, submissions } = listeners
  return {
    ports: { mx: mx.port, submission: submission.port, submissions: submissions.port },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
