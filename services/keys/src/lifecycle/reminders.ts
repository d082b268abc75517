/** Telling owners of published addresses that their certificate expires: 30, 7 and 1 days before, each at most once, whatever is restarted when. */
import { MailError } from '@sealpost/ports'
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
 * sending it twice. One that the mail relay does not take is given back; the turn ends with the relay's error, unless it is about this recipient alone.
 */
export async function sendReminders(options: RemindersOptions): Promise<void> {
  const { clock } = options
  const end = clock.monotonic() + TURN_MS
  while (clock.monotonic() < end) if (!(await sendSome(options))) return
}

/** False when nothing was left, or somebody else sends it. */
async function sendSome(options: RemindersOptions): Promise<boolean> {
  const { store, clock } = options
  const today = new Date(clock.now()).toISOString().slice(0, 10)
  let claimed = 0
  for (const reminder of await store.dueReminders(today, BATCH_MAX)) {
    if (!(await store.claimReminder(reminder))) continue
    claimed += 1
    await sendOne(reminder, options)
  }
  return claimed > 0
}

async function sendOne(reminder: Reminder, options: RemindersOptions): Promise<void> {
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
    await store.releaseReminder(reminder)
    throw error
  }
}
