/** STORAGE_MODE none: nothing is ever kept (docs/delivery.md). */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DeliveryFixture, ids, NOTHING_KEPT, takeIds } from './delivery-fixture.ts'
import { omemo, startRelay } from './relay-fixture.ts'

let relay: DeliveryFixture
beforeAll(async () => {
  relay = await DeliveryFixture.start({ storage: 'none' })
})
afterAll(() => relay[Symbol.asyncDispose]())

const unavailable = (id: string) =>
  `<message type='error' id='${id}' {any}><error type='wait'><recipient-unavailable {any}/>{any}</error></message>`

/** Every byte that the keyring has on disk. */
const slots = () => readFile(join(relay.keyringDir, 'keyring.slots'))

test('an absent recipient is unavailable at once, and neither it nor who is here ever has a slot in the keyring', async () => {
  const before = await slots()
  const alice = await relay.device('alice', 'a')
  await relay.register('away', 'phone')
  const here = await relay.device('here', 'x')
  for (const id of ids('m', 50)) {
    alice.sends(omemo('away@localhost', id))
    alice.sends(omemo('here@localhost', id))
  }
  expect(await takeIds(here, 50)).toEqual(ids('m', 50))
  for (const id of ids('m', 50)) await alice.receives(unavailable(id))
  await alice.safeUpTo(101)
  expect(await relay.kept()).toEqual(NOTHING_KEPT)
  expect((await slots()).equals(before)).toBe(true)
  const away = await relay.device('away', 'phone')
  await away.receivesNothing()
  for (const client of [alice, here, away]) await client.close()
})

test('what is on a socket when the session ends goes back to the sender, before its stanza counts', async () => {
  const alice = await relay.device('alice', 'b')
  const silent = await relay.client('silent', { resource: 'x' })
  silent.acknowledging = false
  await silent.enableStreamManagement(false)
  await silent.available()
  alice.sends(omemo('silent@localhost', 'm1'))
  await silent.message()
  for (let n = 0; n < 5; n++) expect(await alice.serverCounter()).toBe(1)
  await silent.drop()
  const error = await alice.message()
  expect(String(error)).toMatch(/type="error"|type='error'/)
  expect(error.child('error')?.elements()[0]?.name).toBe('recipient-unavailable')
  await alice.safeUpTo(2)
  expect(await relay.kept()).toEqual(NOTHING_KEPT)
  await alice.close()
})

test('a session that may be resumed keeps what it was written, and gets nothing new meanwhile', async () => {
  const alice = await relay.device('alice', 'c')
  const bob = await relay.device('resumed', 'x')
  bob.acknowledging = false
  alice.sends(omemo('resumed@localhost', 'm1'))
  await bob.message()
  const { previd } = bob
  await bob.drop()
  alice.sends(omemo('resumed@localhost', 'm2'))
  await alice.receives(unavailable('m2'))
  bob.received-- // the connection broke before m1 had come
  const back = await relay.authenticated('resumed')
  await back.resume(previd, bob)
  expect(await takeIds(back, 1)).toEqual(['m1'])
  await alice.safeUpTo(3)
  expect(alice.inbox.filter(({ name }) => name === 'message')).toEqual([])
  expect(await relay.kept()).toEqual(NOTHING_KEPT)
  await back.close()
  await alice.close()
})

test('one device that takes it is enough; the sender hears nothing of the other', async () => {
  await relay.register('two', 'laptop')
  await relay.register('two', 'phone')
  const alice = await relay.device('alice', 'd')
  const phone = await relay.device('two', 'phone')
  alice.sends(omemo('two@localhost', 'm1'))
  expect(await takeIds(phone, 1)).toEqual(['m1'])
  await alice.safeUpTo(2)
  alice.sends(omemo(`two@localhost/laptop`, 'm2'))
  expect(await takeIds(phone, 1)).toEqual(['m2']) // RFC 6121 §8.5.3.2.1: as to the bare JID
  await alice.receivesNothing()
  await phone.close()
  alice.sends(omemo('two@localhost', 'm3'))
  await alice.receives(unavailable('m3'))
  const laptop = await relay.device('two', 'laptop')
  await laptop.receivesNothing()
  await laptop.close()
  await alice.close()
})

test('a full JID gets it alone; the sender’s other devices get copies when they are here, and nobody hears of theirs', async () => {
  await relay.register('sender', 'other', true)
  await relay.register('sender', 'away', true)
  const other = await relay.device('sender', 'other')
  await other.request('set', `<enable xmlns='urn:xmpp:carbons:2'/>`)
  const sender = await relay.device('sender', 'main')
  const bob = await relay.device('fulljid', 'x')
  sender.sends(omemo(bob.jid, 'm1'))
  expect(await takeIds(bob, 1)).toEqual(['m1'])
  expect(String(await other.message())).toContain('m1')
  await sender.safeUpTo(2)
  await sender.close()
  await other.close()
  const away = await relay.device('sender', 'away')
  await away.receivesNothing()
  expect(await relay.kept()).toEqual(NOTHING_KEPT)
  await away.close()
  await bob.close()
})

test('no-store and chat states pass to who is here, errors are not answered', async () => {
  const alice = await relay.device('alice', 'e')
  const bob = await relay.device('hinted', 'x')
  const hinted = omemo('hinted@localhost', 'm1').replace(
    "<store xmlns='urn:xmpp:hints'/>",
    "<no-store xmlns='urn:xmpp:hints'/>",
  )
  alice.sends(hinted)
  expect(await takeIds(bob, 1)).toEqual(['m1'])
  alice.sends(
    `<message to='nobody-here@localhost' type='error' id='e1'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
  )
  await alice.receivesNothing()
  await alice.close()
  await bob.close()
})

test('STORAGE_MODE for the whole server, a domain decided otherwise', async () => {
  await using server = await startRelay({ storageMode: 'none' })
  const alice = await server.client('alice')
  await server.account('bob')
  alice.sends(omemo('bob@localhost', 'm1'))
  await alice.receives(unavailable('m1'))
  const { domains } = server.accounts
  await domains.setPolicy('localhost', {
    e2ee: undefined,
    storage: 'sealed',
    messageTtlSeconds: undefined,
    mailPgp: undefined,
  })
  const bob = await server.client('bob', { resource: 'x' })
  await expect
    .poll(async () => {
      alice.sends(omemo('bob@localhost', 'm2'))
      await alice.ping()
      return alice.inbox.splice(0).filter(({ name }) => name === 'message').length
    })
    .toBe(0)
  await bob.available()
  expect((await bob.message()).attrs['id']).toBe('m2')
})
