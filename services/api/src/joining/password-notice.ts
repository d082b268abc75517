/** How the owner of an account is told that its password is another one now: whoever did not change it has to hear of it. */
import type { NewNotice } from '../notices/notices.ts'

/** How it was changed: with the password before, or with a link that was made for its owner. */
export type PasswordChangedBy = 'password' | 'link'

const WORDS: Readonly<Record<PasswordChangedBy, string>> = {
  password: 'by somebody who knew the one before',
  link: 'with a one-time link, as administrators make them',
}

export function passwordNotice(
  accountId: string,
  by: PasswordChangedBy,
  { day, signedOut }: { readonly day: string; readonly signedOut: boolean },
): NewNotice {
  return {
    kind: 'personal',
    audience: { to: 'account', id: accountId },
    title: 'Your password was changed',
    body: [
      `On ${day} the password of your account was changed ${WORDS[by]}.`,
      signedOut ? 'Everything else that was signed in was signed out.' : 'What was signed in goes on.',
      'If that was not you, ask whoever runs this server for a link with which you choose another one.',
    ].join('\n\n'),
  }
}
