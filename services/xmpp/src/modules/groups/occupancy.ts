/**
 * XEP-0045 §7.2 to §7.6 and §7.14: entering a group, being seen in it, another nickname, leaving. One account has one nickname, whatever its sessions. Entering for the first time is what
 * makes a member take part: from then on it gets the group's messages also while it is away (group-messages.ts). There is no history to send.
 */
import type { Jid } from '@sealpost/jid'
import { Budget, type BudgetRate, type MaybePromise } from '@sealpost/runtime'
import { type Element, element, NS_CLIENT, NS_MUC } from '@sealpost/stanza'
import { addressable, type ModuleHost, type Provided, type Session } from '../../core/module.ts'
import { isNickname } from './nickname.ts'
import {
  available,
  type Gone,
  notThere,
  show,
  shownOf,
  type StatusCode,
  unavailable,
} from './occupant-presence.ts'
import { refuse } from './refusals.ts'
import { type Occupant, Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import type { Affiliated } from './store.ts'

/** Groups that one session can be in. */
const ROOMS_PER_SESSION_MAX = 200
/** Groups that one account can take part in. */
const ROOMS_PER_ACCOUNT_MAX = 200
/** Presence stanzas of one session to groups. */
const PRESENCE_RATE: BudgetRate = { burst: 300, perSecond: 2 }
const OCCUPANT_KEY_BYTES = 32

declare module '../../core/session.ts' {
  interface SessionData {
    /** Groups that it is in, by address. */
    groups?: Map<string, Room>
    groupPresenceBudget?: Budget
  }
  interface SavedData {
    groups?: { readonly room: string; readonly shown: string }[]
  }
}

export interface OccupancyOptions {
  readonly host: ModuleHost
  readonly rooms: Rooms
  readonly blocking: Provided['blocking']
  readonly fanOut: Provided['fanOut']
  /** The domain of the groups that accounts of a domain may make. */
  readonly serviceOf: (domain: string) => string
}

export class Occupancy {
  readonly #options: OccupancyOptions

  constructor(options: OccupancyOptions) {
    this.#options = options
  }

  async receive(session: Session, stanza: Element, to: Jid): Promise<void> {
    const { type } = stanza.attrs
    if (to.local === '' || type === 'error') return
    const inside = session.data.groups?.get(to.bare.toString())
    if (type === 'unavailable') return inside && this.leave(inside, session)
    if (type !== undefined) throw refuse.unavailable()
    if (to.resource === '') throw refuse.noNick()
    const shown = shownOf(stanza)
    if (!shown) throw refuse.tooBig()
    await this.#pace(session)
    if (stanza.child('x', NS_MUC)) return this.#enter(session, to, shown)
    if (!inside) return show(session, notThere(to.bare.toString(), to.resource))
    await pause(this.#options.host, inside.broadcasts, inside.occupants.size)
    await inside.sequence(() => this.#update(inside, session, to.resource, shown))
  }

  /** Whoever shows itself too often waits: what it says is not lost. */
  async #pace(session: Session): Promise<void> {
    const { clock } = this.#options.host
    const now = clock.monotonic()
    const budget = (session.data.groupPresenceBudget ??= new Budget(PRESENCE_RATE, now))
    await pause(this.#options.host, budget, 1)
  }

  async #enter(session: Session, to: Jid, shown: readonly Element[]): Promise<void> {
    const { host, rooms, blocking } = this.#options
    await blocking.checkOutbound(session, to)
    if (!isNickname(to.resource)) throw refuse.badNick()
    const joined = session.data.groups?.size ?? 0
    if (joined >= ROOMS_PER_SESSION_MAX && !session.data.groups?.has(to.bare.toString()))
      throw refuse.tooManyRooms()
    const before = await rooms.find(to)
    if (before) await pause(host, before.broadcasts, 2 * before.occupants.size)
    const room = (await rooms.find(to)) ?? (await this.#make(session, to))
    try {
      await room.sequence(() => this.#admit(room, session, to.resource, shown))
    } finally {
      this.#dropUnmade(room)
    }
  }

  /** XEP-0045 §10.1.3: its owner went, and had not said how it is to be. */
  #dropUnmade(room: Room): void {
    if (!room.locked || room.occupants.size > 0) return
    room.destroyed = true
    this.#options.rooms.forget(room)
  }

  /** XEP-0045 §10.1.1: locked until its owner says how it is to be. */
  async #make(session: Session, to: Jid): Promise<Room> {
    const { host, rooms, serviceOf } = this.#options
    const { account } = session
    if (to.domain !== serviceOf(account.jid.domain)) throw refuse.mayNotCreate()
    await rooms.checkOwned(account.id)
    return rooms.make(to, () => {
      const owner: Affiliated = {
        jid: account.jid,
        accountId: account.id,
        affiliation: 'owner',
        nick: to.resource,
        entered: true,
      }
      const stored = {
        id: host.random.uuid(),
        jid: to.bare,
        config: { name: '', allowInvites: false },
        occupantKey: host.random.bytes(OCCUPANT_KEY_BYTES),
        affiliated: [owner],
      }
      return new Room(stored, true, host.clock.monotonic())
    })
  }

  async #admit(room: Room, session: Session, wanted: string, shown: readonly Element[]): Promise<void> {
    if (session.closed) return
    const member = room.of(session.account)
    if (room.destroyed || (room.locked && member?.affiliation !== 'owner')) throw refuse.noRoom() // XEP-0045 §7.2.10
    if (!member) throw refuse.notMember()
    if (member.affiliation === 'outcast') throw refuse.banned()
    const present = room.occupantOf(session.jid)
    const nick = present?.nick ?? wanted
    if (room.isTaken(nick, member)) throw refuse.nickTaken()
    const known = await this.#register(room, member, nick)
    if (session.closed) return
    const codes: StatusCode[] = [100, 110]
    if (room.locked && !present) codes.push(201)
    if (nick !== wanted) codes.push(210)
    const occupant = present ?? { key: member.jid.toString(), nick, sessions: new Map() }
    occupant.sessions.set(session, shown)
    room.occupants.set(occupant.key, occupant)
    const groups = (session.data.groups ??= new Map<string, Room>())
    groups.set(room.jidText, room)
    await this.#welcome(room, session, occupant, known, codes)
  }

  /** It has a nickname there, and takes part from now on. */
  async #register(room: Room, member: Affiliated, nick: string): Promise<Affiliated> {
    const { accountId } = member
    if (member.entered && member.nick === nick) return member
    if (member.entered || accountId === undefined) return this.#take(room, member, nick)
    return this.#options.rooms.adding(accountId, async () => {
      const memberships = await this.#options.rooms.store.membershipsOf(accountId)
      if (memberships.filter(({ entered }) => entered).length >= ROOMS_PER_ACCOUNT_MAX)
        throw refuse.tooManyRooms()
      return this.#take(room, member, nick)
    })
  }

  async #take(room: Room, member: Affiliated, nick: string): Promise<Affiliated> {
    const changed = { ...member, nick, entered: true }
    if (!room.locked) await this.#options.rooms.store.affiliate(room.id, [changed])
    room.change([changed])
    return changed
  }

  /** XEP-0045 §7.2.2, §7.2.15: who is there, then itself, then the subject, of which there is none that the server could read. */
  async #welcome(
    room: Room,
    session: Session,
    occupant: Occupant,
    member: Affiliated,
    codes: readonly StatusCode[],
  ): Promise<void> {
    for (const other of room.occupants.values()) {
      const known = other === occupant ? undefined : room.affiliatedAs(jidOf(other))
      if (known) show(session, available(room, other, known))
    }
    if (occupant.sessions.size === 1)
      await this.#tellOthers(room, occupant, available(room, occupant, member))
    show(session, available(room, occupant, member, codes))
    const attrs = { type: 'groupchat', from: room.jidText, to: session.jidText }
    session.send(element('message', NS_CLIENT, attrs, element('subject', NS_CLIENT)))
  }

  /** XEP-0045 §7.6, §7.7: of an occupant. */
  async #update(room: Room, session: Session, nick: string, shown: readonly Element[]): Promise<void> {
    const occupant = room.occupantOf(session.jid)
    const member = room.of(session.account)
    if (!member || !occupant?.sessions.has(session)) return
    occupant.sessions.set(session, shown)
    if (nick === occupant.nick) return this.#showChanged(room, occupant, member, session)
    await this.#rename(room, occupant, member, nick)
  }

  async #rename(room: Room, occupant: Occupant, member: Affiliated, nick: string): Promise<void> {
    checkNick(room, member, nick)
    const changed = await this.#register(room, member, nick)
    const gone: Gone = { affiliation: member.affiliation, nick, codes: [303] }
    await this.#tellAll(room, occupant, (own) => unavailable(room, occupant, member, gone, own))
    occupant.nick = nick
    await this.#tellAll(room, occupant, (own) => available(room, occupant, changed, own ? [110] : []))
  }

  /** XEP-0045 §7.10: the nickname that is kept for a member, whether or not it is there. */
  async reserve(room: Room, session: Session, nick: string): Promise<void> {
    await this.#pace(session)
    await pause(this.#options.host, room.broadcasts, room.occupants.size)
    await room.sequence(async () => {
      const member = room.of(session.account)
      if (!member || member.affiliation === 'outcast' || room.destroyed) throw refuse.noRoom()
      if (nick === member.nick) return
      const occupant = room.occupantOf(session.jid)
      if (occupant) return this.#rename(room, occupant, member, nick)
      checkNick(room, member, nick)
      await this.#options.rooms.store.affiliate(room.id, [{ ...member, nick }])
      room.change([{ ...member, nick }])
    })
  }

  async #showChanged(room: Room, occupant: Occupant, member: Affiliated, session: Session): Promise<void> {
    const [first] = occupant.sessions.keys()
    if (first === session) await this.showAgain(room, occupant, member)
    else show(session, available(room, occupant, member, [110]))
  }

  /** To everybody: it shows, or is, something else. */
  async showAgain(room: Room, occupant: Occupant, member: Affiliated): Promise<void> {
    await this.#tellAll(room, occupant, (own) => available(room, occupant, member, own ? [110] : []))
  }

  /** XEP-0045 §7.14: one of its sessions leaves. */
  leave(room: Room, session: Session): MaybePromise<void> {
    session.data.groups?.delete(room.jidText)
    return room.sequence(() => this.#leave(room, session))
  }

  async #leave(room: Room, session: Session): Promise<void> {
    const occupant = room.occupantOf(session.jid)
    if (!occupant?.sessions.has(session)) return
    const member = room.affiliatedAs(session.jid)
    const [first] = occupant.sessions.keys()
    if (member && occupant.sessions.size > 1) {
      show(session, unavailable(room, occupant, member, { affiliation: member.affiliation }, true))
      occupant.sessions.delete(session)
      if (first === session) await this.showAgain(room, occupant, member)
      return
    }
    await this.expel(room, occupant, { affiliation: member?.affiliation ?? 'none' })
    this.#dropUnmade(room)
  }

  /** All of its sessions are out, and everybody is told. */
  async expel(room: Room, occupant: Occupant, gone: Gone): Promise<void> {
    const member = room.affiliatedAs(jidOf(occupant)) ?? outsider(occupant)
    room.occupants.delete(occupant.key)
    for (const session of occupant.sessions.keys()) session.data.groups?.delete(room.jidText)
    for (const session of occupant.sessions.keys())
      show(session, unavailable(room, occupant, member, gone, true))
    await this.#tellOthers(room, occupant, unavailable(room, occupant, member, gone, false))
  }

  /** What outlives the process of a session that is in a group. */
  saved(room: Room, session: Session): { room: string; shown: string } | undefined {
    const shown = room.occupantOf(session.jid)?.sessions.get(session)
    return shown && { room: room.jidText, shown: element('presence', NS_CLIENT, {}, ...shown).toString('') }
  }

  /** A session of the process before is where it was, if it still may be; nobody there ever saw it leave. */
  restore(room: Room, session: Session, shown: readonly Element[]): void {
    const member = room.of(session.account)
    if (member?.nick === undefined || !member.entered || member.affiliation === 'outcast') return
    const key = member.jid.toString()
    const occupant = room.occupants.get(key) ?? { key, nick: member.nick, sessions: new Map() }
    occupant.sessions.set(session, shown)
    room.occupants.set(key, occupant)
    const groups = (session.data.groups ??= new Map<string, Room>())
    groups.set(room.jidText, room)
  }

  /** A session is over, or not available any more. */
  async leaveAll(session: Session): Promise<void> {
    for (const room of session.data.groups?.values() ?? []) await this.leave(room, session)
  }

  #tellAll(room: Room, occupant: Occupant, presence: (own: boolean) => Element): MaybePromise<void> {
    const own = presence(true)
    for (const session of occupant.sessions.keys()) show(session, own)
    return this.#tellOthers(room, occupant, presence(false))
  }

  /** Those who do not look at their client see it later, the last of each occupant only. */
  #tellOthers(room: Room, occupant: Occupant, presence: Element): MaybePromise<void> {
    const others = room.sessions().filter((session) => !occupant.sessions.has(session))
    const addressed = addressable(presence)
    return this.#options.fanOut(others, ({ jidText }) => addressed(jidText), presence.attrs['from'])
  }
}

function checkNick(room: Room, member: Affiliated, nick: string): void {
  if (!isNickname(nick)) throw refuse.badNick()
  if (room.isTaken(nick, member)) throw refuse.nickTaken()
}

/** Waits until the budget has what this costs, and takes it. */
export async function pause({ clock }: ModuleHost, budget: Budget, cost: number): Promise<void> {
  const now = clock.monotonic()
  const waitMs = budget.waitMs(now, cost)
  budget.charge(now, cost)
  if (waitMs > 0) await new Promise<void>((resolve) => void clock.after(waitMs, resolve))
}

function jidOf({ sessions }: Occupant): Jid {
  const [session] = sessions.keys()
  if (!session) throw new Error('an occupant has a session')
  return session.jid
}

/** It was taken off the list before. */
function outsider(occupant: Occupant): Affiliated {
  const [session] = occupant.sessions.keys()
  return {
    jid: jidOf(occupant).bare,
    accountId: session?.account.id,
    affiliation: 'outcast',
    nick: occupant.nick,
    entered: false,
  }
}
