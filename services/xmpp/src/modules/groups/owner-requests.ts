/** XEP-0045 §10.1, §10.2 and §10.9 (muc#owner): how a group is, that it exists at all, and that it does no more. */
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import { type Element, element, NS_CLIENT, NS_DATA, NS_MUC_OWNER, NS_MUC_USER } from '@sealpost/stanza'
import type { Session } from '../../core/module.ts'
import type { GroupRequest } from './group-request.ts'
import type { Memberships } from './memberships.ts'
import { refuse } from './refusals.ts'
import type { Room } from './room.ts'
import { configForm, readConfig } from './room-config.ts'
import type { Rooms } from './rooms.ts'
import type { RoomConfig } from './store.ts'

export function configuration(request: GroupRequest): Element {
  requireOwner(request)
  return element('query', NS_MUC_OWNER, {}, configForm(request.room.config))
}

export async function own(rooms: Rooms, memberships: Memberships, request: GroupRequest): Promise<undefined> {
  requireOwner(request)
  const { room, query, session } = request
  const destroy = query.child('destroy')
  const form = query.child('x', NS_DATA)
  const type = form?.attrs['type']
  if (destroy) await memberships.destroy(room, readAlternate(destroy))
  else if (form && type === 'submit') await submit(rooms, session, room, readConfig(form, room.config))
  else if (type !== 'cancel') throw refuse.malformed()
  else if (room.locked) await memberships.destroy(room) // XEP-0045 §10.1.3
}

async function submit(rooms: Rooms, { account }: Session, room: Room, config: RoomConfig): Promise<void> {
  await room.sequence(() =>
    room.locked ? open(rooms, account.id, room, config) : configure(rooms, room, config),
  )
}

function requireOwner({ member }: GroupRequest): void {
  if (member.affiliation !== 'owner') throw refuse.notOwner()
}

/** XEP-0045 §10.1.2: from now on it exists for others. */
async function open(rooms: Rooms, accountId: string, room: Room, config: RoomConfig): Promise<void> {
  await rooms.adding(accountId, async () => {
    await rooms.checkOwned(accountId)
    room.config = config
    if (!(await rooms.store.create(room.stored()))) throw refuse.nickTaken()
    room.locked = false
  })
}

/** XEP-0045 §10.2.1: those who are there learn that something changed. */
async function configure(rooms: Rooms, room: Room, config: RoomConfig): Promise<void> {
  if (config.name === room.config.name && config.allowInvites === room.config.allowInvites) return
  await rooms.store.configure(room.id, config)
  room.config = config
  const about = element('x', NS_MUC_USER, {}, element('status', NS_MUC_USER, { code: '104' }))
  const message = element('message', NS_CLIENT, { from: room.jidText, type: 'groupchat' }, about)
  for (const session of room.sessions()) session.send(message.withAttrs({ to: session.jidText }))
}

/** Where to go instead: an address, which has no room for words. */
function readAlternate({ attrs: { jid } }: Element): Jid | undefined {
  try {
    return jid === undefined || jid === '' ? undefined : parseJid(jid).bare
  } catch (error) {
    throw error instanceof JidError ? refuse.jid() : error
  }
}
