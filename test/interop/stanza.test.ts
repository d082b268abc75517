/** stanza: a JavaScript library for pages and Node, over WebSocket (RFC 7395), with XEP-0198 and carbons. It knows neither SASL2 nor Bind 2. */
import { randomBytes } from 'node:crypto'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { Fixture } from './fixture.ts'
import { expectNothingKept } from './nothing-kept.ts'
import { StanzaDevice, Wire } from './stanza.ts'
import { DOMAIN, type Person } from './xmpp-js.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await Fixture.start()
  return () => fixture[Symbol.asyncDispose]()
})

async function online(
  person: Person,
  resource = 'web',
  port = fixture.sealpost.httpsPort,
): Promise<StanzaDevice> {
  const device = await StanzaDevice.online(person, resource, port)
  onTestFinished(() => device.leave())
  return device
}

test('sign-in with SCRAM over wss, roster, discovery, ping', async () => {
  const alice = await online(fixture.person())
  expect(alice.mechanism).toBe('SCRAM-SHA-256')
  expect((await alice.client.getRoster()).items).toEqual([])
  const server = await alice.client.getDiscoInfo(DOMAIN)
  expect(server.features).toContain('urn:xmpp:carbons:2')
  expect(server.features).not.toContain('urn:xmpp:mam:2')
  await alice.client.ping(DOMAIN)
})

test('a wrong password is refused', async () => {
  const device = new StanzaDevice(
    { ...fixture.person(), password: 'wrong' },
    'web',
    fixture.sealpost.httpsPort,
  )
  onTestFinished(() => device.leave())
  const refused = Promise.withResolvers<void>()
  device.client.on('auth:failed', () => refused.resolve())
  device.client.connect()
  await refused.promise
  expect(device.sessions.begun).toBe(0)
})

test('a message arrives, is acknowledged, carbons reach the other device, and nothing is kept', async () => {
  const [first, second] = [fixture.person(), fixture.person()]
  const alice = await online(first)
  const other = await online(first, 'other')
  await other.client.enableCarbons()
  const bob = await online(second)
  alice.sendEncrypted(second.jid, 'live')
  await bob.until(() => bob.ids.length === 1, 'the message')
  await alice.until(() => alice.acknowledged.includes('live'), 'the acknowledgement')
  const copies: (string | undefined)[] = []
  other.client.on('carbon:sent', (copy) => copies.push(copy.carbon.forward.message?.id))
  alice.sendEncrypted(second.jid, 'copied')
  await other.until(() => copies.includes('copied'), 'the carbon')
  await bob.until(() => bob.ids.length === 2, 'the message')
  await expectNothingKept(fixture.sealpost, ['live', 'copied'])
})

test('plaintext is refused with policy-violation and reaches nobody', async () => {
  const [alice, bob] = [await online(fixture.person()), await online(fixture.person())]
  const secret = randomBytes(8).toString('hex')
  alice.client.sendMessage({ to: bob.person.jid, type: 'chat', body: secret })
  await alice.until(() => alice.refusals.length === 1, 'the refusal')
  expect(alice.refusals).toEqual(['policy-violation'])
  expect(await fixture.sealpost.tablesHolding(secret)).toEqual([])
})

test('kill -9 while messages wait: they arrive once, in order, and are gone', async () => {
  const { sealpost } = fixture
  const [first, second] = [fixture.person(), fixture.person()]
  for (let signIn = 0; signIn < 2; signIn++) (await online(second)).leave() // a device from now on
  const alice = await online(first)
  const ids = ['away-1', 'away-2', 'away-3']
  for (const id of ids) alice.sendEncrypted(second.jid, id)
  await alice.until(() => ids.every((id) => alice.acknowledged.includes(id)), 'the acknowledgements')
  alice.leave()
  await sealpost.kill()
  await sealpost.restart()
  const bob = await online(second)
  await bob.until(() => bob.ids.length >= ids.length, 'the messages')
  await bob.client.ping(DOMAIN)
  expect(bob.ids).toEqual(ids)
  await expectNothingKept(sealpost, ids)
})

test('a connection that is cut is resumed: what came meanwhile arrives once and in order', async () => {
  await using wire = await Wire.lead(fixture.sealpost.httpsPort)
  const bob = await online(fixture.person(), 'web', wire.port)
  const alice = await online(fixture.person())
  wire.cut()
  const ids = ['cut-1', 'cut-2']
  for (const id of ids) alice.sendEncrypted(bob.person.jid, id)
  await bob.until(() => bob.sessions.resumed === 1, 'the resumption') // the library comes back by itself
  await bob.until(() => bob.ids.length >= ids.length, 'the messages')
  await bob.client.ping(DOMAIN)
  expect(bob.ids).toEqual(ids)
  expect(bob.sessions.begun).toBe(1)
  await expectNothingKept(fixture.sealpost, ids)
  bob.leave()
})
