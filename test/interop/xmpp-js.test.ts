/** @xmpp/client: a JavaScript library with SCRAM-SHA-1, SASL2, Bind 2, FAST and resumption. What concerns devices is shown with and without SASL2. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { xml, type XmlElement } from '@xmpp/client'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Fixture } from './fixture.ts'
import { expectNothingKept } from './nothing-kept.ts'
import { Device, DOMAIN, introduce, omemoMessage, type DeviceOptions, type Person } from './xmpp-js.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await Fixture.start()
  return () => fixture[Symbol.asyncDispose]()
})

const payloadOf = (message: XmlElement | undefined): string =>
  message?.getChild('encrypted', 'eu.siacs.conversations.axolotl')?.getChildText('payload') ?? ''

test('STARTTLS: sign-in with SCRAM over TLS 1.3, roster, ping', async () => {
  const alice = await fixture.online(fixture.device(fixture.person(), 'phone'))
  expect(alice.tlsProtocol).toBe('TLSv1.3')
  expect(alice.mechanism).toBe('SCRAM-SHA-1')
  await alice.ping()
  const roster = await alice.client.iqCaller.request(
    xml('iq', { type: 'get', id: 'roster' }, xml('query', { xmlns: 'jabber:iq:roster' })),
  )
  expect(roster.getChild('query', 'jabber:iq:roster')).toBeDefined()
})

test('STARTTLS: the same without SASL2', async () => {
  const alice = await fixture.online(fixture.device(fixture.person(), 'phone', true))
  expect(alice.mechanism).toBe('SCRAM-SHA-1')
  expect(alice.client.jid?.resource).toBe('phone')
  await alice.ping()
})

test('direct TLS: sign-in, ping', async () => {
  const service = `xmpps://127.0.0.1:${fixture.sealpost.directTlsPort}`
  const alice = await fixture.online({ ...fixture.device(fixture.person(), 'phone'), service })
  expect(alice.tlsProtocol).toBe('TLSv1.3')
  await alice.ping()
})

test.for(['TLSv1.3', 'TLSv1.2'] as const)(
  '%s: no session ticket is sent (RFC 9325 §3.4)',
  async (version) => {
    const socket = connectTls({
      port: fixture.sealpost.directTlsPort,
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
    })
    onTestFinished(() => void socket.destroy())
    const tickets: (Buffer | undefined)[] = []
    if (version === 'TLSv1.3') socket.on('session', (session) => tickets.push(session)) // one for each ticket
    socket.write(
      `<stream:stream to='${DOMAIN}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`,
    )
    let features = ''
    for await (const chunk of socket) {
      features += String(chunk)
      if (!features.includes('</stream:features>')) continue // tickets come before
      tickets.push(socket.getTLSTicket())
      break
    }
    expect(tickets).toEqual([undefined])
  },
)

test('no mechanism is offered before TLS', async () => {
  const socket = connect(fixture.sealpost.port, '127.0.0.1')
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
  const device = new Device({
    ...fixture.device(fixture.person(), 'phone'),
    password: 'wrong',
    staysAway: true,
  })
  onTestFinished(() => device.leave())
  await expect(device.client.start()).rejects.toThrow('not-authorized')
})

test('a message between two who are there arrives as it was sent, and nothing is kept', async () => {
  const alice = await fixture.online(fixture.device(fixture.person(), 'phone'))
  const bob = await fixture.online(fixture.device(fixture.person(), 'phone'))
  const message = omemoMessage(bob.options.jid, 'live-1')
  await alice.client.send(message)
  await bob.until(() => bob.ids.length === 1, 'the message')
  expect(payloadOf(bob.messages.at(-1))).toBe(payloadOf(message))
  await alice.untilAcknowledged()
  await expectNothingKept(fixture.sealpost, [payloadOf(message), 'live-1'])
})

test('a plaintext message is refused with policy-violation and reaches nobody', async () => {
  const alice = await fixture.online(fixture.device(fixture.person(), 'phone'))
  const bob = await fixture.online(fixture.device(fixture.person(), 'phone'))
  const secret = randomBytes(8).toString('hex')
  await alice.client.send(
    xml('message', { to: bob.options.jid, id: 'plain-1', type: 'chat' }, xml('body', {}, secret)),
  )
  await alice.until(() => alice.messages.length === 1, 'the refusal')
  const [refusal] = alice.messages
  expect(refusal?.attrs).toMatchObject({ type: 'error', id: 'plain-1' })
  expect(refusal?.getChild('error')?.attrs['type']).toBe('modify')
  expect(refusal?.getChild('error')?.getChild('policy-violation')).toBeDefined()
  await bob.ping()
  expect(bob.messages).toEqual([])
  expect(await fixture.sealpost.tablesHolding(secret)).toEqual([])
})

describe.for([
  ['SASL2, Bind 2', false],
  ['without SASL2', true],
] as const)('%s', ([, withoutSasl2]) => {
  const device = (person: Person, resource: string): DeviceOptions =>
    fixture.device(person, resource, withoutSasl2)

  test.for([
    ['whose device is known', { known: true, database: false }],
    ['whose device is known, the database being killed too', { known: true, database: true }],
    ['who has never signed in', { known: false, database: false }],
  ] as const)(
    'kill -9 while messages wait for someone %s: they arrive once, in order, and are gone',
    async ([, { known, database }]) => {
      const { sealpost } = fixture
      const bob = device(fixture.person(), 'tablet')
      if (known) await introduce(bob)
      const alice = await fixture.online({ ...device(fixture.person(), 'phone'), staysAway: true })
      const ids = Array.from({ length: 5 }, (_, index) => `away-${index}-${randomBytes(4).toString('hex')}`)
      for (const id of ids) await alice.sendEncrypted(bob.jid, id)
      await alice.untilAcknowledged()
      expect(await sealpost.sealedRows()).toBe(ids.length)
      for (const id of ids) expect(await sealpost.tablesHolding(id)).toEqual([])
      await sealpost.kill({ database })
      await sealpost.restart()
      const tablet = await fixture.online(bob)
      await tablet.until(() => tablet.ids.length >= ids.length, 'the messages')
      await tablet.ping()
      expect(tablet.ids).toEqual(ids)
      expect(
        tablet.messages.map((message) => message.getChild('delay', 'urn:xmpp:delay') !== undefined),
      ).not.toContain(false)
      await tablet.leave()
      const again = await fixture.online(bob)
      await again.ping()
      expect(again.ids).toEqual([])
      await expectNothingKept(sealpost, ids)
    },
  )

  test('two devices of one account, one away: both get every message once, and the sender’s other device too', async () => {
    const [sender, recipient] = [fixture.person(), fixture.person()]
    const [laptop, watch, other] = [
      device(recipient, 'laptop'),
      device(recipient, 'watch'),
      device(sender, 'other'),
    ]
    for (const each of [laptop, watch, other]) await introduce(each)
    const alice = await fixture.online(device(sender, 'phone'))
    const here = await fixture.online(laptop)
    const ids = ['both-0', 'both-1', 'both-2']
    for (const id of ids) await alice.sendEncrypted(recipient.jid, id)
    await here.until(() => here.ids.length >= ids.length, 'the messages')
    expect(here.ids).toEqual(ids)
    await alice.untilAcknowledged()
    const back = await fixture.online(watch)
    await back.until(() => back.ids.length >= ids.length, 'the messages')
    await back.ping()
    expect(back.ids).toEqual(ids)
    await (await fixture.online(other)).ping()
    await expectNothingKept(fixture.sealpost, ids)
  })

  test('a device that left right after its second sign-in gets each message once', async () => {
    const bob = fixture.person()
    const watch = device(bob, 'watch')
    await (await fixture.online(device(bob, 'seen-once'))).leave() // the account's queue is in use
    for (let signIn = 0; signIn < 2; signIn++) {
      const passing = new Device({ ...watch, staysAway: true })
      await passing.client.start()
      await passing.leave() // never available: it took nothing
    }
    const alice = await fixture.online(device(fixture.person(), 'phone'))
    for (const id of ['early-0', 'early-1']) await alice.sendEncrypted(watch.jid, id)
    await alice.untilAcknowledged()
    const back = await fixture.online(watch)
    await back.until(() => back.ids.length >= 2, 'the messages')
    await back.ping()
    expect(back.ids).toEqual(['early-0', 'early-1'])
    const other = await fixture.online(device(bob, 'seen-once'))
    await other.until(() => other.ids.length >= 2, 'the copies for those who are not known yet')
    await other.ping()
    expect(other.ids).toEqual(['early-0', 'early-1'])
    await expectNothingKept(fixture.sealpost, ['early-0'])
  })

  test('a connection that is cut is resumed: what came meanwhile arrives once and in order', async () => {
    const alice = await fixture.online(device(fixture.person(), 'phone'))
    const bob = await fixture.online(device(fixture.person(), 'phone'))
    const resumed = Promise.withResolvers<void>()
    bob.client.streamManagement.once('resumed', () => resumed.resolve())
    const session = bob.client.streamManagement.id
    bob.cut()
    const ids = ['cut-0', 'cut-1', 'cut-2']
    for (const id of ids) await alice.sendEncrypted(bob.options.jid, id)
    await resumed.promise // the library comes back by itself after a second
    await bob.until(() => bob.ids.length >= ids.length, 'the messages')
    await bob.ping()
    expect(bob.ids).toEqual(ids)
    expect(bob.client.streamManagement.id).toBe(session)
    expect(bob.mechanism).toBe(withoutSasl2 ? 'SCRAM-SHA-1' : 'HT-SHA-256-NONE') // FAST spares a known device the password
    await expectNothingKept(fixture.sealpost, ids)
  })
})
