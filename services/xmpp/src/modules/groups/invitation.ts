/** XEP-0045 §7.8: invitations that go by way of the group, and their refusal. Reasons are not passed on: the server could read them. Those from one to another (XEP-0249) are messages like any. */
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import { type Element, element, NS_CLIENT, NS_CONFERENCE, NS_MUC_USER } from '@sealpost/stanza'
import type { AddressedStanza, ModuleHost } from '../../core/module.ts'
import { Budgets } from '@sealpost/runtime'
import { isAdmin } from './affiliation-changes.ts'
import type { GroupMessages } from './group-messages.ts'
import type { Memberships } from './memberships.ts'
import { refuse } from './refusals.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'

/** Of one account. */
const INVITATIONS_RATE = { burst: 50, perSecond: 1 / 30 }
const INVITERS_MAX = 10_000
/** People in one invitation. */
const INVITED_MAX = 20

export interface InvitationsOptions {
  readonly host: ModuleHost
  readonly rooms: Rooms
  readonly memberships: Memberships
  readonly messages: GroupMessages
}

export class Invitations {
  readonly #options: InvitationsOptions
  readonly #budgets: Budgets

  constructor(options: InvitationsOptions) {
    this.#options = options
    this.#budgets = new Budgets(INVITATIONS_RATE, INVITERS_MAX, options.host.clock)
    options.host.use(this.#budgets)
  }

  /** A message to the group itself that is not for all. */
  async receive({ session, stanza, to }: AddressedStanza): Promise<void> {
    const about = stanza.child('x', NS_MUC_USER)
    const room = await this.#options.rooms.find(to)
    const member = room?.of(session.account)
    if (!room || room.locked || !member || member.affiliation === 'outcast') throw refuse.noRoom()
    const invited = about?.childrenNamed('invite') ?? []
    const [declined] = about?.childrenNamed('decline') ?? []
    if (invited.length > INVITED_MAX) throw refuse.malformed()
    if (declined) return this.#decline(room, session.jid.bare, readJid(declined))
    if (invited.length === 0) throw refuse.malformed()
    if (!isAdmin(member) && !room.config.allowInvites) throw refuse.notAdmin() // XEP-0045 §9.5
    for (const jid of invited.map(readJid)) {
      if (!this.#budgets.take(session.account.id)) throw refuse.tooManyInvitations()
      await this.#invite(room, session.jid.bare, jid)
    }
  }

  async #invite(room: Room, from: Jid, jid: Jid): Promise<void> {
    const { memberships, messages } = this.#options
    if (!(await memberships.add(room, jid))) throw refuse.higherUp()
    const invited = room.affiliatedAs(jid)
    if (invited) await messages.notify(room, invited, invitationTo(room, from), from)
  }

  /** XEP-0045 §7.8.2: the one who invited is told; who never entered is not on the list any more. */
  async #decline(room: Room, from: Jid, to: Jid): Promise<void> {
    const { memberships, messages } = this.#options
    const inviter = room.affiliatedAs(to)
    const declining = room.affiliatedAs(from)
    if (!inviter || inviter.affiliation === 'outcast') throw refuse.noRoom()
    if (declining?.entered !== false) throw refuse.malformed() // whoever has come was not asked, and may not write to anybody this way
    const declined = element('decline', NS_MUC_USER, { from: from.toString() })
    const message = element('message', NS_CLIENT, {}, element('x', NS_MUC_USER, {}, declined))
    await messages.notify(room, inviter, message, from)
    await memberships.resign(room, from)
  }
}

/** XEP-0045 §7.8.2, with what clients of XEP-0249 understand. */
export function invitationTo(room: Room, from: Jid): Element {
  const invite = element('invite', NS_MUC_USER, { from: from.toString() })
  return element(
    'message',
    NS_CLIENT,
    {},
    element('x', NS_MUC_USER, {}, invite),
    element('x', NS_CONFERENCE, { jid: room.jidText }),
  )
}

function readJid({ attrs }: Element): Jid {
  try {
    return parseJid(attrs['to'] ?? '').bare
  } catch (error) {
    throw error instanceof JidError ? refuse.jid() : error
  }
}
