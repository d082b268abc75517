/** What the page of an invitation to become a contact says, in the languages of the panel. */
import type { PageLanguage } from '@sealpost/http'

export interface ContactWords {
  readonly title: (address: string) => string
  readonly about: string
  readonly add: string
  readonly account: string
  readonly programs: string
  readonly install: string
  readonly elsewhere: string
  readonly scan: string
  readonly qr: string
}

const EN: ContactWords = {
  title: (address) => `${address} invites you to chat`,
  about: 'This link was made for one person. It works once, in a chat program for XMPP.',
  add: 'Open it in your chat program',
  account: 'You have no account? Make one here first.',
  programs: 'Chat programs',
  install: 'If nothing happens, there is none on this device yet: install one, then open this page again.',
  elsewhere: 'Go on with another device',
  scan: 'Scan this with its camera: it is the link of this page.',
  qr: 'QR code of the link of this page',
}

const FR: ContactWords = {
  title: (address) => `${address} vous invite à discuter`,
  about: 'Ce lien a été créé pour une personne. Il fonctionne une fois, dans une messagerie XMPP.',
  add: 'L’ouvrir dans votre messagerie',
  account: 'Vous n’avez pas de compte ? Créez-en un d’abord.',
  programs: 'Messageries',
  install:
    'S’il ne se passe rien, cet appareil n’en a pas encore : installez-en une, puis rouvrez cette page.',
  elsewhere: 'Continuer avec un autre appareil',
  scan: 'Balayez ceci avec sa caméra : c’est le lien de cette page.',
  qr: 'Code QR du lien de cette page',
}

export const CONTACT_WORDS: Readonly<Record<PageLanguage, ContactWords>> = { en: EN, fr: FR }
