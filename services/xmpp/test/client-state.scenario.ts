/** XEP-0352: what waits while nobody looks at a client, and what never does. That something waited shows in what replaced it, and in order. */
import type { Element } from '@sealpost/stanza'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { TestClient } from './client.ts'
import { arrive, befriend, settle } from './friends.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'
import { bindWith, signIn2 } from './sasl2-client.ts'

const CSI = 'urn:xmpp:csi:0'
const state = (name: string) =>
  `<message to='ann@localhost' type='chat'><${name} xmlns='http://jabber.org/protocol/chatstates'/><no-store xmlns='urn:xmpp:hints'/></message>`
const show = (value: string) => `<presence><show>${value}</show></presence>`

let relay: RelayFixture
let ann: TestClient
let ben: TestClient
beforeAll(async () => {
  relay = await startRelay()
  ann = await relay.client('ann')
  ben = await relay.client('ben')
  await arrive(ann)
  await arrive(ben)
  await befriend(ann, ben)
})
afterAll(() => relay[Symbol.asyncDispose]())
beforeEach(async () => {
  ann.sendRaw(`<active xmlns='${CSI}'/>`)
  await settle(ann, ben)
})

/** What it got, in order: the value of `show`, the chat state, or the id of a message. */
function said(client: TestClient): string[] {
  const text = (each: Element) =>
    each.child('show')?.text() ??
    each.attrs['id'] ??
    each.elements().find(({ ns }) => ns.endsWith('chatstates'))?.name
  return client.inbox.filter(({ name }) => name !== 'iq').map((each) => text(each) ?? String(each))
}

async function inactive(): Promise<void> {
  await ann.ping()
  ann.sendRaw(`<inactive xmlns='${CSI}'/>`)
  // A nonza has no answer: the next of ours that has is handled after it, and comes before anything is held.
  await ann.ping()
}

async function benSends(...stanzas: string[]): Promise<void> {
  ben.sends(stanzas.join(''))
  await ben.ping()
}

describe('XEP-0352', () => {
  test('§4.1: the feature stands among those of a signed-in stream, and in Bind 2', async () => {
    const client = await TestClient.connect({ port: relay.port })
    expect(client.features?.child('csi', CSI)).toBeUndefined()
    await client.authenticate({ port: relay.port, username: 'ann', password: 'secret' })
    expect(client.features?.child('csi', CSI)).toBeDefined()
    await client.close()
  })

  test('§5.1: presence waits, the last of each sender, and comes in order before a message, which does not wait', async () => {
    await inactive()
    await benSends(show('away'), show('xa'), show('dnd'))
    await benSends(omemo('ann@localhost', 'm1'))
    await ann.next(({ attrs }) => attrs['id'] === 'm1').then((found) => ann.inbox.push(found))
    expect(said(ann)).toEqual(['dnd', 'm1'])
  })

  test('§4.2: what waited comes when somebody looks', async () => {
    await inactive()
    await benSends(show('away'), show('chat'))
    ann.sendRaw(`<active xmlns='${CSI}'/>`)
    await ann.receives(`<presence {any}><show>chat</show></presence>`)
    expect(said(ann)).toEqual([])
    await benSends(show('away'), show('xa'))
    await ann.receives(`<presence {any}><show>away</show></presence>`)
    await ann.receives(`<presence {any}><show>xa</show></presence>`)
  })

  test('chat states wait, one for each conversation; a message that says more does not', async () => {
    await inactive()
    await benSends(state('composing'), state('paused'), state('composing'), state('inactive'))
    await benSends(omemo('ann@localhost', 'm2'))
    await ann.next(({ attrs }) => attrs['id'] === 'm2').then((found) => ann.inbox.push(found))
    expect(said(ann)).toEqual(['inactive', 'm2'])
  })

  test('XEP-0280: chat states of another device are not copied, and bring nothing out that waits', async () => {
    await ann.request('set', `<enable xmlns='urn:xmpp:carbons:2'/>`)
    const tablet = await relay.client('ann', { resource: 'tablet' })
    await arrive(tablet)
    await settle(ann)
    await inactive()
    await benSends(show('away'))
    const toBen = (name: string) =>
      state(name)
        .replace(`to='ann@`, `to='ben@`)
        .replace(/<no-store[^>]*>/, '')
    tablet.sends(toBen('composing') + toBen('paused'))
    await tablet.ping()
    await benSends(show('dnd'), omemo('ann@localhost', 'm4'))
    await ann.next(({ attrs }) => attrs['id'] === 'm4').then((found) => ann.inbox.push(found))
    expect(said(ann)).toEqual(['dnd', 'm4'])
    await tablet.close()
    await ann.request('set', `<disable xmlns='urn:xmpp:carbons:2'/>`)
  })

  test('§5.2: a resumed stream is active, and nothing that waited is lost with the connection', async () => {
    const phone = await relay.client('ann', { resource: 'phone' })
    await arrive(phone)
    const previd = await phone.enableStreamManagement()
    await settle(phone)
    phone.sendRaw(`<inactive xmlns='${CSI}'/>`)
    await phone.ping()
    await benSends(show('away'), show('dnd'))
    await phone.drop()
    const again = await TestClient.connect({ port: relay.port })
    await again.authenticate({ port: relay.port, username: 'ann', password: 'secret' })
    await again.resume(previd ?? '', phone)
    await again.receives(`<presence {any}><show>dnd</show></presence>`)
    await benSends(show('chat'), show('xa'))
    await again.receives(`<presence {any}><show>chat</show></presence>`)
    await again.receives(`<presence {any}><show>xa</show></presence>`)
    await again.close()
  })

  test('Bind 2: a client may begin inactive (XEP-0386 §3.2)', async () => {
    const client = await TestClient.connect({ port: relay.port })
    const inline = bindWith(`<inactive xmlns='${CSI}'/>`)
    expect((await signIn2(client, { username: 'ann', inline })).name).toBe('success')
    client.sends('<presence/>')
    await client.next(({ name }) => name === 'features')
    await client.ping()
    await benSends(show('away'), show('chat'))
    await benSends(omemo('ann@localhost', 'm3'))
    await client.next(({ attrs }) => attrs['id'] === 'm3')
    expect(said(client).filter((each) => each === 'away' || each === 'chat')).toEqual(['chat'])
  })

  test('before sign-in it ends the stream', async () => {
    const client = await TestClient.connect({ port: relay.port })
    client.sendRaw(`<inactive xmlns='${CSI}'/>`)
    expect(await client.streamError()).toBe('not-authorized')
  })

  test('answers and subscriptions do not wait', async () => {
    await inactive()
    await benSends(show('away'), `<presence to='ann@localhost' type='unsubscribe'/>`)
    await ann.next(({ attrs }) => attrs['type'] === 'unsubscribe')
    expect(said(ann)[0]).toBe('away')
  })
})
