/** @xmpp/client: a JavaScript library with SCRAM-SHA-1 and resumption. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { xml, type XmlElement } from '@xmpp/client'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { expectNothingKept } from './nothing-kept.ts'
import { Sealpost } from './sealpost.ts'
import { Device, DOMAIN, omemoMessage, trust, type DeviceOptions } from './xmpp-js.ts'

let sealpost: Sealpost
const passwords = { alice: randomBytes(12).toString('hex'), bob: randomBytes(12).toString('hex') }

beforeAll(async () => {
  sealpost = await Sealpost.start()
  await trust(sealpost.caFile)
  for (const [name, password] of Object.entries(passwords))
    await sealpost.createAccount(`${name}@${DOMAIN}`, password)
})
afterAll(() => sealpost[Symbol.asyncDispose]())

function account(username: keyof typeof passwords, resource: string): DeviceOptions {
  return { username, password: passwords[username], resource, service: `xmpp://127.0.0.1:${sealpost.port}` }
}

async function online(options: DeviceOptions): Promise<Device> {
  const device = await Device.online(options)
  onTestFinished(() => device.leave())
  return device
}

/** A device is known, and gets a queue of its own, at its second sign-in. */
async function introduce(options: DeviceOptions): Promise<void> {
  for (let signIn = 0; signIn < 2; signIn++) await (await Device.online(options)).leave()
}

test('STARTTLS: sign-in with SCRAM over TLS 1.3, roster, ping', async () => {
  const alice = await online(account('alice', 'starttls'))
  expect(alice.tlsProtocol).toBe('TLSv1.3')
  await alice.ping()
  const roster = await alice.client.iqCaller.request(
    xml('iq', { type: 'get', id: 'roster' }, xml('query', { xmlns: 'jabber:iq:roster' })),
  )
  expect(roster.getChild('query', 'jabber:iq:roster')).toBeDefined()
})

test('direct TLS: sign-in, ping', async () => {
  const alice = await online({
    ...account('alice', 'direct'),
    service: `xmpps://127.0.0.1:${sealpost.directTlsPort}`,
  })
  expect(alice.tlsProtocol).toBe('TLSv1.3')
  await alice.ping()
})

test('no mechanism is offered before TLS, and no plain one ever', async () => {
  const socket = connect(sealpost.port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write(
    `<?xml version='1.0'?><stream:stream to='${DOMAIN}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`,
  )
  let features = ''
  for await (const chunk of socket) {
    features += String(chunk)
    if (features.includes('</stream:features>')) break
  }
  expect(features).toContain('<required')
  expect(features).not.toContain('mechanism')
})

test('a wrong password is refused', async () => {
  const device = new Device({ ...account('alice', 'wrong'), password: 'wrong', staysAway: true })
  onTestFinished(() => device.leave())
  await expect(device.client.start()).rejects.toThrow('not-authorized')
})

test('a message between two who are there arrives as it was sent, and nothing is kept', async () => {
  const alice = await online(account('alice', 'phone'))
  const bob = await online(account('bob', 'phone'))
  const message = omemoMessage(bob.jid, 'live-1')
  await alice.client.send(message)
  await bob.until(() => bob.ids.length === 1, 'the message')
  const payload = (from: XmlElement | undefined): string | null | undefined =>
    from?.getChild('encrypted', 'eu.siacs.conversations.axolotl')?.getChildText('payload')
  expect(payload(bob.messages.at(-1))).toBe(payload(message))
  await alice.untilAcknowledged()
  await expectNothingKept(sealpost, [payload(message) ?? ''])
})

test('a plaintext message is refused with policy-violation and reaches nobody', async () => {
  const alice = await online(account('alice', 'phone'))
  const bob = await online(account('bob', 'phone'))
  const secret = randomBytes(8).toString('hex')
  await alice.client.send(
    xml('message', { to: bob.jid, id: 'plain-1', type: 'chat' }, xml('body', {}, secret)),
  )
  await alice.until(() => alice.messages.length === 1, 'the refusal')
  const [refusal] = alice.messages
  expect(refusal?.attrs).toMatchObject({ type: 'error', id: 'plain-1' })
  expect(refusal?.getChild('error')?.attrs['type']).toBe('modify')
  expect(refusal?.getChild('error')?.getChild('policy-violation')).toBeDefined()
  await bob.ping()
  expect(bob.messages).toEqual([])
  expect(await sealpost.tablesHolding(secret)).toEqual([])
})

test.for([{ database: false }, { database: true }])(
  'a message for someone who is away survives kill -9 and arrives once (kill of the database too: $database)',
  async ({ database }) => {
    const tablet = account('bob', `tablet-${database}`)
    await introduce(tablet)
    const alice = await online({ ...account('alice', 'phone'), staysAway: true })
    const ids = Array.from({ length: 5 }, (_, index) => `away-${database}-${index}`)
    for (const id of ids) await alice.sendEncrypted(`bob@${DOMAIN}`, id)
    await alice.untilAcknowledged()
    expect(await sealpost.sealedRows()).toBeGreaterThanOrEqual(ids.length)
    await sealpost.kill({ database })
    await sealpost.restart()
    // Every queue of the account is emptied: its devices of the other tests, and its account queue.
    const devices = await Promise.all([online(tablet), online(account('bob', 'phone'))])
    await devices[0].until(() => devices[0].ids.length >= ids.length, 'the messages')
    await Promise.all(devices.map((device) => device.ping()))
    expect(devices[0].ids).toEqual(ids)
    expect(
      devices[0].messages.every((message) => message.getChild('delay', 'urn:xmpp:delay') !== undefined),
    ).toBe(true)
    await Promise.all(devices.map((device) => device.leave()))
    const again = await online(tablet)
    await again.ping()
    expect(again.ids).toEqual([])
  },
)

test('two devices of one account, one away: both get every message, and the sender’s other device a copy', async () => {
  const [laptop, watch, other] = [
    account('bob', 'laptop'),
    account('bob', 'watch'),
    account('alice', 'other'),
  ]
  for (const device of [laptop, watch, other]) await introduce(device)
  const alice = await online(account('alice', 'phone'))
  const here = await online(laptop)
  const ids = ['both-0', 'both-1', 'both-2']
  for (const id of ids) await alice.sendEncrypted(here.jid, id)
  await here.until(() => here.ids.length === ids.length, 'the messages')
  expect(here.ids).toEqual(ids)
  await alice.untilAcknowledged()
  const back = await online(watch)
  await back.until(() => back.ids.length >= ids.length, 'the messages')
  await back.ping()
  expect(back.ids).toEqual(ids)
})

test('a connection that is cut is resumed: what came meanwhile arrives once and in order', async () => {
  const alice = await online(account('alice', 'phone'))
  const bob = await online(account('bob', 'phone'))
  const resumed = Promise.withResolvers<void>()
  bob.client.streamManagement.once('resumed', () => resumed.resolve())
  const session = bob.client.streamManagement.id
  bob.cut()
  const ids = ['cut-0', 'cut-1', 'cut-2']
  for (const id of ids) await alice.sendEncrypted(bob.jid, id)
  await resumed.promise // the library comes back by itself after a second
  await bob.until(() => bob.ids.length === ids.length, 'the messages')
  await bob.ping()
  expect(bob.ids).toEqual(ids)
  expect(bob.client.streamManagement.id).toBe(session)
})

test('when every device has been here, no row, no key and no name of a queue is left', async () => {
  const devices: [keyof typeof passwords, string][] = [
    ['alice', 'phone'],
    ['alice', 'other'],
    ['bob', 'phone'],
    ['bob', 'tablet-false'],
    ['bob', 'tablet-true'],
    ['bob', 'laptop'],
    ['bob', 'watch'],
  ]
  const known = await Promise.all(devices.map(([username, resource]) => online(account(username, resource))))
  await Promise.all(known.map((device) => device.ping()))
  await expectNothingKept(sealpost, ['away-false-0', 'away-true-0', 'both-0', 'cut-0'])
})
