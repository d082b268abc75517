/**
 * RFC 2919, RFC 8058: bulk mail of our users goes only to those whose confirmed opt-in is on record. What says that it is bulk mail (List-Id, List-Unsubscribe, or Precedence as
 * mailers of lists write it) goes to one member at a time, with a link of its own by which it leaves with one click. Whatever else the mail says of leaving is taken off.
 */
import type { MailHeader } from '@sealpost/mail'
import type { Lists } from '../lists/lists.ts'
import { type Stage, transactionNote } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'

const reject = {
  unnamed: () =>
    new SmtpReply(550, '5.7.1', 'Mail to a list needs one List-Id, of a list of yours: see /v1/me/lists'),
  several: () =>
    new SmtpReply(
      550,
      '5.7.1',
      'Mail to a list goes to one recipient at a time: each gets a link to leave it',
    ),
  unconfirmed: () =>
    new SmtpReply(550, '5.7.1', 'The recipient has not confirmed to want mail of this list, or has left it'),
} as const

/** On mails of lists, which have limits of their own. */
export const isListMail = transactionNote<true>('list mail')

export function listMailStage(lists: Pick<Lists, 'membership'>): Stage {
  return {
    name: 'list-mail',
    async header(transaction) {
      const { client, envelope, header } = transaction
      if (client.account === undefined || !saysBulk(header)) return undefined
      const listId = listIdOf(header)
      const [recipient] = envelope.recipients
      if (listId === undefined || recipient === undefined) return reject.unnamed()
      if (envelope.recipients.length > 1) return reject.several()
      const membership = await lists.membership(client.account.id, listId, recipient.address)
      if (membership === undefined) return reject.unnamed()
      if (membership.leave === undefined) return reject.unconfirmed()
      header.remove(({ name }) => name === 'list-unsubscribe' || name === 'list-unsubscribe-post')
      header.append('List-Unsubscribe', `<${membership.leave}>`)
      header.append('List-Unsubscribe-Post', 'List-Unsubscribe=One-Click') // RFC 8058 §3.1
      isListMail.set(transaction, true)
      return undefined
    },
  }
}

/** An answer by a program is none, though some of them say so (RFC 3834 §3.1.8). */
function saysBulk(header: MailHeader): boolean {
  if (header.fields.some(({ name }) => name === 'list-id' || name === 'list-unsubscribe')) return true
  const isAnswer = /^auto-replied\b/i.test(header.value('auto-submitted') ?? '')
  return !isAnswer && header.values('precedence').some((value) => /^(?:bulk|list|junk)$/i.test(value.trim()))
}

/** RFC 2919 §3: what stands in the angle brackets of the one field. */
function listIdOf(header: MailHeader): string | undefined {
  const [value, ...others] = header.values('list-id')
  if (value === undefined || others.length > 0) return undefined
  return /^[^<>]*<([^<>\s]+)>[^<>]*$/.exec(value)?.[1]?.toLowerCase()
}
