/** What the pages of enrolment say, in the languages of the panel. */
import type { PageLanguage } from '@sealpost/http'
import { AccountError, OrganisationError } from '@sealpost/accounts'

export interface EnrolmentWords {
  readonly language: PageLanguage
  readonly titles: { readonly password: string; readonly account: string }
  readonly done: { readonly password: string; readonly account: string }
  readonly submit: { readonly password: string; readonly account: string }
  readonly forOwner: string
  readonly offer: (domain: string) => string
  readonly offerNamed: string
  readonly uses: (left: number) => string
  readonly name: string
  readonly nameHint: (domain: string) => string
  readonly password: string
  readonly repeated: string
  readonly differ: string
  readonly inApp: string
  readonly elsewhere: string
  readonly scan: string
  readonly qr: string
  readonly signIn: string
  readonly gone: string
  readonly goneAbout: string
  /** By the code of what was refused. */
  readonly refusals: Readonly<Record<string, string>>
  readonly refused: string
}

const EN: EnrolmentWords = {
  language: 'en',
  titles: { password: 'Choose your password', account: 'Make your account' },
  done: { password: 'Your password is set', account: 'Your account is made' },
  submit: { password: 'Set the password', account: 'Make the account' },
  forOwner: 'This link was made for the owner of one account. It works once.',
  offer: (domain) => `This link was made so that you can have an account at ${domain}.`,
  offerNamed: 'This link was made so that you can have this account.',
  uses: (left) => (left === 1 ? 'It works once.' : `It works ${String(left)} more times.`),
  name: 'Name',
  nameHint: (domain) =>
    `Your address will be this name @${domain}. It need not be yours: leave it empty, and you get one that means nothing.`,
  password: 'Password',
  repeated: 'The same again',
  differ: 'The two passwords differ.',
  inApp: 'Make it in your chat program instead',
  elsewhere: 'Go on with another device',
  scan: 'Scan this with its camera: it is the link of this page.',
  qr: 'QR code of the link of this page',
  signIn: 'Sign in to your chat or mail program with this address and the password you have just chosen:',
  gone: 'This link does not work',
  goneAbout: 'It is unknown, has expired, or has been used. Whoever sent it to you can make a new one.',
  refusals: {
    ACCOUNT_EXISTS: 'Somebody has this name already.',
    ACCOUNT_NAME_RETIRED: 'This name was used once and is never given again.',
    ACCOUNT_NAME_RESERVED: 'This name is reserved.',
    ACCOUNT_NAME_MALFORMED: 'This cannot be a name.',
    PASSWORD_UNACCEPTABLE: 'This password cannot be used.',
    POOL_EXCEEDED: 'The organisation that invites you has no account left; ask there.',
    ORGANISATION_SUSPENDED: 'The organisation that invites you cannot do so at the moment; ask there.',
  },
  refused: 'This is not possible.',
}

const FR: EnrolmentWords = {
  language: 'fr',
  titles: { password: 'Choisissez votre mot de passe', account: 'Créez votre compte' },
  done: { password: 'Votre mot de passe est enregistré', account: 'Votre compte est créé' },
  submit: { password: 'Enregistrer le mot de passe', account: 'Créer le compte' },
  forOwner: 'Ce lien a été créé pour le titulaire d’un compte. Il fonctionne une fois.',
  offer: (domain) => `Ce lien a été créé pour que vous ayez un compte chez ${domain}.`,
  offerNamed: 'Ce lien a été créé pour que vous ayez ce compte.',
  uses: (left) => (left === 1 ? 'Il fonctionne une fois.' : `Il fonctionne encore ${String(left)} fois.`),
  name: 'Nom',
  nameHint: (domain) =>
    `Votre adresse sera ce nom @${domain}. Il n’a pas à être le vôtre : laissez-le vide, et vous en recevrez un qui ne veut rien dire.`,
  password: 'Mot de passe',
  repeated: 'Le même, encore une fois',
  differ: 'Les deux mots de passe diffèrent.',
  inApp: 'Le créer plutôt dans votre messagerie',
  elsewhere: 'Continuer avec un autre appareil',
  scan: 'Balayez ceci avec sa caméra : c’est le lien de cette page.',
  qr: 'Code QR du lien de cette page',
  signIn:
    'Connectez-vous à votre messagerie avec cette adresse et le mot de passe que vous venez de choisir :',
  gone: 'Ce lien ne fonctionne pas',
  goneAbout: 'Il est inconnu, expiré ou déjà utilisé. Qui vous l’a envoyé peut en créer un nouveau.',
  refusals: {
    ACCOUNT_EXISTS: 'Quelqu’un a déjà ce nom.',
    ACCOUNT_NAME_RETIRED: 'Ce nom a déjà servi et n’est plus jamais attribué.',
    ACCOUNT_NAME_RESERVED: 'Ce nom est réservé.',
    ACCOUNT_NAME_MALFORMED: 'Ceci ne peut pas être un nom.',
    PASSWORD_UNACCEPTABLE: 'Ce mot de passe ne peut pas servir.',
    POOL_EXCEEDED: 'L’organisation qui vous invite n’a plus de compte libre ; demandez-lui.',
    ORGANISATION_SUSPENDED: 'L’organisation qui vous invite ne le peut pas en ce moment ; demandez-lui.',
  },
  refused: 'Ce n’est pas possible.',
}

export const ENROLMENT_WORDS: Readonly<Record<PageLanguage, EnrolmentWords>> = { en: EN, fr: FR }

/** Why not, for whoever follows a link; undefined: it is no refusal. */
export function wordsOfRefusal(error: unknown, { refusals, refused }: EnrolmentWords): string | undefined {
  if (!(error instanceof AccountError || error instanceof OrganisationError)) return undefined
  return refusals[error.code] ?? refused
}
