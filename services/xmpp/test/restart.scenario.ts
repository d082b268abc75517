/** R6, R24: sessions go on at the next process after a clean stop, exactly; and none does after a crash. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { NS_BIND2, NS_SM } from '@sealpost/stanza'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestClient } from './client.ts'
import { DeliveryFixture, ids, NOTHING_KEPT, takeIds } from './delivery-fixture.ts'
import { omemo } from './relay-fixture.ts'
import { RelayProcess } from './relay-process.ts'
import { bindWith, ENABLE, enter } from './sasl2-client.ts'

let relay: DeliveryFixture
beforeAll(async () => {
  relay = await DeliveryFixture.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

type Device = Awaited<ReturnType<DeliveryFixture['device']>>

/** Resumes on a new stream, which must work. */
async function resume(lost: Device, fixture = relay): Promise<{ back: Device; h: number }> {
  const back = await fixture.authenticated(lost.jid.split('@')[0] ?? '')
  const resumed = await back.resume(lost.previd, lost)
  expect(resumed.name).toBe('resumed')
  return { back: Object.assign(back, { previd: lost.previd }), h: Number(resumed.attrs['h']) }
}

async function expectFailed(client: TestClient, previd: string, h = 0): Promise<void> {
  client.sends(`<resume xmlns='${NS_SM}' previd='${previd}' h='${h}'/>`)
  const answer = await client.next((element) => element.ns === NS_SM)
  expect(String(answer)).toMatch(/^<failed [^>]*><item-not-found [^>]*\/><\/failed>$/)
  expect(answer.attrs['h']).toBeUndefined()
}

describe('R6: after a clean stop', () => {
  test('both counters go on, and exactly what is unacknowledged comes again, in order, copies and all else', async () => {
    const alice = await relay.device('alice', 'a')
    const bob = await relay.device('r6', 'x')
    for (const id of ids('m', 3)) alice.sends(omemo('r6@localhost', id))
    await takeIds(bob, 3)
    await bob.ping()
    bob.acknowledging = false
    const seen = bob.received
    alice.sends(omemo('r6@localhost', 'n0'))
    await takeIds(bob, 1)
    bob.sends(`<presence to='${alice.jid}'/>`)
    alice.sends(`<presence to='${bob.jid}'><status>one</status></presence>`)
    alice.sends(omemo('r6@localhost', 'n1'))
    alice.sends(`<iq type='get' id='q1' to='${bob.jid}'><query xmlns='jabber:iq:version'/></iq>`)
    alice.sends(omemo('r6@localhost', 'n2'))
    await takeIds(bob, 2)
    expect(bob.received).toBe(seen + 5)
    await alice.safeUpTo(9)
    bob.received = seen + 1 // n0 was handled, the rest got lost
    await relay.restart()
    expect(await alice.streamError()).toBe('system-shutdown')
    expect(await bob.streamError()).toBe('system-shutdown')
    const { back, h } = await resume(bob)
    expect(h).toBe(3) // presence, ping, directed presence
    const again = [1, 2, 3, 4].map(() => back.next((element) => element.ns === 'jabber:client'))
    const got = (await Promise.all(again)).map(({ name, attrs }) => `${name} ${attrs['id'] ?? ''}`)
    expect(got).toEqual(['presence ', 'message n1', 'iq q1', 'message n2'])
    expect(await back.serverCounter()).toBe(3)
    await back.ping()
    expect(await back.serverCounter()).toBe(4)
    await back.receivesNothing()
    await expect.poll(() => relay.kept()).toEqual(NOTHING_KEPT)
  })

  test('what the stop told a sender last is what it resumes with; nothing is sent twice and nothing is missing', async () => {
    const alice = await relay.device('alice2', 'a')
    const bob = await relay.device('bob2', 'x')
    bob.acknowledging = false
    for (const id of ids('m', 300)) alice.sends(omemo('bob2@localhost', id))
    await relay.restart() // in the middle of it
    await alice.ended()
    const last = alice.inbox.filter((element) => element.is('a', NS_SM)).at(-1)
    const { back, h } = await resume(alice)
    expect(h).toBe(Number(last?.attrs['h']))
    for (const id of ids('m', 300).slice(h - 1)) back.sends(omemo('bob2@localhost', id))
    await back.safeUpTo(301)
    const had = bob.inbox.filter(({ name }) => name === 'message').map(({ attrs }) => attrs['id'])
    const { back: bobBack } = await resume(bob)
    const got = [...had, ...(await takeIds(bobBack, 300 - had.length))]
    expect(got).toEqual(ids('m', 300))
    await bobBack.receivesNothing()
  })

  test('twice in a row, and a session that nobody resumed in between', async () => {
    const alice = await relay.device('alice3', 'a')
    const bob = await relay.device('bob3', 'x')
    await relay.restart()
    const { back } = await resume(alice)
    back.sends(omemo('bob3@localhost', 'm1'))
    await back.safeUpTo(2)
    await relay.restart()
    const { back: bobBack } = await resume(bob)
    expect(await takeIds(bobBack, 1)).toEqual(['m1'])
    const { h } = await resume(back)
    expect(h).toBe(2)
  })

  test(
    'a record is used up: what one process has taken up, the next does not find after a crash',
    { timeout: 180_000 },
    async () => {
      const bob = await relay.device('once', 'x')
      await relay.stop()
      const next = await RelayProcess.start(relay)
      await next.kill()
      await relay.run()
      await expectFailed(await relay.authenticated('once'), bob.previd)
      const again = await relay.device('once', 'x')
      await again.ping()
    },
  )

  test('nothing readable is at rest, and nothing at all once it was taken up', async () => {
    const bob = await relay.device('secretive', 'canary-resource')
    bob.acknowledging = false
    bob.sends(`<presence><status>canary-status</status></presence>`)
    await bob.next((element) => element.child('status') !== undefined)
    await relay.stop()
    const files = await readFile(join(relay.keyringDir, 'keyring.slots'), 'latin1')
    const rows = await relay.db.query<{ blob: Buffer }>(sql`select blob from xmpp.sealed`)
    expect(rows.length).toBeGreaterThan(0)
    const everything = files + rows.map(({ blob }) => blob.toString('latin1')).join('')
    for (const canary of ['secretive', 'canary', bob.previd]) expect(everything).not.toContain(canary)
    await relay.run()
    await expect.poll(() => relay.kept()).toEqual(NOTHING_KEPT)
    await resume(bob)
  })

  test('within the sign-in as well (SASL2), for a device that names itself', async () => {
    await relay.account('inline')
    const alice = await relay.device('alice5', 'a')
    const userAgent = randomUUID()
    const lost = await TestClient.connect({ port: relay.port })
    const entered = await enter(lost, { username: 'inline', userAgent, inline: bindWith(ENABLE) })
    const previd = entered.child('bound', NS_BIND2)?.child('enabled', NS_SM)?.attrs['id'] ?? ''
    lost.counting()
    await lost.available()
    lost.acknowledging = false
    for (const id of ids('m', 3)) alice.sends(omemo('inline@localhost', id))
    await takeIds(lost, 3)
    await alice.safeUpTo(4)
    await relay.restart()
    const back = await TestClient.connect({ port: relay.port })
    back.counting(lost.received - 2)
    const inline = `<resume xmlns='${NS_SM}' previd='${previd}' h='${lost.received - 2}'/>`
    const success = await enter(back, { username: 'inline', userAgent, inline })
    expect(success.child('resumed', NS_SM)?.attrs).toEqual({ previd, h: '1' })
    expect(await takeIds(back, 2)).toEqual(['m1', 'm2'])
    await back.receivesNothing()
    await back.close()
  })
})

describe('R3: after kill -9', () => {
  test(
    'no count is made up: the client signs in anew, sends again, and nothing that was called safe is lost',
    { timeout: 180_000 },
    async () => {
      await using fixture = await DeliveryFixture.start()
      await fixture.account('alice')
      await fixture.account('bob')
      await fixture.stop()
      const first = await RelayProcess.start(fixture)
      const signIn = async (port: number, username: string, resource: string) => {
        const client = await TestClient.signIn({ port, username, password: 'secret', resource })
        const previd = (await client.enableStreamManagement()) ?? ''
        client.sends('<presence/>')
        return Object.assign(client, { previd })
      }
      const alice = await signIn(first.port, 'alice', 'a')
      const bob = await signIn(first.port, 'bob', 'x')
      bob.acknowledging = false
      for (const id of ids('m', 20)) alice.sends(omemo('bob@localhost', id))
      await takeIds(bob, 20)
      await alice.safeUpTo(21)
      await first.kill()
      await fixture.run()
      for (const lost of [alice, bob]) {
        const back = await fixture.authenticated(lost === alice ? 'alice' : 'bob')
        await expectFailed(back, lost.previd, lost.received)
      }
      const again = await fixture.device('bob', 'x')
      expect(await takeIds(again, 20)).toEqual(ids('m', 20))
    },
  )
})

describe('storage mode none', () => {
  test('R6: what only a session held goes back to its sender, who hears of it when it resumes; counters are exact', async () => {
    await using unkept = await DeliveryFixture.start({ storage: 'none' })
    const alice = await unkept.device('alice', 'a')
    const bob = await unkept.device('bob', 'x')
    bob.acknowledging = false
    alice.sends(omemo('bob@localhost', 'm1'))
    await takeIds(bob, 1)
    alice.sends(
      `<message to='bob@localhost' type='chat' id='c1'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
    )
    await bob.message()
    const counted = bob.received
    alice.pauseReading() // the error does not reach it before the stop
    await unkept.stop()
    const rows = await unkept.db.query<{ count: number }>(sql`select count(*)::int as count from xmpp.sealed`)
    expect(rows).toEqual([{ count: 1 }]) // the two sessions
    await unkept.run()
    const { back, h } = await resume(alice, unkept)
    expect(h).toBe(3)
    const error = await back.message()
    expect(error.attrs).toMatchObject({ id: 'm1', type: 'error' })
    bob.received = counted - 2 // as if neither had come: they are gone
    const { back: bobBack } = await resume(bob, unkept)
    await bobBack.receivesNothing()
    expect(bobBack.received).toBe(counted)
    back.sends(omemo('bob@localhost', 'm2'))
    expect(await takeIds(bobBack, 1)).toEqual(['m2'])
    await back.safeUpTo(4)
  })
})

describe('R9, R10: a session that was taken up', () => {
  test('R9: of two resumptions at the same time exactly one wins', async () => {
    let alice = await relay.device('alice4', 'a')
    for (let attempt = 0; attempt < 5; attempt++) {
      const bob = await relay.device('race', 'x')
      bob.acknowledging = false
      alice.sends(omemo(bob.jid, `m${attempt}`))
      await takeIds(bob, 1)
      bob.received--
      await alice.safeUpTo(attempt + 2)
      await relay.restart()
      const rivals = await Promise.all([relay.authenticated('race'), relay.authenticated('race')])
      for (const rival of rivals) rival.acknowledging = false
      await Promise.allSettled(rivals.map((rival) => rival.resume(bob.previd, bob)))
      await expect.poll(() => rivals.filter(({ closed }) => !closed).length).toBe(1)
      const winner = rivals.find(({ closed }) => !closed)
      expect(await takeIds(winner ?? bob, 1)).toEqual([`m${attempt}`])
      await winner?.ping()
      winner?.acknowledge()
      await winner?.close()
      alice = (await resume(alice)).back
    }
  }, 180_000)

  test(
    'R10: its contacts see it until its time is over, and then that it is unavailable',
    { timeout: 120_000 },
    async () => {
      const gone = await relay.device('bob10', 'x', 15)
      const watcher = await relay.device('bob10', 'y')
      await relay.restart()
      const { back } = await resume(watcher)
      back.inbox.length = 0
      back.sends(`<presence type='unavailable'/><presence/>`)
      await back.receives(`<presence {any}from='${gone.jid}'{any}/>`) // RFC 6121 §4.2.2: it is still there
      await back.receives(`<presence {any}type='unavailable'{any}from='${gone.jid}'{any}/>`, 60_000)
      await expectFailed(await relay.authenticated('bob10'), gone.previd)
    },
  )

  test('R10: a session whose time ended while the server was away is unavailable for those who resume', async () => {
    const gone = await relay.device('bob11', 'x', 2)
    const watcher = await relay.device('bob11', 'y')
    await gone.drop()
    await relay.stop()
    await setTimeout(2_100)
    await relay.run()
    const { back } = await resume(watcher)
    await back.receives(`<presence {any}type='unavailable'{any}from='${gone.jid}'{any}/>`)
  })

  test('R10: directed presence ends with the session, whoever it was shown to', async () => {
    const gone = await relay.device('bob12', 'x', 2)
    const stranger = await relay.device('carla', 'y')
    gone.sends(`<presence to='${stranger.jid}'/>`)
    await stranger.receives(`<presence {any}from='${gone.jid}'{any}/>`)
    await relay.restart()
    const { back } = await resume(stranger)
    await back.receives(`<presence {any}type='unavailable'{any}from='${gone.jid}'{any}/>`)
  })

  test('a session that cannot be resumed ends with the stop, and its contacts hear of it when they resume', async () => {
    const plain = await relay.client('carl', { resource: 'x' })
    await plain.available()
    const watcher = await relay.device('carl', 'y')
    watcher.pauseReading()
    await relay.restart()
    const { back } = await resume(watcher)
    await back.receives(`<presence {any}type='unavailable'{any}from='${plain.jid}'{any}/>`)
  })

  test('a suspended account loses it, although the server was away when that happened', async () => {
    const bob = await relay.device('suspended', 'x')
    const stranger = await relay.device('stranger', 'y')
    bob.sends(`<presence to='${stranger.jid}'/>`)
    await stranger.receives(`<presence {any}from='${bob.jid}'{any}/>`)
    await relay.stop()
    await relay.accounts.suspend(parseJid(bob.bare), 'abuse')
    await relay.run()
    const { back } = await resume(stranger)
    await back.receives(`<presence {any}type='unavailable'{any}from='${bob.jid}'{any}/>`)
    await relay.accounts.restore(parseJid(bob.bare))
    await expectFailed(await relay.authenticated('suspended'), bob.previd)
  })

  test('R5, R7: its counters are checked, and wrong ids and other accounts get nothing', async () => {
    const bob = await relay.device('checked', 'x')
    await relay.account('mallory')
    await relay.restart()
    await expectFailed(await relay.authenticated('mallory'), bob.previd)
    await expectFailed(await relay.authenticated('checked'), 'nonsense')
    const greedy = await relay.authenticated('checked')
    greedy.sends(`<resume xmlns='${NS_SM}' previd='${bob.previd}' h='99'/>`)
    expect(await greedy.streamError()).toBe('undefined-condition')
    await resume(bob)
  })

  test('R15: carbons, the roster pushes and what contacts can do go on', async () => {
    const sender = await relay.device('featured', 'x')
    const other = await relay.device('featured', 'y')
    await other.request('set', `<enable xmlns='urn:xmpp:carbons:2'/>`)
    await other.request('get', `<query xmlns='jabber:iq:roster'/>`)
    await relay.account('friend')
    await relay.restart()
    const [{ back: one }, { back: two }] = [await resume(sender), await resume(other)]
    one.sends(omemo('friend@localhost', 'm1'))
    expect(String(await two.message())).toContain('m1')
    await one.request('set', `<query xmlns='jabber:iq:roster'><item jid='friend@localhost'/></query>`)
    await two.next((element) => element.name === 'iq' && element.attrs['type'] === 'set')
  })
})
