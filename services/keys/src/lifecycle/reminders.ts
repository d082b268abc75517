/** Telling owners of published addresses that their certificate expires: 30, 7 and 1 days before, each at most once, whatever is restarted when. */
import { isConnectionError } from '@sealpost/db'
import { MailError, PortError } from '@sealpost/ports'
import type { Clock } from '@sealpost/runtime'
import type { Directory } from '../directory/directory.ts'
import type { CertificateStore, Reminder } from '../directory/store.ts'
import type { KeyMail } from '../verification/key-mail.ts'
import { expiryLetter } from '../verification/letters.ts'

/** Read at once. */
const BATCH_MAX = 100
/** Time after which a turn leaves the rest to the next, which comes every hour. */
const TURN_MS = 30 * 60_000

export interface RemindersOptions {
  readonly store: Pick<CertificateStore, 'dueReminders' | 'claimReminder' | 'releaseReminder'>
  readonly directory: Pick<Directory, 'describe'>
  readonly mail: KeyMail
  readonly clock: Clock
  readonly server: string
  readonly origin: () => string
  readonly onSent: () => void
}

/**
 * Sends what is due today, one after the other, for half an hour at most. Each is claimed before it is sent: a crash between the two loses it rather than
 * sending it twice. While the mail relay or the database is away the one that met it is given back, and the turn ends with the error. What fails otherwise is given back
 * at the end of the turn, so that it comes again in the next and holds up no other; the first such error is thrown then.
 */
export async function sendReminders(options: RemindersOptions): Promise<void> {
  const { clock, store } = options
  const end = clock.monotonic() + TURN_MS
  const failed: Failed[] = []
  try {
    while (clock.monotonic() < end) if (!(await sendSome(options, failed))) break
  } finally {
    for (const { reminder } of failed) await store.releaseReminder(reminder)
  }
  if (failed.length > 0) throw failed[0]?.error
}

interface Failed {
  readonly reminder: Reminder
  readonly error: unknown
}

/** False when nothing was left, or somebody else sends it. */
async function sendSome(options: RemindersOptions, failed: Failed[]): Promise<boolean> {
  const { store, clock } = options
  const today = new Date(clock.now()).toISOString().slice(0, 10)
  let claimed = 0
  for (const reminder of await store.dueReminders(today, BATCH_MAX)) {
    if (!(await store.claimReminder(reminder))) continue
    claimed += 1
    await sendOne(reminder, options, failed)
  }
  return claimed > 0
}

async function sendOne(reminder: Reminder, options: RemindersOptions, failed: Failed[]): Promise<void> {
  const { store, directory, mail, server, origin, onSent } = options
  const { address, fingerprint, expiresOn } = reminder
  const facts = { server, address, fingerprint }
  try {
    const described = await directory.describe(fingerprint)
    if (described === undefined) return
    const letter = expiryLetter(facts, { expiresOn, manage: `${origin()}/keys/manage` })
    await mail.send(address, letter, described.kept)
    onSent()
  } catch (error) {
    // Refused for good: tomorrow it would be again.
    if (error instanceof MailError && error.code === 'MAIL_REFUSED') return
    if (isAway(error)) {
      await store.releaseReminder(reminder)
      throw error
    }
    failed.push({ reminder, error })
  }
}

/** The next would fail as well. */
function isAway(error: unknown): boolean {
  return error instanceof MailError || error instanceof PortError || isConnectionError(error)
}
