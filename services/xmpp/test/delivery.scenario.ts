/** What is kept (docs/delivery.md), until when, in which order. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DeliveryFixture, expectNoMessage, ids, NOTHING_KEPT, take, takeIds } from './delivery-fixture.ts'
import { omemo } from './relay-fixture.ts'

let relay: DeliveryFixture
beforeAll(async () => {
  relay = await DeliveryFixture.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

const kept = () => relay.kept()

describe('delivery', () => {
  test('a message between two who are here arrives with the sender stamped', async () => {
    const alice = await relay.device('alice', 'a')
    const bob = await relay.device('bob', 'b')
    alice.sends(omemo(bob.bare, 'm1'))
    const message = await bob.message()
    expect(message.attrs).toMatchObject({ id: 'm1', from: alice.jid, to: bob.bare, type: 'chat' })
    await alice.close()
    await bob.close()
  })

  test('a message waits for one who never signed in, arrives once with its delay, and is gone', async () => {
    const alice = await relay.device('alice', 'a')
    await relay.account('carol')
    alice.sends(omemo('carol@localhost', 'm2'))
    await alice.safeUpTo(2)
    expect(await kept()).toEqual({ keys: 1, rows: 1 })
    const carol = await relay.device('carol', 'c')
    const message = await carol.message()
    expect(message.attrs['id']).toBe('m2')
    expect(message.childrenNamed('delay', 'urn:xmpp:delay').map(({ attrs }) => attrs['from'])).toEqual([
      'localhost',
    ])
    await carol.ping()
    await carol.close()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
    const again = await relay.device('carol', 'c')
    await expectNoMessage(again)
  })

  test('plaintext is refused with policy-violation', async () => {
    const alice = await relay.client('alice')
    alice.sends(`<message to='bob@localhost' type='chat' id='p1'><body>hello</body></message>`)
    await alice.receives(
      `<message type='error' id='p1' {any}><error type='modify'><policy-violation {any}/>{any}</error></message>`,
    )
  })

  test('R1: while Postgres does not take it the counter waits', async () => {
    const alice = await relay.device('alice', 'r1')
    await relay.account('r1')
    await using admin = await openDb({ url: relay.platform.databaseUrl, role: 'sealpost_xmpp' })
    const locked = Promise.withResolvers<void>()
    const unlock = Promise.withResolvers<void>()
    const transaction = admin.transaction(async (tx) => {
      await tx.execute(sql`lock table xmpp.sealed in access exclusive mode`)
      locked.resolve()
      await unlock.promise
    })
    await locked.promise
    const before = await alice.serverCounter()
    alice.sends(omemo('r1@localhost', 'm1'))
    for (let n = 0; n < 10; n++) expect(await alice.serverCounter()).toBe(before)
    unlock.resolve()
    await transaction
    await alice.safeUpTo(before + 1)
    expect(await kept()).toEqual({ keys: 1, rows: 1 })
    const receiver = await relay.device('r1', 'x')
    expect(await takeIds(receiver, 1)).toEqual(['m1'])
    await receiver.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R2: 1,000 drained and not one acknowledged: the same 1,000 again, in order, each with one delay', async () => {
    const alice = await relay.device('alice', 'r2')
    await relay.account('r2')
    const sent = ids('m', 1_000)
    for (const id of sent) alice.sends(omemo('r2@localhost', id))
    await alice.safeUpTo(1_001)
    const first = await relay.client('r2', { resource: 'x' })
    first.acknowledging = false
    await first.enableStreamManagement(false)
    await first.available()
    expect(await takeIds(first, 500)).toEqual(sent.slice(0, 500)) // as much as may be in flight
    await first.drop()
    expect(await kept()).toEqual({ keys: 1_000, rows: 1_000 })
    const second = await relay.device('r2', 'x')
    const messages = await take(second, 1_000)
    expect(messages.map(({ attrs }) => attrs['id'])).toEqual(sent)
    for (const message of messages) expect(message.childrenNamed('delay', 'urn:xmpp:delay').length).toBe(1)
    await second.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R4: 10,000 messages to a hibernated session all arrive, in order', async () => {
    const alice = await relay.device('alice', 'r4')
    const bob = await relay.device('r4', 'x')
    await bob.drop()
    const sent = ids('m', 10_000)
    for (const id of sent) alice.sends(omemo('r4@localhost', id, 'QUFB'))
    await alice.safeUpTo(10_001, 120_000)
    const back = await relay.authenticated('r4')
    await back.resume(bob.previd, bob)
    const started = performance.now()
    expect(await takeIds(back, 10_000)).toEqual(sent)
    process.stdout.write(`drained ${Math.round(1e7 / (performance.now() - started))} messages a second\n`)
    await back.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
    await back.close()
  }, 240_000)

  test('R18: drained and live messages keep their order under a sender that never stops', async () => {
    const alice = await relay.device('alice', 'r18')
    await relay.account('r18')
    const sent = ids('m', 1_500)
    let next = 0
    const send = (count: number) => {
      for (const id of sent.slice(next, (next += count))) alice.sends(omemo('r18@localhost', id))
    }
    send(600)
    await alice.safeUpTo(601)
    const bob = await relay.client('r18', { resource: 'x' })
    await bob.enableStreamManagement()
    bob.sends('<presence/>')
    const received: string[] = []
    while (received.length < sent.length) {
      if (next < sent.length) send(3)
      received.push(...(await takeIds(bob, 1)))
    }
    expect(received).toEqual(sent)
    await bob.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R19: between bind and presence it is queued; a negative priority takes nothing, zero drains', async () => {
    const alice = await relay.device('alice', 'r19')
    const bob = await relay.client('r19', { resource: 'x' })
    await bob.enableStreamManagement()
    alice.sends(omemo('r19@localhost', 'm1'))
    await alice.safeUpTo(2)
    await bob.receivesNothing()
    bob.sends('<presence><priority>-1</priority></presence>')
    await bob.receives(`<presence {any}<priority>-1</priority></presence>`)
    await bob.receivesNothing()
    bob.sends('<presence><priority>0</priority></presence>')
    expect(await takeIds(bob, 1)).toEqual(['m1'])
    await bob.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R19: a client cannot purge its queue (XEP-0013)', async () => {
    const bob = await relay.client('r19')
    const answer = await bob.request(
      'set',
      `<offline xmlns='http://jabber.org/protocol/offline'><purge/></offline>`,
    )
    expect(String(answer)).toContain('service-unavailable')
  })

  test('R21: what must not be stored is not, receipts are, a call only for two minutes', async () => {
    const alice = await relay.device('alice', 'r21')
    await relay.account('r21')
    alice.sends(omemo('r21@localhost', 'm1').replace('<store ', '<no-store '))
    alice.sends(
      `<message to='r21@localhost' type='chat' id='m2'><active xmlns='http://jabber.org/protocol/chatstates'/></message>`,
    )
    alice.sends(
      `<message to='r21@localhost' type='error' id='m3'><error type='cancel'/><store xmlns='urn:xmpp:hints'/></message>`,
    )
    await alice.safeUpTo(4)
    await expect.poll(kept).toEqual(NOTHING_KEPT)
    alice.sends(
      `<message to='r21@localhost' type='chat' id='m4'><received xmlns='urn:xmpp:receipts' id='x'/></message>`,
    )
    alice.sends(
      `<message to='r21@localhost' type='chat' id='m5'><propose xmlns='urn:xmpp:jingle-message:0' id='c'/></message>`,
    )
    await alice.safeUpTo(6)
    expect((await kept()).rows).toBe(2)
    const second = Math.floor(Date.now() / 1_000)
    expect(relay.keyring.due(second + 119).length).toBe(0)
    expect(relay.keyring.due(second + 123).length).toBe(1)
    expect(relay.keyring.due(second + 86_403).length).toBe(2)
    const bob = await relay.device('r21', 'x')
    expect(await takeIds(bob, 2)).toEqual(['m4', 'm5'])
    await bob.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('a message expires, not before it is due, and an expired one is never delivered', async () => {
    const alice = await relay.device('alice', 'expiry')
    await relay.account('expiry')
    alice.sends(
      omemo('expiry@localhost', 'm1').replace(
        '<store',
        `<expire xmlns='urn:sealpost:expire:0' seconds='1'/><store`,
      ),
    )
    const sentAt = Date.now()
    alice.sends(omemo('expiry@localhost', 'm2'))
    await alice.safeUpTo(3)
    await expect.poll(() => relay.keyring.size, { interval: 20 }).toBe(1)
    expect(Date.now() - sentAt).toBeGreaterThan(950)
    const bob = await relay.device('expiry', 'x')
    expect(await takeIds(bob, 1)).toEqual(['m2'])
    await bob.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('what expires while the server is away is destroyed before anything is delivered', async () => {
    await using away = await DeliveryFixture.start({ messageTtlSeconds: 6 })
    const alice = await away.device('alice', 'a')
    await away.account('bob')
    for (const id of ids('m', 20)) alice.sends(omemo('bob@localhost', id))
    await alice.safeUpTo(21)
    expect((await away.kept()).rows).toBe(20)
    const sentAt = Date.now()
    await away.stop()
    await after(sentAt + 7_100 - Date.now())
    await away.run()
    expect(away.keyring.size).toBe(0)
    const bob = await away.device('bob', 'b')
    await expectNoMessage(bob)
    await expect.poll(() => away.kept()).toEqual(NOTHING_KEPT)
  })

  test('a client without stream management acknowledges by answering a ping', async () => {
    const alice = await relay.device('alice', 'barrier')
    await relay.account('barrier')
    for (const id of ids('m', 20)) alice.sends(omemo('barrier@localhost', id))
    await alice.safeUpTo(21)
    const first = await relay.client('barrier', { resource: 'x' })
    first.acknowledging = false
    await first.available()
    expect((await takeIds(first, 20)).length).toBe(20)
    await first.drop()
    expect((await kept()).rows).toBe(20)
    const second = await relay.client('barrier', { resource: 'x' })
    await second.available()
    expect(await takeIds(second, 20)).toEqual(ids('m', 20))
    await second.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('a barrier under way when stream management is enabled does not upset the count', async () => {
    const alice = await relay.device('alice', 'late')
    await relay.account('late')
    for (const id of ids('m', 3)) alice.sends(omemo('late@localhost', id))
    await alice.safeUpTo(4)
    const bob = await relay.client('late', { resource: 'x' })
    bob.acknowledging = false
    await bob.available()
    await take(bob, 3)
    const ping = await bob.next((element) => element.name === 'iq' && element.attrs['type'] === 'get')
    bob.acknowledging = true
    await bob.enableStreamManagement()
    bob.sends(`<iq type='result' id='${ping.attrs['id'] ?? ''}' to='localhost'/>`)
    for (const id of ids('n', 3)) alice.sends(omemo('late@localhost', id))
    expect(await takeIds(bob, 3)).toEqual(ids('n', 3))
    await bob.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
    expect(bob.closed).toBe(false)
  })

  test('a client that stops reading costs bounded memory and gets everything afterwards, in order', async () => {
    const alice = await relay.device('alice', 'congestion')
    const bob = await relay.device('congestion', 'x')
    bob.pauseReading()
    const sent = ids('m', 600)
    const payload = 'QUFB'.repeat(8_000) // 32 kB each, 19 MB together
    for (const [index, id] of sent.entries()) {
      alice.sends(omemo('congestion@localhost', id, payload))
      if (index % 100 === 99) await alice.safeUpTo(index + 2)
    }
    expect((await kept()).rows).toBeGreaterThan(500) // on disk, not in buffers: those hold a megabyte or two
    bob.resumeReading()
    expect(await takeIds(bob, 600)).toEqual(sent)
    await bob.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
    await bob.close()
  }, 60_000)

  test('live traffic between clients that acknowledge writes nothing', async () => {
    const alice = await relay.device('alice', 'live')
    const bob = await relay.device('live', 'x')
    await bob.ping()
    const before = await written()
    for (const id of ids('m', 200)) {
      alice.sends(omemo('live@localhost', id))
      await bob.message()
    }
    await alice.safeUpTo(201)
    expect(await written()).toEqual(before)
  })
})

/** Rows ever inserted into the table of sealed messages, and when a file of the keyring was last changed. */
async function written() {
  await using db = await openDb({ url: relay.platform.databaseUrl })
  const [row] = await db.query<{ inserted: string }>(
    sql`select n_tup_ins::text as inserted from pg_stat_user_tables where schemaname = 'xmpp' and relname = 'sealed'`,
  )
  const files = await readdir(relay.keyringDir)
  const times = await Promise.all(
    files.map(async (file) => (await stat(join(relay.keyringDir, file))).mtimeMs),
  )
  return { inserted: row?.inserted, times }
}

describe('limits', () => {
  test('R20: a full queue refuses, keeps what it has, and takes again when there is room', async () => {
    await using small = await DeliveryFixture.start({
      limits: { queue: { messagesMax: 3, bytesMax: 1e9 } },
    })
    const alice = await small.device('alice', 'a')
    await small.account('bob')
    for (const id of ids('m', 5)) alice.sends(omemo('bob@localhost', id))
    for (const id of ['m3', 'm4']) {
      await alice.receives(
        `<message type='error' id='${id}' {any}><error type='wait'><resource-constraint {any}/>{any}</error></message>`,
      )
    }
    await alice.safeUpTo(6)
    expect((await small.kept()).rows).toBe(3)
    const bob = await small.device('bob', 'b')
    expect(await takeIds(bob, 3)).toEqual(['m0', 'm1', 'm2'])
    await bob.ping()
    alice.sends(omemo('bob@localhost', 'm5'))
    expect(await takeIds(bob, 1)).toEqual(['m5'])
    await bob.ping()
    await expect.poll(() => small.kept()).toEqual(NOTHING_KEPT)
  })

  test('R20: a full queue of one device does not keep others from their messages', async () => {
    await using small = await DeliveryFixture.start({
      limits: { queue: { messagesMax: 1e9, bytesMax: 1_000 } },
    })
    const alice = await small.device('alice', 'a')
    await small.register('bob', 'away')
    await small.register('bob', 'here')
    const bob = await small.device('bob', 'here')
    for (const id of ids('m', 10)) {
      alice.sends(omemo('bob@localhost', id))
      expect(await takeIds(bob, 1)).toEqual([id])
    }
    await alice.safeUpTo(11)
    expect(alice.inbox.filter(({ attrs }) => attrs['type'] === 'error')).toEqual([])
    expect((await small.kept()).rows).toBeLessThan(10)
  })

  test('everything expires after MESSAGE_TTL, and not before', async () => {
    await using brief = await DeliveryFixture.start({ messageTtlSeconds: 2 })
    const alice = await brief.device('alice', 'a')
    await brief.account('bob')
    const sentAt = Date.now()
    for (const id of ids('m', 300)) alice.sends(omemo('bob@localhost', id))
    await alice.safeUpTo(301)
    await expect.poll(() => brief.keyring.size, { interval: 20 }).toBe(0)
    expect(Date.now() - sentAt).toBeGreaterThan(1_950)
    await expect.poll(() => brief.kept()).toEqual(NOTHING_KEPT)
    const bob = await brief.device('bob', 'b')
    await expectNoMessage(bob)
  })

  test('an account terminated: nothing of it is left in any table, nor in the keyring', async () => {
    await using doomed = await DeliveryFixture.start()
    const alice = await doomed.device('alice', 'a')
    await doomed.register('bob', 'b', true)
    await doomed.register('bob', 'c', true)
    const bob = await doomed.device('bob', 'b')
    for (const id of ids('m', 20)) alice.sends(omemo('bob@localhost', id))
    await take(bob, 20)
    await alice.safeUpTo(21)
    expect((await doomed.kept()).rows).toBe(20)
    await doomed.accounts.terminate(parseJid('alice@localhost'))
    await doomed.accounts.terminate(parseJid('bob@localhost'))
    expect(await bob.streamError()).toBe('not-authorized')
    const counts = async () => ({ ...(await doomed.kept()), ...(await rowsOf(doomed)) })
    await expect.poll(counts).toEqual({ keys: 0, rows: 0 })
  })
})

/** Tables of the schema that have rows, but for what describes the database itself. */
async function rowsOf(fixture: DeliveryFixture): Promise<Record<string, number>> {
  await using db = await openDb({ url: fixture.platform.databaseUrl })
  const tables = await db.query<{ name: string; count: string }>(sql`
    select table_name as name,
      (xpath('//c/text()', query_to_xml(format('select count(*) as c from xmpp.%I', table_name), false, true, '')))[1]::text as count
    from information_schema.tables where table_schema = 'xmpp'
      and table_name not in ('instance', 'keyring_lease') and table_name not like '%migration%'`)
  return Object.fromEntries(
    tables.filter(({ count }) => count !== '0').map(({ name, count }) => [name, Number(count)]),
  )
}
