/** RFC 6121 §8.5 as far as messages go, with queues instead of "no such resource". */
import { DATA_OWNERS } from '@sealpost/accounts'
import { parseJid } from '@sealpost/jid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DeliveryFixture, expectNoMessage, NOTHING_KEPT, takeIds } from './delivery-fixture.ts'
import { condition, settle } from './friends.ts'
import { omemo } from './relay-fixture.ts'

let relay: DeliveryFixture
beforeAll(async () => {
  relay = await DeliveryFixture.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

const kept = () => relay.kept()

const as = (type: string, xml: string) => xml.replace(`type='chat'`, `type='${type}'`)

describe('to a bare JID', () => {
  test('R12: every resource that is not negative gets it, `to` as it was; a negative one never', async () => {
    const alice = await relay.device('alice', 'a')
    const one = await relay.device('r12', '1')
    const two = await relay.device('r12', '2')
    const negative = await relay.client('r12', { resource: '3' })
    negative.sends('<presence><priority>-5</priority></presence>')
    for (const type of ['chat', 'normal']) {
      alice.sends(as(type, omemo('r12@localhost', type)))
      for (const client of [one, two]) {
        expect((await client.message()).attrs).toMatchObject({
          id: type,
          to: 'r12@localhost',
          from: alice.jid,
        })
      }
    }
    await expectNoMessage(negative)
    await one.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R12: group chat is refused; headlines and errors are for those who are here', async () => {
    const alice = await relay.device('alice', 'b')
    await relay.account('r12b')
    alice.sends(as('groupchat', omemo('r12b@localhost', 'g')))
    await alice.receives(
      `<message type='error' id='g' {any}><error type='cancel'><service-unavailable {any}/></error></message>`,
    )
    alice.sends(as('headline', omemo('r12b@localhost', 'h')))
    alice.sends(`<message to='r12b@localhost' type='error' id='e'><error type='cancel'/></message>`)
    await expectNoMessage(alice)
    await alice.safeUpTo(6)
    expect(await kept()).toEqual(NOTHING_KEPT)
  })
})

describe('to a bare JID, one by one', () => {
  test('R12: nobody is here: chat and normal wait, `to` as it was; a negative priority is nobody', async () => {
    const alice = await relay.device('alice', 'bare')
    const negative = await relay.client('r12c', { resource: 'n' })
    await negative.enableStreamManagement()
    negative.sends('<presence><priority>-1</priority></presence>')
    await negative.receives(`<presence {any}<priority>-1</priority></presence>`)
    for (const type of ['chat', 'normal']) alice.sends(as(type, omemo('r12c@localhost', type)))
    alice.sends(omemo('r12c@localhost', 'untyped').replace(` type='chat'`, ''))
    await alice.safeUpTo(4)
    await negative.receivesNothing()
    const bob = await relay.device('r12c', 'x')
    for (const id of ['chat', 'normal', 'untyped']) {
      const { attrs } = await bob.message()
      expect(attrs).toMatchObject({ id, to: 'r12c@localhost', from: alice.jid })
    }
    await bob.ping()
    await expectNoMessage(negative)
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R12: who is here: headlines reach all but the negative, group chat and errors nobody; nothing is kept', async () => {
    const alice = await relay.device('alice', 'bare2')
    const [one, two] = [await relay.device('r12d', '1'), await relay.device('r12d', '2')]
    const negative = await relay.client('r12d', { resource: '3' })
    negative.sends('<presence><priority>-1</priority></presence>')
    await negative.receives(`<presence {any}<priority>-1</priority></presence>`)
    await settle(one, two, negative)
    alice.sends(as('headline', omemo('r12d@localhost', 'h')))
    for (const client of [one, two]) expect(await takeIds(client, 1)).toEqual(['h'])
    alice.sends(as('groupchat', omemo('r12d@localhost', 'g')))
    expect(condition(await alice.message())).toBe('service-unavailable')
    alice.sends(`<message to='r12d@localhost' type='error' id='e'><error type='cancel'/></message>`)
    await alice.safeUpTo(4)
    for (const client of [one, two, negative, alice]) await expectNoMessage(client)
    expect(await kept()).toEqual(NOTHING_KEPT)
  })
})

describe('to a full JID', () => {
  test('R13: a resource that is gone: kept for the account when it is chat or encrypted', async () => {
    const alice = await relay.device('alice', 'c')
    await relay.account('r13')
    alice.sends(omemo('r13@localhost/gone', 'm1'))
    alice.sends(as('normal', omemo('r13@localhost/gone', 'm2')))
    await alice.safeUpTo(3)
    const bob = await relay.device('r13', 'x')
    expect(await takeIds(bob, 2)).toEqual(['m1', 'm2'])
    await bob.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R13: a resource that is gone: errors and headlines vanish, group chat and IQ are refused, without a loop', async () => {
    const alice = await relay.device('alice', 'd')
    await relay.account('r13b')
    alice.sends(`<message to='r13b@localhost/gone' type='error' id='e'><error type='cancel'/></message>`)
    alice.sends(as('headline', omemo('r13b@localhost/gone', 'h')))
    await expectNoMessage(alice)
    alice.sends(as('groupchat', omemo('r13b@localhost/gone', 'g')))
    await alice.receives(
      `<message type='error' id='g' {any}><error type='cancel'><service-unavailable {any}/></error></message>`,
    )
    const answer = await alice.request('get', `<ping xmlns='urn:xmpp:ping'/>`, 'r13b@localhost/gone')
    expect(String(answer)).toContain('<service-unavailable ')
    expect(await kept()).toEqual(NOTHING_KEPT)
  })

  test('R13: a resource that is gone while another is here: chat and normal as to the bare JID, `to` as it was; the rest as if nobody were here', async () => {
    const alice = await relay.device('alice', 'gone')
    const other = await relay.device('r13d', 'other')
    await settle(alice, other)
    for (const type of ['chat', 'normal']) {
      alice.sends(as(type, omemo('r13d@localhost/gone', type)))
      expect((await other.message()).attrs).toMatchObject({ id: type, to: 'r13d@localhost/gone' })
    }
    alice.sends(as('groupchat', omemo('r13d@localhost/gone', 'g')))
    expect(condition(await alice.message())).toBe('service-unavailable')
    alice.sends(as('headline', omemo('r13d@localhost/gone', 'h')))
    alice.sends(`<message to='r13d@localhost/gone' type='error' id='e'><error type='cancel'/></message>`)
    for (const type of ['get', 'set']) {
      alice.sends(`<iq type='${type}' id='${type}' to='r13d@localhost/gone'><x xmlns='urn:x'/></iq>`)
      expect(condition(await alice.next(({ attrs }) => attrs['id'] === type))).toBe('service-unavailable')
    }
    for (const type of ['result', 'error'])
      alice.sends(`<iq type='${type}' id='${type}' to='r13d@localhost/gone'/>`)
    for (const client of [alice, other]) await client.receivesNothing()
    await other.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R13: an error that answers an error: never a loop', async () => {
    const alice = await relay.device('alice', 'loop')
    await settle(alice)
    for (const to of [
      'nobody@localhost',
      'nobody@localhost/x',
      'r13d@localhost/gone',
      'alice@localhost/gone',
      '@@',
    ])
      for (const stanza of ['message', 'presence', 'iq'])
        alice.sends(`<${stanza} to='${to}' type='error' id='e'><error type='cancel'/></${stanza}>`)
    await alice.receivesNothing()
  })

  test('R13: a resource that is here gets it alone, whatever its priority', async () => {
    const alice = await relay.device('alice', 'e')
    const one = await relay.client('r13c', { resource: '1' })
    await one.enableStreamManagement()
    one.sends('<presence><priority>-1</priority></presence>')
    const two = await relay.device('r13c', '2')
    alice.sends(omemo(`r13c@localhost/1`, 'm1'))
    expect(await takeIds(one, 1)).toEqual(['m1'])
    await expectNoMessage(two)
    await one.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R18: before its presence a resource gets nothing that would overtake what waits', async () => {
    const alice = await relay.device('alice', 'f')
    await relay.account('r18')
    alice.sends(omemo('r18@localhost', 'm1'))
    await alice.safeUpTo(2)
    const bob = await relay.client('r18', { resource: 'x' })
    await bob.enableStreamManagement()
    alice.sends(omemo('r18@localhost/x', 'm2'))
    await alice.safeUpTo(3)
    await bob.available()
    expect(await takeIds(bob, 2)).toEqual(['m1', 'm2'])
    await bob.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })
})

describe('to nobody', () => {
  test('R14: an unknown, a suspended, a terminated and an erased account answer alike, whatever is sent', async () => {
    const alice = await relay.device('alice', 'g')
    for (const name of ['suspended', 'terminated', 'erased']) await relay.account(name)
    await relay.accounts.suspend(parseJid('suspended@localhost'), 'test')
    const erased = (await relay.accounts.find(parseJid('erased@localhost')))?.id ?? ''
    for (const name of ['terminated', 'erased']) await relay.accounts.terminate(parseJid(`${name}@localhost`))
    for (const owner of DATA_OWNERS.filter((each) => each !== 'xmpp'))
      await relay.accounts.erasure.done(owner, erased)
    await expect.poll(() => relay.accounts.findById(erased)).toBeUndefined()
    const iq = (to: string) => `<iq type='get' id='i' to='${to}'><x xmlns='urn:x'/></iq>`
    const everything = (bare: string) =>
      [bare, `${bare}/x`].flatMap((to) => [
        ...['chat', 'normal', 'groupchat', 'headline', 'error'].map((type) => as(type, omemo(to, type))),
        omemo(to, 'no-store').replace('<store', '<no-store'),
        `<message to='${to}' id='state' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/></message>`,
        `<message to='${to}' id='receipt' type='chat'><received xmlns='urn:xmpp:receipts' id='a'/></message>`,
        iq(to),
        iq(to).replace('get', 'set'),
        iq(to).replace(`<x xmlns='urn:x'/>`, `<query xmlns='http://jabber.org/protocol/disco#info'/>`),
        iq(to).replace(
          `<x xmlns='urn:x'/>`,
          `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='eu.siacs.conversations.axolotl.devicelist'/></pubsub>`,
        ),
        ...['probe', 'unsubscribe', 'unsubscribed'].map((type) => `<presence to='${to}' type='${type}'/>`),
        `<presence to='${to}'/>`,
        `<presence to='${to}' type='unavailable'/>`,
      ])
    const answers = new Map<string, string>()
    await settle(alice)
    for (const name of ['nobody', 'suspended', 'terminated', 'erased']) {
      for (const stanza of everything(`${name}@localhost`)) alice.sends(stanza)
      await alice.ping()
      await alice.ping()
      const heard = alice.inbox.splice(0).filter(({ name: each }) => each !== 'a' && each !== 'r')
      answers.set(name, heard.join('\n').replaceAll(name, 'NAME'))
    }
    expect(answers.get('nobody')).toContain('service-unavailable')
    for (const [name, heard] of answers) expect([name, heard]).toEqual([name, answers.get('nobody')])
    expect(await kept()).toEqual(NOTHING_KEPT)
  })
})
