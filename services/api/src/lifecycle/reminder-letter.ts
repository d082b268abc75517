/** The letter seven days before a renewal or a suspension, in both languages of the operator. No amounts: these are for the billing system to say. */
import type { Letter } from '../letters/letters.ts'
import type { Reminder } from './store.ts'

export interface ReminderParts {
  readonly to: string
  readonly reminder: Reminder
  /** `YYYY-MM-DD` */
  readonly day: string
  /** Where help is to be had. */
  readonly supportUrl: string | undefined
}

const TEXTS = {
  renewal: {
    subject: 'Your subscription is renewed soon',
    english: (day: string) => [
      `Your subscription is renewed on ${day}.`,
      'Nothing has to be done if you want to go on.',
    ],
    french: (day: string) => [
      `Votre abonnement sera renouvelé le ${day}.`,
      'Vous n’avez rien à faire si vous souhaitez continuer.',
    ],
  },
  suspension: {
    subject: 'Your subscription is about to be suspended',
    english: (day: string) => [
      `A fee is overdue. Unless it is paid, your subscription is suspended on ${day}:`,
      'nobody can sign in then. Nothing is deleted, and payment ends it.',
    ],
    french: (day: string) => [
      `Des frais sont en souffrance. Sans paiement, votre abonnement sera suspendu le ${day} :`,
      'plus personne ne pourra se connecter. Rien ne sera supprimé ; le paiement y mettra fin.',
    ],
  },
} as const

export function reminderLetter({ to, reminder, day, supportUrl }: ReminderParts): Letter {
  const { subject, english, french } = TEXTS[reminder]
  const help = supportUrl === undefined ? [] : ['', supportUrl]
  return { to, subject, lines: [...english(day), '', ...french(day), ...help] }
}
