/** Steps of conversations in groups (XEP-0045). */
import type { Element } from '@sealpost/stanza'
import type { TestClient } from './client.ts'
import { condition } from './friends.ts'
import { omemo } from './relay-fixture.ts'

export const NS_MUC = 'http://jabber.org/protocol/muc'
export const NS_USER = `${NS_MUC}#user`
export const NS_ADMIN = `${NS_MUC}#admin`
export const NS_OWNER = `${NS_MUC}#owner`
export const DISCO_INFO = `<query xmlns='http://jabber.org/protocol/disco#info'/>`

/** The status codes of a presence of a group. */
export function codes(presence: Element): string[] {
  return (presence.child('x', NS_USER)?.childrenNamed('status') ?? []).map(({ attrs }) => attrs['code'] ?? '')
}

/** What an occupant is, as its presence says. */
export function itemOf(presence: Element): Record<string, string | undefined> {
  return presence.child('x', NS_USER)?.child('item')?.attrs ?? {}
}

export function enters(client: TestClient, room: string, nick: string): void {
  client.sends(
    `<presence to='${room}/${nick}'><x xmlns='${NS_MUC}'><history maxstanzas='20'/></x></presence>`,
  )
}

/** Enters, and reads up to the subject; resolves with the own presence. */
export async function enter(client: TestClient, room: string, nick: string): Promise<Element> {
  enters(client, room, nick)
  const own = await client.next(
    (each) => each.name === 'presence' && (codes(each).includes('110') || isError(each, room)),
  )
  if (own.attrs['type'] === 'error') throw new Error(`not let in: ${condition(own)}`)
  await client.next((each) => isSubject(each, room))
  return own
}

/** Tries to enter, and gives the condition of the refusal. */
export async function refusedEntry(client: TestClient, room: string, nick: string): Promise<string> {
  enters(client, room, nick)
  return condition(await client.next((each) => each.name === 'presence' && isError(each, room)))
}

export function isError({ attrs }: Element, room: string): boolean {
  return attrs['type'] === 'error' && (attrs['from'] ?? '').startsWith(`${room}/`)
}

export function isSubject(element: Element, room: string): boolean {
  return (
    element.name === 'message' && element.attrs['from'] === room && element.child('subject') !== undefined
  )
}

/** Makes a group, as clients do that take it as it is (XEP-0045 §10.1.2). */
export async function make(client: TestClient, room: string, nick: string): Promise<void> {
  await enter(client, room, nick)
  const answer = await configure(client, room)
  if (answer.attrs['type'] !== 'result') throw new Error(`not made: ${condition(answer)}`)
}

export function configure(
  client: TestClient,
  room: string,
  fields: Readonly<Record<string, string>> = {},
  type = 'submit',
): Promise<Element> {
  const all = Object.entries(fields).map(
    ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
  )
  return client.request(
    'set',
    `<query xmlns='${NS_OWNER}'><x xmlns='jabber:x:data' type='${type}'>${all.join('')}</x></query>`,
    room,
  )
}

export function affiliate(
  client: TestClient,
  room: string,
  ...items: readonly (readonly [jid: string, affiliation: string])[]
): Promise<Element> {
  const all = items.map(([jid, affiliation]) => `<item jid='${jid}' affiliation='${affiliation}'/>`)
  return client.request('set', `<query xmlns='${NS_ADMIN}'>${all.join('')}</query>`, room)
}

/** Those with this affiliation, or the condition of the refusal. */
export async function listed(client: TestClient, room: string, affiliation: string): Promise<string[]> {
  const query = `<query xmlns='${NS_ADMIN}'><item affiliation='${affiliation}'/></query>`
  const answer = await client.request('get', query, room)
  if (answer.attrs['type'] === 'error') return [condition(answer)]
  return (answer.child('query', NS_ADMIN)?.elements() ?? []).map(({ attrs }) => attrs['jid'] ?? '').toSorted()
}

/** Makes a group of these, all of which are in it, and reads what that brings. */
export async function makeOf(
  room: string,
  owner: TestClient,
  ...members: readonly TestClient[]
): Promise<void> {
  await make(owner, room, nickOf(owner))
  await affiliate(owner, room, ...members.map(({ bare }) => [bare, 'member'] as const))
  for (const member of members) await enter(member, room, nickOf(member))
  await quiet(owner, ...members)
}

/** Waits until everything is handled, and forgets what came of it. */
export async function quiet(...clients: readonly TestClient[]): Promise<void> {
  for (let turn = 0; turn < 2; turn++) for (const client of clients) await client.ping()
  for (const client of clients) client.inbox.length = 0
}

export function nickOf({ bare }: TestClient): string {
  return bare.split('@')[0] ?? ''
}

/** An encrypted message to all. */
export function groupMessage(room: string, id: string): string {
  return omemo(room, id).replace(`type='chat'`, `type='groupchat'`)
}

/** The next message with this id. */
export function messageOf(client: TestClient, id: string): Promise<Element> {
  return client.next(({ name, attrs }) => name === 'message' && attrs['id'] === id)
}
