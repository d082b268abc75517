/** The mail that asks somebody to confirm. Nothing in it is the account's own words: it goes to people who have not asked for it. */
import type { Letter } from '../own-mail.ts'

export function confirmLetter(owner: string, listId: string, link: string): Letter {
  return {
    from: 'Mailing lists',
    subject: `Do you want mail of the list ${listId}?`,
    lines: [
      `Somebody, perhaps you, gave this address to the mailing list`,
      '',
      `    ${listId}`,
      `    of ${owner}`,
      '',
      'You get its mail only if you open this link within seven days and confirm:',
      '',
      link,
      '',
      'If you do not want it, do nothing: the link ends, and the address is',
      'forgotten. Every mail of the list has a link with which to leave it.',
      '',
      'Nobody reads answers to this address.',
    ],
  }
}
