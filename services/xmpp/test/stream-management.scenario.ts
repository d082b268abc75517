/** XEP-0198, with what docs/delivery.md adds to it. */
import { openDb, sql } from '@sealpost/db'
import { NS_SM, NS_STREAM } from '@sealpost/stanza'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DeliveryFixture, ids, NOTHING_KEPT, takeIds } from './delivery-fixture.ts'
import { omemo } from './relay-fixture.ts'

let relay: DeliveryFixture
beforeAll(async () => {
  relay = await DeliveryFixture.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

const kept = () => relay.kept()

/** The stream error and what it carries. */
async function streamErrorOf(client: { next: DeliveryClient['next'] }): Promise<string> {
  return String(await client.next((element) => element.is('error', NS_STREAM)))
}
type DeliveryClient = Awaited<ReturnType<DeliveryFixture['client']>>

const failed = (condition: string) => `<failed {any}><${condition} {any}/></failed>`

describe('resumption', () => {
  test('R5: exactly what was not acknowledged is replayed, in order, and the counters go on', async () => {
    const alice = await relay.device('alice', 'r5')
    const bob = await relay.device('r5', 'x')
    for (const id of ids('m', 10)) alice.sends(omemo('r5@localhost', id))
    await takeIds(bob, 10)
    await bob.ping()
    bob.acknowledging = false
    for (const id of ids('n', 5)) alice.sends(omemo('r5@localhost', id))
    expect(await takeIds(bob, 5)).toEqual(ids('n', 5))
    const counted = bob.received
    bob.received -= 3 // as if the last three had not been handled
    await bob.drop()
    for (const id of ids('o', 2)) alice.sends(omemo('r5@localhost', id))
    await alice.safeUpTo(18)
    const back = await relay.authenticated('r5')
    const resumed = await back.resume(bob.previd, bob)
    expect(resumed.attrs).toMatchObject({ previd: bob.previd, h: '2' }) // presence and ping
    expect(await takeIds(back, 5)).toEqual(['n2', 'n3', 'n4', 'o0', 'o1'])
    await back.receivesNothing()
    expect(back.received).toBe(counted + 4) // two pings
    expect(await back.serverCounter()).toBe(4)
    await expect.poll(kept).toEqual(NOTHING_KEPT)
    back.sends(`<enable xmlns='${NS_SM}'/>`)
    await back.receives(failed('unexpected-request'))
  })

  test('R5: what the client sent and the server had not called safe is counted once after a resumption', async () => {
    const alice = await relay.device('alice', 'count')
    const bob = await relay.device('count', 'x')
    bob.acknowledging = false
    for (const id of ids('m', 20)) alice.sends(omemo('count@localhost', id))
    await takeIds(bob, 20) // received, not acknowledged: not yet safe for alice
    await alice.drop()
    const back = await relay.authenticated('alice')
    const resumed = await back.resume(alice.previd, alice)
    const h = Number(resumed.attrs['h'])
    expect(h).toBe(21)
    await back.ping()
    expect(await back.serverCounter()).toBe(22)
    bob.acknowledge()
    await bob.close()
  })

  test('R5: presence that is being handled when the stream breaks: what comes meanwhile is sent unasked after the resumption', async () => {
    const alice = await relay.device('alice', 'cut')
    const bob = await relay.client('cut', { resource: 'x' })
    const previd = (await bob.enableStreamManagement()) ?? ''
    await using db = await openDb({ url: relay.platform.databaseUrl, role: 'sealpost_xmpp' })
    await db.transaction(async (tx) => {
      await tx.execute(sql`lock table xmpp.pep_node in access exclusive mode`) // the relay asks for bob's avatar
      bob.sendRaw('<presence/>')
      await bob.drop()
      for (let turn = 0; turn < 3; turn++) await alice.ping() // it has noticed
    })
    for (const id of ids('c', 3)) alice.sends(omemo('cut@localhost', id))
    await alice.ping()
    const back = await relay.authenticated('cut')
    back.acknowledging = false
    expect((await back.resume(previd, bob)).name).toBe('resumed')
    expect(await takeIds(back, 3)).toEqual(ids('c', 3))
    back.acknowledge()
    for (const client of [alice, back]) await client.close()
  })

  test('R9: a resumption while the old stream stands ends that with conflict; late writes there change nothing', async () => {
    const alice = await relay.device('alice', 'r9')
    const bob = await relay.device('r9', 'x')
    bob.acknowledging = false
    for (const id of ids('m', 3)) alice.sends(omemo('r9@localhost', id))
    await takeIds(bob, 3)
    const back = await relay.authenticated('r9')
    bob.received -= 3
    expect((await back.resume(bob.previd, bob)).name).toBe('resumed')
    bob.acknowledge(4)
    bob.sends(omemo('alice@localhost', 'late'))
    expect(await bob.streamError()).toBe('conflict')
    await bob.ended()
    expect(await takeIds(back, 3)).toEqual(ids('m', 3))
    await back.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
    await alice.ping()
    expect(alice.inbox.filter(({ name }) => name === 'message')).toEqual([])
  })

  test('R9: of two resumptions at the same time exactly one wins, in each of 10 tries', async () => {
    const alice = await relay.device('alice', 'race')
    for (let attempt = 0; attempt < 10; attempt++) {
      const bob = await relay.device('race', `x${attempt % 2}`)
      bob.acknowledging = false
      alice.sends(omemo(bob.jid, `m${attempt}`))
      await takeIds(bob, 1)
      bob.received--
      if (attempt % 3 === 0) await bob.drop()
      const rivals = await Promise.all([relay.authenticated('race'), relay.authenticated('race')])
      const answers = await Promise.allSettled(rivals.map((rival) => rival.resume(bob.previd, bob)))
      expect(answers.some(({ status }) => status === 'fulfilled')).toBe(true)
      await expect.poll(() => rivals.filter(({ closed }) => !closed).length).toBe(1)
      const winner = rivals.find(({ closed }) => !closed)
      if (!winner) throw new Error('nobody won')
      expect(await takeIds(winner, 1)).toEqual([`m${attempt}`])
      await winner.ping()
      await winner.close()
    }
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  }, 60_000)

  test('R15: carbons are still enabled after a resumption', async () => {
    const alice = await relay.device('alice', 'r15')
    const first = await relay.device('r15', 'x')
    const second = await relay.device('r15', 'y')
    await first.request('set', `<enable xmlns='urn:xmpp:carbons:2'/>`)
    await first.drop()
    const back = await relay.authenticated('r15')
    await back.resume(first.previd, first)
    second.sends(omemo(alice.jid, 'm1'))
    expect(String(await back.message())).toContain('<sent ')
  })
})

describe('refusals', () => {
  test('R7: an h that is too high, missing, no number or out of range ends the stream', async () => {
    const cases = [
      [`<a xmlns='${NS_SM}' h='99'/>`, ['undefined-condition', 'handled-count-too-high']],
      [`<a xmlns='${NS_SM}'/>`, ['invalid-xml']],
      [`<a xmlns='${NS_SM}' h='-1'/>`, ['invalid-xml']],
      [`<a xmlns='${NS_SM}' h='abc'/>`, ['invalid-xml']],
      [`<a xmlns='${NS_SM}' h='4294967296'/>`, ['invalid-xml']],
    ] as const
    for (const [nonza, conditions] of cases) {
      const bob = await relay.device('r7', 'x')
      bob.sends(nonza)
      const error = await streamErrorOf(bob)
      for (const condition of conditions) expect(error).toContain(`<${condition} `)
      await bob.ended()
    }
  })

  test('R7: a lower h is ignored', async () => {
    const bob = await relay.device('r7', 'y')
    await bob.ping()
    bob.acknowledge()
    bob.acknowledge(0)
    await bob.ping()
    expect(bob.closed).toBe(false)
  })

  test('R7: a resumption with an h that is too high fails without harm to the session', async () => {
    const bob = await relay.device('r7', 'z')
    const other = await relay.authenticated('r7')
    other.sends(`<resume xmlns='${NS_SM}' previd='${bob.previd}' h='99'/>`)
    expect(await streamErrorOf(other)).toContain('handled-count-too-high')
    await bob.ping()
  })

  test('R8: enable twice, before bind, resume after bind, and ids that are wrong or of another account', async () => {
    const bob = await relay.device('r8', 'x')
    bob.sends(`<enable xmlns='${NS_SM}'/>`)
    await bob.receives(failed('unexpected-request'))
    bob.sends(`<resume xmlns='${NS_SM}' previd='${bob.previd}' h='0'/>`)
    await bob.receives(failed('unexpected-request'))
    const unbound = await relay.authenticated('r8')
    unbound.sends(`<enable xmlns='${NS_SM}'/>`)
    await unbound.receives(failed('unexpected-request'))
    unbound.sends(`<resume xmlns='${NS_SM}' previd='nonsense' h='0'/>`)
    await unbound.receives(failed('item-not-found'))
    await unbound.bind('again') // XEP-0198 §5: the client may go on and bind
    await relay.account('mallory')
    const mallory = await relay.authenticated('mallory')
    mallory.sends(`<resume xmlns='${NS_SM}' previd='${bob.previd}' h='0'/>`)
    await mallory.receives(failed('item-not-found'))
    await bob.ping()
    expect(bob.previd.length).toBeGreaterThanOrEqual(24)
  })
})

describe('the end of a stream', () => {
  test('R10: a closing tag is clean: a last acknowledgement, unavailable at once, unacknowledged goes back', async () => {
    const alice = await relay.device('alice', 'r10')
    const first = await relay.device('r10', 'x')
    const second = await relay.device('r10', 'y')
    await second.next((element) => element.name === 'presence' && element.attrs['from'] === first.jid)
    first.acknowledging = false
    alice.sends(omemo(first.jid, 'm1'))
    await takeIds(first, 1)
    first.sends('</stream:stream>')
    await first.next((element) => element.is('a', NS_SM))
    await second.receives(`<presence {any}type='unavailable'{any}/>`)
    await first.ended()
    const resuming = await relay.authenticated('r10')
    resuming.sends(`<resume xmlns='${NS_SM}' previd='${first.previd}' h='0'/>`)
    await resuming.receives(failed('item-not-found'))
    const again = await relay.device('r10', 'x')
    const got = await Promise.any([takeIds(again, 1), takeIds(second, 1)])
    expect(got).toEqual(['m1'])
    await again.ping()
    await second.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R10: a lost connection keeps the presence until the time for a resumption is over', async () => {
    await using brief = await DeliveryFixture.start({ resumeTimeoutMs: 5_000 })
    const first = await brief.device('bob', 'x')
    const second = await brief.device('bob', 'y')
    await second.receivesNothing().catch(() => undefined)
    second.inbox.length = 0
    const lostAt = performance.now()
    await first.drop()
    await second.receivesNothing()
    await second.receives(`<presence {any}type='unavailable'{any}/>`)
    expect(performance.now() - lostAt).toBeGreaterThan(4_900)
    const late = await brief.authenticated('bob')
    late.sends(`<resume xmlns='${NS_SM}' previd='${first.previd}' h='0'/>`)
    await late.receives(failed('item-not-found'))
  })

  test('R11: a peer that is asked and says nothing is given up; what was sent meanwhile is kept', async () => {
    await using impatient = await DeliveryFixture.start({ limits: { silenceMs: 3_000 } })
    const alice = await impatient.device('alice', 'r11')
    const bob = await impatient.device('r11', 'x')
    bob.acknowledging = false
    alice.sends(omemo('r11@localhost', 'm1'))
    await takeIds(bob, 1)
    bob.received--
    expect(await bob.streamError()).toBe('connection-timeout')
    await bob.ended()
    alice.sends(omemo('r11@localhost', 'm2'))
    await alice.safeUpTo(3)
    const back = await impatient.authenticated('r11')
    await back.resume(bob.previd, bob)
    expect(await takeIds(back, 2)).toEqual(['m1', 'm2'])
    await back.ping()
    await expect.poll(() => impatient.kept()).toEqual(NOTHING_KEPT)
  })

  test('what is in memory only is sealed by a clean stop', async () => {
    await using other = await DeliveryFixture.start()
    const alice = await other.device('alice', 'x')
    const bob = await other.device('bob', 'x')
    bob.acknowledging = false
    for (const id of ids('m', 10)) alice.sends(omemo('bob@localhost', id))
    await takeIds(bob, 10)
    await other.restart()
    expect(await other.kept()).toEqual({ keys: 10, rows: 10 })
    const again = await other.device('bob', 'x')
    expect(await takeIds(again, 10)).toEqual(ids('m', 10))
    await again.ping()
    await expect.poll(() => other.kept()).toEqual(NOTHING_KEPT)
  })
})
