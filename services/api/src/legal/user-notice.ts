/** How the user is told that an authority asked. */
import type { NewNotice } from '../notices/notices.ts'
import type { LegalRequest, Sought } from './store.ts'

const WORDS: Readonly<Record<Sought, string>> = {
  'creation-date': 'the date of creation',
  purchaser: 'the purchaser’s name and billing method, where an organisation bought the account',
  username: 'the username',
  'device-type': 'whether a type of device that the request names is one of yours',
  'last-use': 'the date of last use',
}

export function legalNotice(accountId: string, request: LegalRequest): NewNotice {
  const { authority, receivedOn, state, closedOn, sought, gagUntil } = request
  const done = state === 'produced' && closedOn !== undefined
  return {
    kind: 'personal',
    audience: { to: 'account', id: accountId },
    title: 'An authority has asked about your account',
    body: [
      `On ${receivedOn} we received a request of ${authority} about your account. It was found to be in order.`,
      done ? `On ${closedOn} we handed out:` : 'We will hand out:',
      sought.map((each) => `- ${WORDS[each]}`).join('\n'),
      'We hold nothing of what you write, and no other data of this kind.',
      ...(gagUntil === undefined ? [] : [`We were forbidden to tell you until ${gagUntil}.`]),
    ].join('\n\n'),
  }
}
