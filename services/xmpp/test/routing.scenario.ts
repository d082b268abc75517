/** RFC 6121 §8.5 as far as messages go, with queues instead of "no such resource" (DELIVERY.md §6). */
import { parseJid } from '@sealpost/jid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DeliveryFixture, expectNoMessage, NOTHING_KEPT, takeIds } from './delivery-fixture.ts'
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
  test('an unknown, a suspended and a terminated account are answered alike', async () => {
    const alice = await relay.device('alice', 'g')
    await relay.account('suspended')
    await relay.accounts.suspend(parseJid('suspended@localhost'), 'test')
    const answers: string[] = []
    for (const name of ['nobody', 'suspended']) {
      alice.sends(omemo(`${name}@localhost`, 'm'))
      answers.push(String(await alice.message()).replaceAll(name, 'NAME'))
    }
    expect(new Set(answers).size).toBe(1)
    expect(answers[0]).toContain('<service-unavailable ')
  })
})
