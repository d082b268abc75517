/** The stages of reception, in the order in which they are asked. */
import { join } from 'node:path'
import type { AccountsDomain } from '@sealpost/accounts'
import { openDb } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import { openSecretFile } from '@sealpost/runtime'
import type { Platform } from '@sealpost/service'
import type { SmtpConfig } from './config.ts'
import type { SmtpEvents } from './events.ts'
import { KnownRecipients } from './limits/known-recipients.ts'
import type { Lists } from './lists/lists.ts'
import type { Stage } from './reception/stage.ts'
import type { Screening } from './screening.ts'
import { attachmentsStage } from './stages/attachments.ts'
import { keySubmissionStage } from './stages/key-submission.ts'
import { listMailStage } from './stages/list-mail.ts'
import { mailReviewStage } from './stages/mail-review.ts'
import { operatorMailStage } from './stages/operator-mail.ts'
import { ownAddressesStage } from './stages/own-addresses.ts'
import { recipientsStage } from './stages/recipients.ts'
import { sendingLimitsStage } from './stages/sending-limits.ts'
import { submissionHeaderStage } from './stages/submission-header.ts'
import { traceStage } from './stages/trace.ts'

/** Beside the database, so that a copy of that alone tells nothing about who writes to whom. */
const KEY_FILE = 'mail-recipients.key'
const KEY_BYTES = 32
/** Each mail of a user is a question and a note. */
const POOL_SIZE = 4

export interface Stages extends AsyncDisposable {
  readonly stages: readonly Stage[]
}

export interface StagesOptions {
  readonly accounts: AccountsDomain
  /** Whether an account's mailbox has no room for another mail. */
  readonly isFull: (accountId: string) => Promise<boolean>
  readonly isDeskFull: () => Promise<boolean>
  /** What must be encrypted. */
  readonly pgp: Stage
  readonly lists: Lists
  /** Takes reports about our domains. */
  readonly reports: Stage
  /** Around those that change headers. */
  readonly screening: Pick<Screening, 'first' | 'last'>
  readonly events: SmtpEvents
}

export async function openStages(
  config: Pick<SmtpConfig, 'sendingPlan'>,
  platform: Platform,
  { accounts, pgp, isFull, isDeskFull, lists, reports, screening, events }: StagesOptions,
): Promise<Stages> {
  await using stack = new AsyncDisposableStack()
  const { log, clock, random, domains, databaseUrl: url, dataDir } = platform
  const onError = (error: unknown): void =>
    log.warn('smtp_database_connection_failed', { code: errorCode(error) })
  const db = stack.use(await openDb({ url, role: 'sealpost_smtp', poolSize: POOL_SIZE, onError }))
  const key = await openSecretFile(join(dataDir, KEY_FILE), random, () => random.token(KEY_BYTES))
  const known = new KnownRecipients(db, key)
  const { sendingPlan: plan } = config
  const stages = [
    stack.use(recipientsStage({ accounts, isFull, domains, clock, random })),
    stack.use(operatorMailStage({ isDeskFull, domains, clock, random })),
    ...screening.first,
    ownAddressesStage({ domains }),
    keySubmissionStage({ domains }),
    submissionHeaderStage({ clock, random }),
    traceStage({ host: domains[0] ?? 'localhost', clock }),
    listMailStage(lists),
    stack.use(
      sendingLimitsStage({
        plan,
        plans: accounts.plans,
        lists,
        conduct: accounts.mailConduct,
        organisations: accounts.organisations,
        known,
        clock,
        events,
      }),
    ),
    attachmentsStage,
    pgp,
    ...screening.last,
    reports,
    stack.use(mailReviewStage({ accounts, domains, clock, events })),
  ]
  const held = stack.move()
  return { stages, [Symbol.asyncDispose]: () => held.disposeAsync() }
}
