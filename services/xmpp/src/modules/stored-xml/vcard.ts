/**
 * XEP-0054 vCards, with avatars of both kinds (XEP-0153, XEP-0398). A vCard is kept without its photo: that is the avatar which the account publishes by personal eventing
 * (XEP-0084), put in when the vCard is asked for by somebody who may read it there. The server adds the avatar's hash to presence, and says it again when it changes.
 * A vCard is for those who see the account's presence; to everybody else the account has none, or does not exist (XEP-0054 §3.3).
 */
import {
  type Element,
  element,
  NS_AVATAR_DATA,
  NS_AVATAR_METADATA,
  NS_PEP_VCARD,
  NS_PUBSUB,
  NS_VCARD,
  NS_VCARD_UPDATE,
  readElement,
  StanzaError,
} from '@sealpost/stanza'
import {
  type AccountRef,
  defineModule,
  type ImportedAccount,
  type IqRequest,
  type Module,
  type ModuleHost,
  type Provided,
  type Session,
  Turns,
} from '../../core/module.ts'
import {
  type Avatar,
  dataElement,
  hashOf,
  metadataElement,
  photoElement,
  readData,
  readMetadata,
  readPhoto,
} from './avatar.ts'
import { type StoredXmlLimits, storedXmlLimits } from './private-xml.ts'
import type { XmlStore } from './store.ts'

declare module '../../core/session.ts' {
  interface SessionData {
    /** Hash of the account's avatar, empty for none; undefined until the session shows itself. */
    avatarHash?: string
    /** It had another before, so that whoever saw it must be told when there is none. */
    hadAvatar?: true
  }
}

const refuse = {
  hidden: () => new StanzaError('cancel', 'service-unavailable'), // XEP-0054 §3.3
  notOwner: () => new StanzaError('auth', 'forbidden'), // XEP-0054 §3.2
  tooBig: () => new StanzaError('modify', 'not-acceptable', 'The vCard is too big'),
  full: () => new StanzaError('wait', 'resource-constraint'),
} as const

const VCARD = { ns: NS_VCARD, name: 'vCard' } as const
/** XEP-0163 §4.3: the one item of a node that has one. */
const ONLY_ITEM = 'current'

export interface VCardOptions {
  readonly xml: XmlStore
  readonly limits?: StoredXmlLimits
}

export const vCard = ({ xml, limits = storedXmlLimits }: VCardOptions): Module =>
  defineModule({
    name: 'vcard',
    implements: ['XEP-0054 1.3', 'XEP-0084 1.1.4', 'XEP-0153 1.1.1', 'XEP-0398 1.0.0'],
    depends: ['roster', 'presence', 'pep', 'private-xml'],
    setup(host) {
      const avatars = new Avatars(host, host.need('pep'))
      const cards = new VCards({ host, xml, avatars, limits })
      host.feature(NS_VCARD)
      host.accountFeature(NS_VCARD)
      host.accountFeature(NS_PEP_VCARD) // XEP-0398 §2
      const query = { to: ['self', 'account'], namespace: NS_VCARD, name: 'vCard' } as const
      host.onIq('get', query, (request) => cards.get(request))
      host.onIq('set', query, (request) => {
        if (request.target !== 'self') throw refuse.notOwner()
        return cards.set(request)
      })
      host.hook('account/import', async (account) => {
        for (const part of account.parts.filter((each) => each.is(VCARD.name, VCARD.ns)))
          await cards.adopt(account, part)
      })
      host.hook('presence/shown', ({ session, stanza }) => avatars.stamp(session, stanza))
      host.hook('pep/changed', ({ owner, node }) => {
        if (node === NS_AVATAR_METADATA) host.spawn(avatars.announce(owner))
      })
    },
  })

interface VCardsParts {
  readonly host: ModuleHost
  readonly xml: XmlStore
  readonly avatars: Avatars
  readonly limits: StoredXmlLimits
}

class VCards {
  readonly #parts: VCardsParts
  readonly #turns = new Turns()

  constructor(parts: VCardsParts) {
    this.#parts = parts
  }

  async get({ owner, session, target }: IqRequest): Promise<Element> {
    const { host, xml, avatars } = this.#parts
    if (!owner) throw refuse.hidden()
    const isSelf = target === 'self'
    const isSubscriber = isSelf || (await host.need('roster').isSubscriber(owner, session.jid))
    const stored = isSubscriber ? await xml.get(owner.id, VCARD) : undefined
    const avatar = await avatars.shown(owner, isSelf ? 'owner' : isSubscriber ? 'subscriber' : 'stranger')
    if (!isSelf && stored === undefined && avatar === undefined) throw refuse.hidden()
    const card = stored === undefined ? element(VCARD.name, VCARD.ns) : readElement(stored)
    return avatar === undefined ? card : card.withChildren([...card.children, photoElement(avatar)])
  }

  async set({ session, query }: IqRequest): Promise<undefined> {
    const { xml, avatars, limits } = this.#parts
    const photo = readPhoto(query)
    const text = withoutPhoto(query)
    if (Buffer.byteLength(text) > limits.bytesMax) throw refuse.tooBig()
    return this.#turns.take(session.account.id, async () => {
      const isKept = await xml.put(session.account.id, [{ ...VCARD, xml: text }], limits.totalBytesMax)
      if (!isKept) throw refuse.full()
      await avatars.publish(session, photo)
      return undefined
    })
  }

  /** As another server had it, unless there is one. Its photo becomes the avatar, unless there is one. */
  adopt({ owner, taken }: ImportedAccount, card: Element): Promise<void> {
    const { xml, avatars, limits } = this.#parts
    return this.#turns.take(owner.id, async () => {
      const text = withoutPhoto(card)
      if ((await xml.get(owner.id, VCARD)) === undefined) {
        const fits = Buffer.byteLength(text) <= limits.bytesMax
        const isKept = fits && (await xml.put(owner.id, [{ ...VCARD, xml: text }], limits.totalBytesMax))
        taken[isKept ? 'elements' : 'refused']++
      }
      taken.refused += await avatars.adopt(owner, card)
    })
  }
}

/** The photo aside, which is kept elsewhere. */
function withoutPhoto(card: Element): string {
  const rest = card.children.filter((node) => typeof node === 'string' || !node.is('PHOTO', NS_VCARD))
  return card.withChildren(rest).toString('')
}

/** Undefined: there is none that can be shown. */
function photoOf(card: Element): Avatar | undefined {
  try {
    return readPhoto(card)
  } catch (error) {
    if (error instanceof StanzaError) return undefined
    throw error
  }
}

type Reader = 'owner' | 'subscriber' | 'stranger'

/** XEP-0060 §4.5 */
function mayRead(reader: Reader, model: string): boolean {
  return model === 'open' || reader === 'owner' || (model === 'presence' && reader === 'subscriber')
}

class Avatars {
  readonly #host: ModuleHost
  readonly #pep: Provided['pep']

  constructor(host: ModuleHost, pep: Provided['pep']) {
    this.#host = host
    this.#pep = pep
  }

  /** XEP-0398 §6: the image, for whoever may read both nodes. */
  async shown(owner: AccountRef, reader: Reader): Promise<Avatar | undefined> {
    for (const name of [NS_AVATAR_METADATA, NS_AVATAR_DATA]) {
      const node = await this.#pep.node(owner.id, name)
      if (node === undefined || !mayRead(reader, node.config.accessModel)) return undefined
    }
    return this.#published(owner)
  }

  async #published({ id }: AccountRef): Promise<Avatar | undefined> {
    const [latest] = await this.#pep.items(id, NS_AVATAR_METADATA, { max: 1 })
    const named = latest && readMetadata(readElement(latest.payload))
    if (named === undefined) return undefined
    const [data] = await this.#pep.items(id, NS_AVATAR_DATA, { ids: [named.id] })
    return data && readData(readElement(data.payload), named)
  }

  /** XEP-0398 §3.2: what a vCard says becomes what is published, unless it is so already. */
  async publish(session: Session, photo: Avatar | undefined): Promise<void> {
    const before = await this.#published(session.account)
    if (before === undefined ? photo === undefined : photo?.base64 === before.base64) return
    const metadata = metadataElement(photo)
    if (photo === undefined) {
      await this.#pep.publish(session, NS_AVATAR_METADATA, { id: ONLY_ITEM, payload: metadata })
      return
    }
    const id = hashOf(photo)
    await this.#pep.publish(session, NS_AVATAR_DATA, { id, payload: dataElement(photo) })
    await this.#pep.publish(session, NS_AVATAR_METADATA, { id, payload: metadata })
  }

  /** The photo of a vCard, where nothing is published. 1: it cannot be shown here. */
  async adopt(owner: AccountRef, card: Element): Promise<0 | 1> {
    if ((await this.#pep.node(owner.id, NS_AVATAR_METADATA)) !== undefined) return 0
    const photo = photoOf(card)
    if (photo === undefined) return card.childrenNamed('PHOTO').length > 0 ? 1 : 0
    const id = hashOf(photo)
    const item = (payload: Element) => [element('item', NS_PUBSUB, { id }, payload)]
    await this.#pep.adopt(owner, { node: NS_AVATAR_DATA, config: {}, items: item(dataElement(photo)) })
    await this.#pep.adopt(owner, {
      node: NS_AVATAR_METADATA,
      config: {},
      items: item(metadataElement(photo)),
    })
    return 0
  }

  /** XEP-0398 §4: presence with the hash of the avatar, except where the client says that it shows none. */
  async stamp({ account, data }: Session, stanza: Element): Promise<Element | undefined> {
    data.avatarHash ??= await this.#hash(account)
    const update = stanza.child('x', NS_VCARD_UPDATE)
    if (update?.child('photo')?.text() === '') return undefined
    if (data.avatarHash === '' && data.hadAvatar !== true) return undefined
    const photo = element('photo', NS_VCARD_UPDATE, {}, ...(data.avatarHash === '' ? [] : [data.avatarHash]))
    const others = stanza.children.filter((node) => node !== update)
    return stanza.withChildren([...others, element('x', NS_VCARD_UPDATE, {}, photo)])
  }

  /** XEP-0153 §3.1: those who see the account's sessions hear of its new avatar. */
  async announce(owner: AccountRef): Promise<void> {
    const sessions = this.#host.sessions.of(owner.jid)
    if (sessions.length === 0) return
    const now = await this.#hash(owner)
    for (const session of sessions) {
      const before = session.data.avatarHash
      if (before === undefined || before === now) continue
      session.data.avatarHash = now
      if (before !== '') session.data.hadAvatar = true
      await this.#host.need('presence').showAgain(session)
    }
  }

  async #hash(owner: AccountRef): Promise<string> {
    const avatar = await this.shown(owner, 'subscriber')
    return avatar === undefined ? '' : hashOf(avatar)
  }
}
