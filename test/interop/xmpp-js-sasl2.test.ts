/** @xmpp/client with SASL2 (XEP-0388), Bind 2 (XEP-0386), FAST (XEP-0484) and resumption within the sign-in (XEP-0198 §9). */
import { randomBytes, randomUUID } from 'node:crypto'
import { client, xml, type XmlElement, type XmppClient } from '@xmpp/client'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { Fixture } from './fixture.ts'
import { expectNothingKept } from './nothing-kept.ts'
import { DOMAIN, listenBeforeOpening, omemoMessage, type Person } from './xmpp-js.ts'

const NS_SASL2 = 'urn:xmpp:sasl:2'
const WAIT_MS = 60_000

let fixture: Fixture
beforeAll(async () => {
  fixture = await Fixture.start()
  return () => fixture[Symbol.asyncDispose]()
})

/** One installation of the library: its id, and the token it was given, survive from connection to connection. */
interface Installation {
  readonly person: Person
  readonly userAgent: string
  token?: unknown
}

interface Fast {
  saveToken(token: unknown): Promise<void>
  fetchToken(): Promise<unknown>
  deleteToken(): Promise<void>
}

const install = (): Installation => ({ person: fixture.person(), userAgent: randomUUID() })

class Connected {
  readonly client: XmppClient
  readonly messages: XmlElement[] = []
  /** Names of the first-level elements sent before `<presence/>`, and the mechanism of each sign-in. */
  readonly sent: string[] = []
  readonly mechanisms: (string | undefined)[] = []
  readonly successes: XmlElement[] = []

  constructor(installation: Installation, tag: string, password = installation.person.password) {
    const { person, userAgent } = installation
    const options = {
      service: `xmpp://127.0.0.1:${fixture.sealpost.port}`,
      domain: DOMAIN,
      resource: tag,
      username: person.username,
      password,
      userAgent: xml('user-agent', { id: userAgent }),
    }
    this.client = client(options)
    this.client.timeout = 20_000 // two seconds otherwise, which is short on a busy machine
    listenBeforeOpening(this.client)
    this.client.streamManagement.requestAckDebounce = 20
    const { fast } = this.client as XmppClient & { fast: Fast }
    fast.fetchToken = async () => installation.token
    fast.saveToken = async (token) => {
      installation.token = token
    }
    fast.deleteToken = async () => {
      delete installation.token
    }
    this.client.on('error', () => undefined)
    this.client.on('send', (element: XmlElement) => {
      this.sent.push(element.name)
      if (element.name === 'authenticate') this.mechanisms.push(element.attrs['mechanism'])
    })
    this.client.on('element', (element: XmlElement) => {
      if (element.name === 'success') this.successes.push(element)
      if (element.name === 'message') this.messages.push(element)
    })
    onTestFinished(() => this.leave())
  }

  static async online(installation: Installation, tag = 'interop'): Promise<Connected> {
    const connected = new Connected(installation, tag)
    await connected.client.start()
    await connected.until(() => connected.client.streamManagement.enabled)
    await connected.client.send(xml('presence'))
    await connected.ping()
    return connected
  }

  get ids(): (string | undefined)[] {
    return this.messages.map((message) => message.attrs['id'])
  }

  /** Not by the library's `iqCaller`: it keeps the answer from being counted (XEP-0198 §4), and the last stanza is then never acknowledged. */
  async ping(): Promise<void> {
    const id = randomBytes(6).toString('hex')
    const answered = Promise.withResolvers<void>()
    const listener = (element: XmlElement) => {
      if (element.name === 'iq' && element.attrs['id'] === id) answered.resolve()
    }
    this.client.on('element', listener)
    await this.client.send(
      xml('iq', { type: 'get', to: DOMAIN, id }, xml('ping', { xmlns: 'urn:xmpp:ping' })),
    )
    await answered.promise
    this.client.off('element', listener)
  }

  async until(condition: () => boolean): Promise<void> {
    await expect.poll(condition, { timeout: WAIT_MS, interval: 20 }).toBe(true)
  }

  async leave(): Promise<void> {
    this.client.reconnect.stop()
    await this.client.stop().catch(() => undefined)
  }
}

test('SASL2 and Bind 2: one request signs in, binds and enables; no stream restart, no older binding', async () => {
  const alice = await Connected.online(install())
  expect(alice.mechanisms).toEqual(['SCRAM-SHA-1'])
  expect(alice.sent).not.toContain('auth')
  const [success] = alice.successes
  expect(success?.attrs['xmlns']).toBe(NS_SASL2)
  const jid = success?.getChildText('authorization-identifier') ?? ''
  expect(jid).toMatch(/\/interop\.[\w-]{16}$/)
  expect(success?.getChild('bound', 'urn:xmpp:bind:0')?.getChild('enabled', 'urn:xmpp:sm:3')).toBeDefined()
})

test('FAST: the next sign-in is with the token it was given, and gets the same address', async () => {
  const installation = install()
  const first = await Connected.online(installation)
  expect(installation.token).toBeDefined()
  const jid = first.successes[0]?.getChildText('authorization-identifier')
  await first.leave()
  const second = await Connected.online(installation)
  expect(second.mechanisms).toEqual(['HT-SHA-256-NONE'])
  expect(second.successes[0]?.getChildText('authorization-identifier')).toBe(jid)
})

test('FAST: a token that is refused is given up for the password, and a new one comes', async () => {
  const installation = install()
  await (await Connected.online(installation)).leave()
  const { token } = installation as { token: { token: string } }
  installation.token = { ...token, token: `${token.token.slice(1)}A` }
  const second = await Connected.online(installation)
  expect(second.mechanisms).toEqual(['HT-SHA-256-NONE', 'SCRAM-SHA-1'])
  await second.leave()
  const third = await Connected.online(installation)
  expect(third.mechanisms).toEqual(['HT-SHA-256-NONE'])
})

test('a connection that is cut is resumed within the sign-in: what came meanwhile arrives once and in order', async () => {
  const alice = await Connected.online(install())
  const installation = install()
  const bob = await Connected.online(installation)
  const session = bob.client.streamManagement.id
  const resumed = Promise.withResolvers<void>()
  bob.client.streamManagement.once('resumed', () => resumed.resolve())
  bob.client.socket?.socket?.destroy()
  const ids = ['s2-0', 's2-1', 's2-2']
  for (const id of ids) await alice.client.send(omemoMessage(installation.person.jid, id))
  await resumed.promise
  await bob.until(() => bob.messages.length >= ids.length)
  await bob.ping()
  expect(bob.ids).toEqual(ids)
  expect(bob.client.streamManagement.id).toBe(session)
  expect(bob.successes.at(-1)?.getChild('resumed', 'urn:xmpp:sm:3')).toBeDefined()
  expect(bob.mechanisms.at(-1)).toBe('HT-SHA-256-NONE')
  await expectNothingKept(fixture.sealpost, ids)
})

test('kill -9: the session is lost, the token is not; what waits arrives once, in order, and is gone', async () => {
  const alice = await Connected.online(install())
  const installation = install()
  await (await Connected.online(installation)).leave()
  const ids = ['k2-0', 'k2-1', 'k2-2']
  for (const id of ids) await alice.client.send(omemoMessage(installation.person.jid, id))
  await alice.until(() => alice.client.streamManagement.outbound_q.length === 0)
  await fixture.sealpost.kill({ database: false })
  await fixture.sealpost.restart()
  const bob = await Connected.online(installation)
  expect(bob.mechanisms).toEqual(['HT-SHA-256-NONE'])
  await bob.until(() => bob.messages.length >= ids.length)
  await bob.ping()
  expect(bob.ids).toEqual(ids)
  await bob.leave()
  const again = await Connected.online(installation)
  await again.ping()
  expect(again.ids).toEqual([])
  await expectNothingKept(fixture.sealpost, ids)
})

test('a wrong password is refused', async () => {
  const connected = new Connected(install(), 'interop', 'wrong')
  connected.client.reconnect.stop()
  await expect(connected.client.start()).rejects.toThrow('not-authorized')
})
