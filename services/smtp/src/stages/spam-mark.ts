/** The mark that sorts a mail into the folder for spam, as mailbox servers and clients know it: `X-Spam-Flag: YES`. Ours alone count. */
import type { MailHeader } from '@sealpost/mail'

const FLAG = 'X-Spam-Flag'
const STATUS = 'X-Spam-Status'
const MARKS = /^x-spam(?:-|$)/

/** What strangers have marked says nothing, and a `NO` of theirs must not reach a filter. */
export function removeSpamMarks(header: MailHeader): void {
  header.remove(({ name }) => MARKS.test(name))
}

/** `by`: who found it: a fixed word. */
export function markAsSpam(header: MailHeader, by: 'dmarc' | 'rspamd'): void {
  header.replace(FLAG, 'YES')
  header.append(STATUS, `Yes, tests=${by}`)
}
