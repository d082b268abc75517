/** The mail relay: speaks SMTP, signs users in, takes no mail yet, and hands on what other services send. */
import { createAccounts } from '@sealpost/accounts'
import { openDb, sql } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { Mail } from '@sealpost/ports'
import type { Platform, RunningService } from '@sealpost/service'
import type { SmtpConfig } from './config.ts'
import { createEvents } from './events.ts'
import { openReception } from './reception/reception.ts'
import { smarthostMail } from './smarthost.ts'
import { attachmentsStage } from './stages/attachments.ts'
import { closedQueue, closedStage } from './stages/closed.ts'
import { ownAddressesStage } from './stages/own-addresses.ts'
import { recipientsStage } from './stages/recipients.ts'
import { submissionHeaderStage } from './stages/submission-header.ts'
import { traceStage } from './stages/trace.ts'

export interface SmtpService extends RunningService {
  /** What other services of this process may ask of the mail relay. */
  readonly mail: Mail
}

/** Sign-ins need one connection each for a moment. */
const POOL_SIZE = 4

export async function createSmtpService(config: SmtpConfig, platform: Platform): Promise<SmtpService> {
  await using stack = new AsyncDisposableStack()
  const { log, metrics, bus, clock, random, tls, domains, bind } = platform
  const events = createEvents({ log, metrics })
  const db = stack.use(
    await openDb({
      url: platform.databaseUrl,
      role: 'sealpost_account',
      poolSize: POOL_SIZE,
      onError: (error) => log.warn('smtp_database_connection_failed', { code: errorCode(error) }),
    }),
  )
  const accounts = stack.use(createAccounts({ db, bus, clock, random }))
  const host = domains[0] ?? 'localhost'
  const recipients = stack.use(recipientsStage({ accounts, domains, clock, random }))
  const { ports } = stack.use(
    await openReception({
      host: bind,
      ports: { mx: config.mxPort, submission: config.submissionPort, submissions: config.submissionsPort },
      trusted: config.trustedNetworks,
      proxies: config.proxyNetworks,
      domains,
      tls,
      accounts,
      bus,
      clock,
      random,
      events,
      queue: closedQueue,
      // In the order in which they are asked.
      stages: [
        recipients,
        closedStage,
        ownAddressesStage({ domains }),
        submissionHeaderStage({ clock, random }),
        traceStage({ host, clock }),
        attachmentsStage,
      ],
    }),
  )
  const addresses = [
    { name: 'Mail exchanger', url: `smtp://${host}:${String(ports.mx)}` },
    { name: 'Mail submission (STARTTLS)', url: `smtp://${host}:${String(ports.submission)}` },
    { name: 'Mail submission (TLS)', url: `smtps://${host}:${String(ports.submissions)}` },
  ]
  const mail = smarthostMail({ smarthost: config.smarthost, name: host, clock, events })
  const held = stack.move()
  return {
    mail,
    // Mail is read and sent over HTTP here once the relay takes any.
    http: () => Promise.resolve(),
    ready: async () => (await db.query(sql`select 1`)).length === 1,
    addresses,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
