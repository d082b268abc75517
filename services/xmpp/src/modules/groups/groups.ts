/**
 * XEP-0045 Multi-User Chat, as groups: for members only, not anonymous, hidden, without an archive, their messages encrypted end to end. They live at a domain of their own under each
 * served domain. Left out: open and anonymous rooms, passwords, voice requests, moderated rooms, history, readable subjects, logging, avatars, requests to other occupants.
 */
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import type { MaybePromise } from '@sealpost/runtime'
import {
  type Element,
  element,
  iqResult,
  NS_BOOKMARKS_2,
  NS_DISCO_INFO,
  NS_DISCO_ITEMS,
  NS_MESSAGE_MODERATE,
  NS_MUC_ADMIN,
  NS_MUC_OWNER,
  NS_MUC_USER,
  NS_PING,
  NS_REGISTER,
  readElement,
} from '@sealpost/stanza'
import {
  type AccountRef,
  type AddressedStanza,
  defineModule,
  type Module,
  type ModuleHost,
  type Session,
} from '../../core/module.ts'
import type { DeviceRegistry } from '../../delivery/device-registry.ts'
import type { DomainPolicies } from '../../policy/domain-policies.ts'
import * as admin from './admin-requests.ts'
import * as disco from './group-disco.ts'
import { GroupMessages } from './group-messages.ts'
import type { GroupRequest } from './group-request.ts'
import { Invitations } from './invitation.ts'
import { Memberships } from './memberships.ts'
import { moderate } from './moderation.ts'
import { Occupancy } from './occupancy.ts'
import { configuration, own } from './owner-requests.ts'
import { refuse } from './refusals.ts'
import { register, registered } from './registration.ts'
import type { Room } from './room.ts'
import { Rooms } from './rooms.ts'
import type { GroupStore } from './store.ts'

export interface GroupsOptions {
  readonly groups: {
    readonly store: GroupStore
    /** First label of the domain of groups; undefined: there are none. */
    readonly label: string | undefined
  }
  readonly devices: DeviceRegistry
  readonly policies: DomainPolicies
}

export const groups = ({ groups: { store, label }, devices, policies }: GroupsOptions): Module =>
  defineModule({
    name: 'groups',
    implements: ['XEP-0045 1.35.5', 'XEP-0249 1.2', 'XEP-0410 1.1.0', 'XEP-0421 1.0.1', 'XEP-0425 0.3.0'],
    depends: ['message', 'blocking', 'presence', 'disco'],
    setup(host) {
      const rooms = new Rooms(store, () => host.clock.monotonic())
      const blocking = host.need('blocking')
      const messages = new GroupMessages({
        host,
        devices,
        policies,
        blocking,
        messages: host.need('messages'),
      })
      const serviceOf = (domain: string) => `${label ?? ''}.${domain}`
      const occupancy = new Occupancy({ host, rooms, blocking, fanOut: host.need('fanOut'), serviceOf })
      const memberships = new Memberships({ host, rooms, occupancy, messages })
      host.hook('account/erase', ({ accountId }) => erase(rooms, memberships, accountId))
      if (label === undefined) return
      const invitations = new Invitations({ host, rooms, memberships, messages })
      const service = new Service({ host, rooms, occupancy, memberships, messages, invitations })
      const domains = new Set(host.domains.map(serviceOf))
      host.hook('stanza/elsewhere', (event) =>
        domains.has(event.to.domain) ? service.receive(event) : undefined,
      )
      host.hook('disco/host-items', ({ session, node, found }) => {
        if (node === undefined)
          found.push(element('item', NS_DISCO_ITEMS, { jid: serviceOf(session.jid.domain), name: 'Groups' }))
      })
      followSessions(host, rooms, occupancy)
      host.hook('pep/changed', async ({ owner, node, retracted = '' }) => {
        if (node === NS_BOOKMARKS_2 && domains.has(retracted.slice(retracted.indexOf('@') + 1)))
          await forget(rooms, memberships, owner, retracted)
      })
    },
  })

/** Who is in a group stays there while a stream is resumed, also by another process; not when the session is over, or shows that it is not available. */
function followSessions(host: ModuleHost, rooms: Rooms, occupancy: Occupancy): void {
  host.hook('session/closed', ({ session }) => host.spawn(occupancy.leaveAll(session)))
  host.hook('presence/unavailable', ({ session }) => occupancy.leaveAll(session).then(() => undefined))
  host.hook('blocking/changed', async ({ account, blocked, matches }) => {
    if (!blocked) return
    for (const session of host.sessions.of(account.jid))
      for (const room of session.data.groups?.values() ?? [])
        if (matches(room.jid)) await occupancy.leave(room, session)
  })
  host.hook('session/save', ({ session, saved }) => {
    const found = [...(session.data.groups?.values() ?? [])].map((room) => occupancy.saved(room, session))
    if (found.length > 0) saved.groups = found.filter((each) => each !== undefined)
  })
  host.hook('session/restored', async ({ session, saved }) => {
    for (const { room, shown } of saved.groups ?? []) {
      const found = await rooms.find(parseJid(room))
      if (found) occupancy.restore(found, session, readElement(shown).elements())
    }
  })
}

/** XEP-0402 §3.3: whoever takes a bookmark back wants no more of that group; other clients have no better word for it. */
async function forget(
  rooms: Rooms,
  memberships: Memberships,
  owner: AccountRef,
  address: string,
): Promise<void> {
  try {
    const room = await rooms.find(parseJid(address))
    if (room) await memberships.stepBack(room, owner)
  } catch (error) {
    if (!(error instanceof JidError)) throw error
  }
}

async function erase(rooms: Rooms, memberships: Memberships, accountId: string): Promise<undefined> {
  for (const { room: jid } of await rooms.store.membershipsOf(accountId)) {
    const room = await rooms.find(jid)
    if (room) await memberships.erase(room, accountId)
  }
}

interface ServiceParts {
  readonly host: ModuleHost
  readonly rooms: Rooms
  readonly occupancy: Occupancy
  readonly memberships: Memberships
  readonly messages: GroupMessages
  readonly invitations: Invitations
}

type RequestHandler = (request: GroupRequest) => MaybePromise<Element | undefined>

class Service {
  readonly #parts: ServiceParts
  readonly #handlers: ReadonlyMap<string, RequestHandler>

  constructor(parts: ServiceParts) {
    this.#parts = parts
    const { host, rooms, occupancy, memberships, messages } = parts
    this.#handlers = new Map<string, RequestHandler>([
      [`get ${NS_DISCO_INFO} query`, (request) => disco.roomInfo(request)],
      [`get ${NS_DISCO_ITEMS} query`, () => disco.roomItems()],
      [`get ${NS_MUC_ADMIN} query`, (request) => admin.list(request)],
      [`set ${NS_MUC_ADMIN} query`, (request) => admin.change(memberships, request)],
      [`get ${NS_MUC_OWNER} query`, (request) => configuration(request)],
      [`set ${NS_MUC_OWNER} query`, (request) => own(rooms, memberships, request)],
      [`get ${NS_REGISTER} query`, (request) => registered(request)],
      [`set ${NS_REGISTER} query`, (request) => register({ occupancy, memberships }, request)],
      [`set ${NS_MESSAGE_MODERATE} moderate`, (request) => moderate(messages, host.random, request)],
      [`get ${NS_PING} ping`, () => undefined],
    ])
  }

  async receive(event: AddressedStanza): Promise<true> {
    const { session, stanza, to } = event
    if (stanza.name === 'presence') await this.#parts.occupancy.receive(session, stanza, to)
    else if (stanza.name === 'message') await this.#message(event)
    else await this.#iq(session, stanza, to)
    return true
  }

  #message(event: AddressedStanza): MaybePromise<void> {
    const { stanza, to } = event
    const { messages, invitations } = this.#parts
    const { type } = stanza.attrs
    if (type === 'error') return
    if (to.local === '') throw refuse.unavailable()
    if (type === 'groupchat') {
      if (to.resource !== '') throw refuse.malformed() // XEP-0045 §7.5
      return messages.toAll(event)
    }
    if (to.resource !== '') return messages.toOne(event)
    if (!stanza.child('x', NS_MUC_USER)) throw refuse.malformed()
    return invitations.receive(event)
  }

  async #iq(session: Session, stanza: Element, to: Jid): Promise<void> {
    const { type } = stanza.attrs
    if (type === 'result' || type === 'error') return
    const [query, ...others] = stanza.elements()
    if (!query || others.length > 0 || (type !== 'get' && type !== 'set')) throw refuse.malformed()
    session.send(iqResult(stanza, await this.#answer(session, type, query, to)))
  }

  async #answer(
    session: Session,
    type: 'get' | 'set',
    query: Element,
    to: Jid,
  ): Promise<Element | undefined> {
    const key = `${type} ${query.ns} ${query.name}`
    if (to.local === '') return this.#ofService(session, key, query, to)
    if (to.resource !== '') return this.#ofOccupant(session, key, to)
    const room = await this.#parts.rooms.find(to)
    const member = room?.of(session.account)
    if (!room || !member || member.affiliation === 'outcast' || room.destroyed) throw refuse.noRoom()
    const handler = this.#handlers.get(key)
    if (!handler) throw refuse.unavailable()
    return handler({ session, room, member, query })
  }

  #ofService(session: Session, key: string, query: Element, to: Jid): MaybePromise<Element | undefined> {
    if (key === `get ${NS_PING} ping`) return undefined
    if (key === `get ${NS_DISCO_INFO} query`) return disco.serviceInfo(query.attrs['node'])
    if (key !== `get ${NS_DISCO_ITEMS} query`) throw refuse.unavailable()
    return disco.serviceItems(this.#parts.rooms.store, session.account, to.domain)
  }

  /** XEP-0410 §3.3: whether it is in the group, by this nickname, the group itself knows. */
  #ofOccupant(session: Session, key: string, to: Jid): undefined {
    const room: Room | undefined = session.data.groups?.get(to.bare.toString())
    const occupant = room?.occupantOf(session.jid)
    if (!occupant?.sessions.has(session)) throw refuse.notThere()
    if (key !== `get ${NS_PING} ping`) throw refuse.unavailable()
    if (occupant.nick !== to.resource) throw refuse.notThere()
    return undefined
  }
}
