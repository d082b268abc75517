/**
 * XEP-0425: an admin has a message retracted. The group keeps none, so there is nothing to look up: the word goes to all who take part, behind the message in each queue, and devices heed it.
 * A copy that waits is not taken out, since which one it is would have to be kept for that. A reason is not passed on: the server could read it.
 */
import {
  element,
  NS_CLIENT,
  NS_MESSAGE_MODERATE,
  NS_MESSAGE_RETRACT,
  NS_OCCUPANT_ID,
  NS_SID,
} from '@sealpost/stanza'
import type { Random } from '@sealpost/runtime'
import { isIdentifier } from '../../policy/values.ts'
import { isAdmin } from './affiliation-changes.ts'
import type { GroupMessages } from './group-messages.ts'
import type { GroupRequest } from './group-request.ts'
import { refuse } from './refusals.ts'

export async function moderate(
  messages: GroupMessages,
  random: Random,
  { session, room, member, query }: GroupRequest,
): Promise<undefined> {
  if (!isAdmin(member)) throw refuse.notAdmin()
  const { id } = query.attrs
  if (id === undefined || !isIdentifier(id) || !query.child('retract', NS_MESSAGE_RETRACT))
    throw refuse.malformed()
  const moderated = element(
    'moderated',
    NS_MESSAGE_MODERATE,
    { by: member.nick === undefined ? room.jidText : `${room.jidText}/${member.nick}` },
    element('occupant-id', NS_OCCUPANT_ID, { id: room.occupantId(member.accountId ?? '') }),
  )
  const message = element(
    'message',
    NS_CLIENT,
    { type: 'groupchat', id: random.token(12) },
    element('retract', NS_MESSAGE_RETRACT, { id }, moderated),
    element('stanza-id', NS_SID, { id: random.token(18), by: room.jidText }),
  )
  await messages.pace(session, room, message.toString().length)
  await room.sequence(() => messages.notifyAll(room, message))
}
