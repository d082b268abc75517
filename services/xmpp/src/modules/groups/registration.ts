/** XEP-0045 §7.10: the nickname kept for a member, and leaving for good (XEP-0077 §3.2). Nobody becomes a member by it. */
import { element, type Element, NS_REGISTER } from '@sealpost/stanza'
import type { GroupRequest } from './group-request.ts'
import type { Memberships } from './memberships.ts'
import { refuse } from './refusals.ts'

export function registered({ member }: GroupRequest): Element {
  const username = member.nick === undefined ? [] : [element('username', NS_REGISTER, {}, member.nick)]
  return element('query', NS_REGISTER, {}, element('registered', NS_REGISTER), ...username)
}

/** A nickname is taken by entering with it. */
export async function unregister(
  memberships: Memberships,
  { room, session, query }: GroupRequest,
): Promise<undefined> {
  if (!query.child('remove')) throw refuse.fixedRole()
  await memberships.resign(room, session.jid.bare)
}
