/** What the pages of the key directory say, in the languages of the panel. */
import { languageOf, type FastifyReply, type PageLanguage } from '@sealpost/http'
import type { AddressStatus } from '../verification/verification.ts'

export interface KeyWords {
  readonly directory: string
  readonly start: string
  readonly lookUp: string
  readonly lookUpTitle: string
  readonly search: string
  readonly searchHelp: string
  readonly uploadTitle: string
  readonly file: string
  readonly text: string
  readonly secret: string
  readonly upload: string
  readonly takeOffTitle: string
  readonly takeOffLink: string
  readonly takeOffRest: string
  readonly noKey: string
  readonly nothing: string
  readonly found: (count: number) => string
  readonly facts: (version: number, algorithm: string, madeOn: string, subkeys: number) => string
  readonly noExpiry: string
  readonly expires: (day: string) => string
  readonly revokedKey: string
  readonly revokedName: string
  readonly noNames: string
  readonly download: string
  readonly farDay: string
  readonly notTaken: string
  readonly notSigned: string
  readonly moreTaken: (count: number) => string
  readonly moreRejected: (count: number) => string
  readonly taken: (count: number) => string
  readonly statuses: Readonly<Record<AddressStatus, string>>
  readonly removedByOwner: string
  readonly byFingerprint: string
  readonly noAddress: string
  readonly byAddress: string
  readonly mailTo: string
  readonly sendLinks: string
  readonly mailbox: string
  readonly linksSent: string
  readonly fewMails: string
  readonly failed: string
  readonly publishTitle: string
  readonly publishAbout: string
  readonly publish: string
  readonly notAsked: string
  readonly published: string
  readonly takeOffAgain: string
  readonly thisPage: string
  readonly manage: string
  readonly manageAbout: string
  readonly address: string
  readonly sendLink: string
  readonly linkSent: string
  readonly deleted: string
  readonly deletedAbout: string
  readonly unpublished: string
  readonly unpublishedAbout: string
  readonly shared: string
  readonly deleteAbout: string
  readonly delete: string
  readonly unpublishAbout: string
  readonly unpublish: string
  readonly keyWith: string
  readonly forAddress: string
  readonly gone: string
  readonly goneAbout: string
}

const EN: KeyWords = {
  directory: 'Key directory',
  start: 'Find the OpenPGP key of somebody you write to, or publish your own.',
  lookUp: 'Look up',
  lookUpTitle: 'Look up a key',
  search: 'Mail address, fingerprint or long key id',
  searchHelp: 'This is neither one mail address nor a whole fingerprint or a long key id of 16 digits.',
  uploadTitle: 'Upload your key',
  file: 'File with your public key',
  text: 'Or its text',
  secret:
    'Never upload a secret key. Your address is shown only after you have followed a link that we mail to it.',
  upload: 'Upload',
  takeOffTitle: 'Take your key off',
  takeOffLink: 'Ask for a link by mail',
  takeOffRest:
    ', with which you take your address or your key off the directory, also when the key has expired or is revoked.',
  noKey: 'No such key',
  nothing: 'Nothing is published for this. Addresses and fingerprints are compared as a whole.',
  found: (count) => (count === 1 ? 'One key' : `${String(count)} keys`),
  facts: (version, algorithm, madeOn, subkeys) =>
    `Version ${String(version)}, ${algorithm}, made on ${madeOn}. Subkeys: ${String(subkeys)}.`,
  noExpiry: 'It does not expire.',
  expires: (day) => `It is valid until ${day}.`,
  revokedKey: 'It is revoked: do not use it.',
  revokedName: ' (revoked)',
  noNames: 'Nobody has confirmed an address of it.',
  download: 'Download the key',
  farDay: 'a day beyond all calendars',
  notTaken: 'This key was not taken',
  notSigned: 'Nothing in it is signed by its own key, or its kind is not supported.',
  moreTaken: (count) => `${String(count)} more keys were taken.`,
  moreRejected: (count) => `${String(count)} keys were not: nothing in them is signed.`,
  taken: (count) => (count === 1 ? 'Your key is here' : 'Your keys are here'),
  statuses: {
    unpublished: 'not shown',
    pending: 'a link was mailed and not followed yet',
    published: 'published',
    revoked: 'revoked',
  },
  removedByOwner: 'The owner of this key had it removed from this directory, so it was not taken.',
  byFingerprint: 'Whoever knows the fingerprint finds the key.',
  noAddress: 'It has no address that could be published.',
  byAddress: 'It is found by an address once the owner of the address has followed a link:',
  mailTo: 'Mail a link to',
  sendLinks: 'Send the links',
  mailbox: 'Look into your mailbox',
  linksSent: 'A link is on its way to each address that you chose. It works for a day.',
  fewMails: 'No more than a few mails an hour are sent to one address.',
  failed: 'That did not work',
  publishTitle: 'Publish your key?',
  publishAbout: 'Everybody who looks for this address will find this key, and no other.',
  publish: 'Publish this key',
  notAsked: 'If you did not ask for this, close the page: nothing happens.',
  published: 'Your key is published',
  takeOffAgain: 'To take it off again, ask for a link on ',
  thisPage: 'this page',
  manage: 'Manage your key',
  manageAbout: 'We send a link with which to take your address or your key off the directory.',
  address: 'Mail address',
  sendLink: 'Send the link',
  linkSent: 'If a key is published for this address, a link is on its way to it.',
  deleted: 'Your key is deleted',
  deletedAbout: 'The key is deleted. Nobody can upload it again; if it was revoked, that stays known.',
  unpublished: 'Your address is taken off',
  unpublishedAbout:
    'The address is taken off. Who knows the fingerprint of the key still finds it, without the address.',
  shared: 'The key is published for other addresses too. When they are taken off as well, it can be deleted.',
  deleteAbout: 'Delete the key: it is not found any more, and cannot be uploaded again.',
  delete: 'Delete the key',
  unpublishAbout:
    'Take the address off: the key is not found by it any more. Who knows its fingerprint still finds it, without the address.',
  unpublish: 'Take the address off',
  keyWith: 'The key with the fingerprint',
  forAddress: 'for the address ',
  gone: 'This link does not work any more',
  goneAbout:
    'It was used, it is older than a day, or what it was for has changed meanwhile. Ask for a new one.',
}

const FR: KeyWords = {
  directory: 'Annuaire de clés',
  start: 'Trouvez la clé OpenPGP de quelqu’un à qui vous écrivez, ou publiez la vôtre.',
  lookUp: 'Chercher',
  lookUpTitle: 'Chercher une clé',
  search: 'Adresse de courriel, empreinte ou identifiant long de clé',
  searchHelp:
    'Ce n’est ni une adresse de courriel, ni une empreinte entière, ni un identifiant long de 16 chiffres.',
  uploadTitle: 'Déposer votre clé',
  file: 'Fichier avec votre clé publique',
  text: 'Ou son texte',
  secret:
    'Ne déposez jamais une clé secrète. Votre adresse n’est montrée qu’une fois que vous avez suivi un lien que nous y envoyons.',
  upload: 'Déposer',
  takeOffTitle: 'Retirer votre clé',
  takeOffLink: 'Demandez un lien par courriel',
  takeOffRest:
    ', avec lequel vous retirez votre adresse ou votre clé de l’annuaire, même quand la clé est expirée ou révoquée.',
  noKey: 'Aucune clé de ce genre',
  nothing: 'Rien n’est publié pour cela. Les adresses et les empreintes sont comparées dans leur entier.',
  found: (count) => (count === 1 ? 'Une clé' : `${String(count)} clés`),
  facts: (version, algorithm, madeOn, subkeys) =>
    `Version ${String(version)}, ${algorithm}, créée le ${madeOn}. Sous-clés : ${String(subkeys)}.`,
  noExpiry: 'Elle n’expire pas.',
  expires: (day) => `Elle est valable jusqu’au ${day}.`,
  revokedKey: 'Elle est révoquée : ne l’utilisez pas.',
  revokedName: ' (révoquée)',
  noNames: 'Personne n’en a confirmé une adresse.',
  download: 'Télécharger la clé',
  farDay: 'un jour au-delà de tous les calendriers',
  notTaken: 'Cette clé n’a pas été prise',
  notSigned: 'Rien n’y est signé par sa propre clé, ou son genre n’est pas pris en charge.',
  moreTaken: (count) => `${String(count)} autres clés ont été prises.`,
  moreRejected: (count) => `${String(count)} clés ne l’ont pas été : rien n’y est signé.`,
  taken: (count) => (count === 1 ? 'Votre clé est là' : 'Vos clés sont là'),
  statuses: {
    unpublished: 'n’est pas montrée',
    pending: 'un lien a été envoyé et n’est pas encore suivi',
    published: 'publiée',
    revoked: 'révoquée',
  },
  removedByOwner: 'Qui possède cette clé l’a fait retirer de cet annuaire ; elle n’a donc pas été prise.',
  byFingerprint: 'Qui connaît l’empreinte trouve la clé.',
  noAddress: 'Elle n’a pas d’adresse qui pourrait être publiée.',
  byAddress: 'On la trouve par une adresse dès que qui la possède a suivi un lien :',
  mailTo: 'Envoyer un lien à',
  sendLinks: 'Envoyer les liens',
  mailbox: 'Regardez dans votre boîte',
  linksSent: 'Un lien est en route vers chaque adresse choisie. Il fonctionne un jour.',
  fewMails: 'Une adresse ne reçoit que quelques courriels par heure.',
  failed: 'Cela n’a pas marché',
  publishTitle: 'Publier votre clé ?',
  publishAbout: 'Toute personne qui cherche cette adresse trouvera cette clé, et aucune autre.',
  publish: 'Publier cette clé',
  notAsked: 'Si vous ne l’avez pas demandé, fermez la page : rien ne se passe.',
  published: 'Votre clé est publiée',
  takeOffAgain: 'Pour la retirer, demandez un lien sur ',
  thisPage: 'cette page',
  manage: 'Gérer votre clé',
  manageAbout: 'Nous envoyons un lien qui permet de retirer votre adresse ou votre clé de l’annuaire.',
  address: 'Adresse de courriel',
  sendLink: 'Envoyer le lien',
  linkSent: 'Si une clé est publiée pour cette adresse, un lien est en route.',
  deleted: 'Votre clé est supprimée',
  deletedAbout:
    'La clé est supprimée. Personne ne peut la déposer à nouveau ; si elle était révoquée, cela reste connu.',
  unpublished: 'Votre adresse est retirée',
  unpublishedAbout:
    'L’adresse est retirée. Qui connaît l’empreinte de la clé la trouve encore, sans l’adresse.',
  shared:
    'La clé est publiée aussi pour d’autres adresses. Quand elles seront retirées, elle pourra être supprimée.',
  deleteAbout: 'Supprimer la clé : on ne la trouve plus, et elle ne peut plus être déposée.',
  delete: 'Supprimer la clé',
  unpublishAbout:
    'Retirer l’adresse : on ne trouve plus la clé par elle. Qui connaît son empreinte la trouve encore, sans l’adresse.',
  unpublish: 'Retirer l’adresse',
  keyWith: 'La clé dont l’empreinte est',
  forAddress: 'pour l’adresse ',
  gone: 'Ce lien ne fonctionne plus',
  goneAbout:
    'Il a été utilisé, il a plus d’un jour, ou ce pour quoi il était a changé. Demandez-en un nouveau.',
}

const WORDS: Readonly<Record<PageLanguage, KeyWords>> = { en: EN, fr: FR }

/** In the language that the reader prefers. */
export function wordsOf({ request }: Pick<FastifyReply, 'request'>): KeyWords {
  return WORDS[languageOf(request)]
}
