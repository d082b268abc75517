/** XEP-0045 §9 and §10.3 to §10.8: affiliations change, in the store, in the group, and for those who see it. Also kicking, destroying, and leaving for good. */
import type { Jid } from '@sealpost/jid'
import { Budget, type BudgetRate } from '@sealpost/runtime'
import { type Element, element, NS_CLIENT, NS_MUC_USER } from '@sealpost/stanza'
import type { AccountRef, ModuleHost, Session } from '../../core/module.ts'
import { type AffiliationChange, checkChanges, isAdmin } from './affiliation-changes.ts'
import type { GroupMessages } from './group-messages.ts'
import type { Gone, StatusCode } from './occupant-presence.ts'
import { invitationTo } from './invitation.ts'
import { type Occupancy, pause } from './occupancy.ts'
import { refuse } from './refusals.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import type { Affiliated, Affiliation } from './store.ts'

/** Affiliations that one session changes: each is looked up, stored, and told to all who are there. */
const CHANGES_RATE: BudgetRate = { burst: 1_000, perSecond: 20 }

declare module '../../core/session.ts' {
  interface SessionData {
    affiliationBudget?: Budget
  }
}

export interface MembershipsOptions {
  readonly host: ModuleHost
  readonly rooms: Rooms
  readonly occupancy: Occupancy
  readonly messages: GroupMessages
}

/** What somebody is to be. */
export interface WantedAffiliation {
  readonly jid: Jid
  readonly affiliation: Affiliation | 'none'
}

export class Memberships {
  readonly #options: MembershipsOptions

  constructor(options: MembershipsOptions) {
    this.#options = options
  }

  /** Whoever changes more than others can take is read from more slowly. */
  async pace(session: Session, room: Room, changes: number): Promise<void> {
    const { host } = this.#options
    const budget = (session.data.affiliationBudget ??= new Budget(CHANGES_RATE, host.clock.monotonic()))
    await pause(host, budget, changes)
    await pause(host, room.broadcasts, changes * room.occupants.size)
  }

  /** XEP-0045 §9, §10.3 to §10.7. Accounts are looked up before, since that takes its time. */
  async change(room: Room, actorJid: Jid, wanted: readonly WantedAffiliation[]): Promise<void> {
    const accountIds = await this.#accountIds(wanted)
    await room.sequence(async () => {
      const actor = room.affiliatedAs(actorJid)
      if (!actor || room.destroyed) throw refuse.noRoom()
      const changes = wanted.map(({ jid, affiliation }) => ({
        jid,
        was: room.affiliatedAs(jid),
        wanted: affiliation,
      }))
      checkChanges(actor, changes, room.affiliated)
      await this.#make(room, changes, accountIds, actor)
    })
  }

  /** In a group whose members may invite: one of them adds somebody, unless it is something already. False when it is banned. */
  async add(room: Room, jid: Jid): Promise<boolean> {
    const accountIds = await this.#accountIds([{ jid, affiliation: 'member' }])
    return room.sequence(async () => {
      const was = room.affiliatedAs(jid)
      if (was) return was.affiliation !== 'outcast'
      const [owner] = room.affiliated.filter(({ affiliation }) => affiliation === 'owner')
      const change = { jid, was, wanted: 'member' as const }
      if (!owner || room.destroyed) throw refuse.noRoom()
      checkChanges(owner, [change], room.affiliated)
      await this.#make(room, [change], accountIds)
      return true
    })
  }

  /** XEP-0077 §3.2 in a group: somebody leaves for good. */
  resign(room: Room, jid: Jid): Promise<void> {
    return Promise.resolve(
      room.sequence(async () => {
        const was = room.affiliatedAs(jid)
        if (!was || was.affiliation === 'outcast') throw refuse.noRoom()
        const isLast = was.affiliation === 'owner' && ownersOf(room).length === 1
        if (isLast && room.affiliated.some((each) => each.affiliation !== 'outcast' && each !== was))
          throw refuse.lastOwner()
        if (isLast) return this.#destroy(room)
        await this.#make(room, [{ jid, was, wanted: 'none' }], new Map())
      }),
    )
  }

  /** XEP-0045 §8.2: out of the group, and without its messages until it enters again. */
  async kick(room: Room, actorJid: Jid, nicks: readonly string[]): Promise<void> {
    await room.sequence(async () => {
      const actor = room.affiliatedAs(actorJid)
      if (!actor || room.destroyed) throw refuse.noRoom()
      if (!isAdmin(actor)) throw refuse.notAdmin()
      const targets = nicks.map((nick) => room.byNick(nick))
      const kicked = targets.filter((each) => each !== undefined)
      if (kicked.length < targets.length) throw refuse.noRoom()
      if (kicked.some((each) => isAdmin(each) && actor.affiliation !== 'owner')) throw refuse.higherUp()
      await this.#store(
        room,
        kicked.map((each) => ({ ...each, entered: false })),
      )
      for (const { jid, affiliation } of kicked) await this.#expel(room, jid, { affiliation, codes: [307] })
    })
  }

  /** Somebody takes no part any more, and stays a member that may enter again. */
  async stepBack(room: Room, account: AccountRef): Promise<void> {
    await room.sequence(async () => {
      const member = room.of(account)
      if (!member || member.affiliation === 'outcast' || room.destroyed) return
      if (member.entered) await this.#store(room, [{ ...member, entered: false }])
      await this.#expel(room, member.jid, { affiliation: member.affiliation })
    })
  }

  /** XEP-0045 §10.9 */
  async destroy(room: Room, alternate?: Jid): Promise<void> {
    await room.sequence(() => this.#destroy(room, alternate))
  }

  async #destroy(room: Room, alternate?: Jid): Promise<void> {
    const { rooms, occupancy } = this.#options
    if (!room.locked) await rooms.store.destroy(room.id)
    room.destroyed = true
    const destroy = element('destroy', NS_MUC_USER, { jid: alternate?.toString() })
    for (const occupant of room.occupants.values())
      await occupancy.expel(room, occupant, { affiliation: 'none', destroy })
    rooms.forget(room)
  }

  /** The account is erased: it goes from the group, and what it alone owned goes to another. Repeatable. */
  async erase(room: Room, accountId: string): Promise<void> {
    await room.sequence(async () => {
      const gone = room.affiliated.filter((each) => each.accountId === accountId)
      if (gone.length === 0 || room.destroyed) return
      const others = room.affiliated.filter((each) => !gone.includes(each))
      if (others.some(({ affiliation }) => affiliation === 'owner'))
        return this.#make(room, gone.map(toNone), new Map())
      const heir = heirOf(others)
      if (!heir) return this.#destroy(room)
      const promoted = { jid: heir.jid, was: heir, wanted: 'owner' as const }
      await this.#make(room, [promoted, ...gone.map(toNone)], new Map())
    })
  }

  /** Who exists is not told, so that the same happens with names of nobody. */
  async #accountIds(wanted: readonly WantedAffiliation[]): Promise<Map<string, string>> {
    const { host } = this.#options
    const found = new Map<string, string>()
    for (const { jid, affiliation } of wanted) {
      if (affiliation === 'none' || !host.domains.includes(jid.domain)) continue
      const account = await host.accounts.read(jid)
      if (account) found.set(jid.toString(), account.id)
    }
    return found
  }

  async #make(
    room: Room,
    changes: readonly AffiliationChange[],
    accountIds: ReadonlyMap<string, string>,
    actor?: Affiliated,
  ): Promise<void> {
    const made = changes.filter(({ was, wanted }) => (was?.affiliation ?? 'none') !== wanted)
    const changed = made.flatMap(({ jid, was, wanted }) =>
      wanted === 'none' ? [] : [affiliatedBy(jid, was, wanted, accountIds.get(jid.toString()))],
    )
    const gone = made.filter(({ wanted }) => wanted === 'none').map(({ jid }) => jid)
    await this.#store(room, changed, gone)
    for (const change of made) await this.#tell(room, change, actor)
  }

  async #store(room: Room, changed: readonly Affiliated[], gone: readonly Jid[] = []): Promise<void> {
    if (!room.locked) await this.#options.rooms.store.affiliate(room.id, changed, gone)
    room.change(changed, gone)
  }

  async #tell(room: Room, { jid, was, wanted }: AffiliationChange, actor?: Affiliated): Promise<void> {
    const { occupancy } = this.#options
    const occupant = room.occupantOf(jid)
    if (wanted === 'none' || wanted === 'outcast') {
      const codes: StatusCode[] = [wanted === 'outcast' ? 301 : 321] // XEP-0045 §9.1, §9.4
      if (occupant) await this.#expel(room, jid, { affiliation: wanted, codes })
      else this.#announce(room, jid, wanted, was?.nick)
      return
    }
    const member = room.affiliatedAs(jid)
    if (occupant && member) return occupancy.showAgain(room, occupant, member)
    this.#announce(room, jid, wanted, member?.nick)
    if (member && actor && !was)
      await this.#options.messages.notify(room, member, invitationTo(room, actor.jid), actor.jid) // XEP-0045 §9.5
  }

  async #expel(room: Room, jid: Jid, gone: Gone): Promise<void> {
    const occupant = room.occupantOf(jid)
    if (occupant) await this.#options.occupancy.expel(room, occupant, gone)
  }

  /** XEP-0045 §9.3: of somebody who is not there, to those who are; by its nickname, too, so that nobody lists it twice. */
  #announce(room: Room, jid: Jid, affiliation: Affiliation | 'none', nick: string | undefined): void {
    const item = element('item', NS_MUC_USER, { affiliation, jid: jid.toString(), nick, role: 'none' })
    const message = about(room, item, this.#options.host.random.token(12))
    for (const session of room.sessions()) session.send(message.withAttrs({ to: session.jidText }))
  }
}

function about(room: Room, item: Element, id: string): Element {
  const attrs = { from: room.jidText, id, type: 'normal' }
  return element('message', NS_CLIENT, attrs, element('x', NS_MUC_USER, {}, item))
}

function affiliatedBy(
  jid: Jid,
  was: Affiliated | undefined,
  affiliation: Affiliation,
  accountId: string | undefined,
): Affiliated {
  const known = accountId ?? was?.accountId
  if (affiliation === 'outcast')
    return { jid, accountId: known, affiliation, nick: undefined, entered: false }
  return {
    jid,
    accountId: known,
    affiliation,
    nick: was?.nick,
    entered: was?.accountId === known && was?.entered === true,
  }
}

function ownersOf(room: Room): readonly Affiliated[] {
  return room.affiliated.filter(({ affiliation }) => affiliation === 'owner')
}

/** Who becomes the owner: an admin, or a member that takes part, or any. Names of nobody inherit nothing. */
function heirOf(others: readonly Affiliated[]): Affiliated | undefined {
  const heirs = others.filter((each) => each.accountId !== undefined && each.affiliation !== 'outcast')
  return heirs.find(isAdmin) ?? heirs.find(({ entered }) => entered) ?? heirs[0]
}

function toNone(was: Affiliated): AffiliationChange {
  return { jid: was.jid, was, wanted: 'none' }
}
