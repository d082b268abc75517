/** Steps that many conversations begin with. */
import type { Element } from '@sealpost/stanza'
import type { TestClient } from './client.ts'

/** Asks for the roster, so that pushes arrive, and becomes available. */
export async function arrive(client: TestClient): Promise<void> {
  await client.request('get', `<query xmlns='jabber:iq:roster'/>`)
  await client.available()
}

/** Both subscribe to each other (RFC 6121 §3.1); both have arrived. Whatever that brings is read. */
export async function befriend(a: TestClient, b: TestClient): Promise<void> {
  await subscribe(a, b)
  await subscribe(b, a)
  await settle(a, b)
}

/** `who` gets to see the presence of `whom`. */
export async function subscribe(who: TestClient, whom: TestClient): Promise<void> {
  who.sends(`<presence to='${whom.bare}' type='subscribe'/>`)
  await whom.next((each) => isPresence(each, 'subscribe', who.bare))
  whom.sends(`<presence to='${who.bare}' type='subscribed'/>`)
  await who.next((each) => isPresence(each, 'subscribed', whom.bare))
}

/** Waits until everything that was sent has been handled, and forgets what came of it. */
export async function settle(...clients: readonly TestClient[]): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    for (const client of clients) await client.ping()
  }
  for (const client of clients) client.inbox.length = 0
}

export function isPresence(element: Element, type: string | undefined, from: string): boolean {
  return element.name === 'presence' && element.attrs['type'] === type && element.attrs['from'] === from
}

/** The name of the condition of an error answer (RFC 6120 §8.3.3). */
export function condition(answer: Element): string {
  return answer.child('error')?.elements()[0]?.name ?? `no error: ${String(answer)}`
}

/** The application-specific condition of an error answer (RFC 6120 §8.3.4). */
export function detail(answer: Element): string | undefined {
  return answer
    .child('error')
    ?.elements()
    .find((each) => !each.ns.startsWith('urn:ietf:'))?.name
}
