/** What the mail relay holds of an account, for its owner to have: how much waits, what it has chosen, its lists. The mails themselves are fetched (`/v1/mail`). */
import type { MailCount, MailOwnData, OwnData } from '@sealpost/ports'
import type { Lists } from './lists/lists.ts'
import type { Mailbox } from './mailbox/mailbox.ts'
import type { MailSettings } from './pgp/mail-settings.ts'
import type { Queue } from './queue/queue.ts'

export interface OwnDataOptions {
  readonly queue: Pick<Queue, 'list'>
  readonly mailbox: Pick<Mailbox, 'list'>
  readonly lists: Pick<Lists, 'list'>
  readonly settingsOf: (accountId: string) => Promise<MailSettings>
}

export function mailOwnData({ queue, mailbox, lists, settingsOf }: OwnDataOptions): OwnData<MailOwnData> {
  return {
    async ownData(accountId) {
      const { pgp, onMissingKey } = await settingsOf(accountId)
      return {
        outgoing: sum(queue.list(Infinity, accountId)),
        waiting: sum(mailbox.list(accountId, Infinity)),
        pgp,
        onMissingKey,
        lists: await lists.list(accountId),
      }
    },
  }
}

function sum(mails: readonly { readonly bytes: number }[]): MailCount {
  return { mails: mails.length, bytes: mails.reduce((total, { bytes }) => total + bytes, 0) }
}
