/** What the form for abuse says, in the languages of the panel. */
import type { PageLanguage } from '@sealpost/http'
import type { AbuseCategory } from '../abuse/store.ts'

export type AbuseField = 'first_name' | 'last_name' | 'contact' | 'about' | 'text' | 'headers'

export interface AbuseWords {
  readonly language: PageLanguage
  readonly title: string
  readonly intro: string
  readonly what: string
  readonly categories: Readonly<Record<AbuseCategory, string>>
  readonly fields: Readonly<Record<AbuseField, string>>
  readonly named: string
  readonly submit: string
  readonly thanks: string
  readonly arrived: string
  readonly number: string
  readonly missing: { readonly category: string; readonly about: string; readonly text: string }
  readonly long: (field: string, max: number) => string
  readonly full: string
}

const EN: AbuseWords = {
  language: 'en',
  title: 'Report abuse',
  intro:
    'Tell whoever runs this server what somebody does with it. What you write is read by them alone, and forgotten half a year after it was dealt with.',
  what: 'What is it?',
  categories: {
    spam: 'Messages that nobody asked for',
    fraud: 'Fraud, or somebody who pretends to be another',
    malware: 'Harmful programs',
    harassment: 'Harassment or threats',
    illegal: 'Something that the law forbids',
    other: 'Something else',
  },
  fields: {
    about: 'The address that it is about',
    text: 'What happened',
    headers: 'The header of the message, if you have it (optional; not what it says)',
    first_name: 'First name',
    last_name: 'Last name',
    contact: 'Address or telephone number',
  },
  named:
    'A report is acted upon when we know who makes it. Without your first and last name and an address or telephone number that works, it is kept apart.',
  submit: 'Send the report',
  thanks: 'Thank you',
  arrived: 'Your report has arrived. Thank you.',
  number: 'If you write to us about it, name this number:',
  missing: {
    category: 'Say what it is.',
    about: 'Say whom or what it is about.',
    text: 'Say what happened.',
  },
  long: (field, max) => `${field}: at most ${String(max)} characters.`,
  full: 'There is no room for another report now; write to abuse@ by mail.',
}

const FR: AbuseWords = {
  language: 'fr',
  title: 'Signaler un abus',
  intro:
    'Dites à qui exploite ce serveur ce que quelqu’un en fait. Ce que vous écrivez n’est lu que par eux, et oublié six mois après avoir été traité.',
  what: 'De quoi s’agit-il ?',
  categories: {
    spam: 'Des messages que personne n’a demandés',
    fraud: 'Une fraude, ou quelqu’un qui se fait passer pour un autre',
    malware: 'Des programmes nuisibles',
    harassment: 'Du harcèlement ou des menaces',
    illegal: 'Quelque chose que la loi interdit',
    other: 'Autre chose',
  },
  fields: {
    about: 'L’adresse dont il s’agit',
    text: 'Ce qui s’est passé',
    headers: 'L’en-tête du message, si vous l’avez (facultatif ; pas son contenu)',
    first_name: 'Prénom',
    last_name: 'Nom',
    contact: 'Adresse ou numéro de téléphone',
  },
  named:
    'Un signalement est suivi d’effet quand nous savons qui le fait. Sans vos prénom et nom et une adresse ou un numéro de téléphone qui fonctionne, il est gardé à part.',
  submit: 'Envoyer le signalement',
  thanks: 'Merci',
  arrived: 'Votre signalement est arrivé. Merci.',
  number: 'Si vous nous écrivez à ce sujet, indiquez ce numéro :',
  missing: {
    category: 'Dites de quoi il s’agit.',
    about: 'Dites de qui ou de quoi il s’agit.',
    text: 'Dites ce qui s’est passé.',
  },
  long: (field, max) => `${field} : au plus ${String(max)} caractères.`,
  full: 'Il n’y a plus de place pour un signalement en ce moment ; écrivez à abuse@ par courriel.',
}

export const ABUSE_WORDS: Readonly<Record<PageLanguage, AbuseWords>> = { en: EN, fr: FR }
