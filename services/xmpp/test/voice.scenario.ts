/** Calls: where the relay of media is (XEP-0215), and Jingle as it passes. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '@sealpost/config'
import { parseTurnUri, type TurnService } from '@sealpost/turn'
import type { TestClient } from './client.ts'
import { DeliveryFixture, expectNoMessage, NOTHING_KEPT } from './delivery-fixture.ts'
import { condition } from './friends.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const SECRET = 'k'.repeat(32)
const NS = 'urn:xmpp:extdisco:2'
const URIS = [
  'stun:turn.example.org',
  'turn:turn.example.org?transport=udp',
  'turn:turn.example.org?transport=tcp',
  'turns:turn.example.org',
]

describe('XEP-0215', () => {
  let relay: RelayFixture
  let without: RelayFixture
  beforeAll(async () => {
    const services = URIS.map((uri) => parseTurnUri(uri)).filter(
      (each): each is TurnService => each !== undefined,
    )
    const turn = { services, secret: Secret.of(SECRET), ttlMs: 3_600_000 }
    ;[relay, without] = await Promise.all([startRelay({ turn }), startRelay()])
  })
  afterAll(async () => {
    await relay[Symbol.asyncDispose]()
    await without[Symbol.asyncDispose]()
  })
  const ask = async (client: TestClient, payload: string) => {
    const answer = await client.request('get', payload, 'localhost')
    return answer.elements()[0]
  }

  test('names all services, with credentials for those that ask for some', async () => {
    const alice = await relay.client('alice')
    const services = (await ask(alice, `<services xmlns='${NS}'/>`))?.elements() ?? []
    expect(services.map(({ attrs: { type, port, transport } }) => [type, port, transport])).toEqual([
      ['stun', '3478', 'udp'],
      ['turn', '3478', 'udp'],
      ['turn', '3478', 'tcp'],
      ['turns', '5349', 'tcp'],
    ])
    const [stun, turn] = services
    expect(stun?.attrs['username']).toBeUndefined()
    const { username = '', password, expires = '', restricted } = turn?.attrs ?? {}
    expect(password).toBe(createHmac('sha1', SECRET).update(username).digest('base64'))
    expect(Date.parse(expires) / 1000).toBe(Number(username.split(':')[0]))
    expect(restricted).toBe('1')
    expect(username).not.toContain('alice')
  })

  test('names those of one type; gives credentials for one service, new ones each time', async () => {
    const alice = await relay.client('alice')
    const ofType = await ask(alice, `<services xmlns='${NS}' type='turns'/>`)
    expect(ofType?.attrs['type']).toBe('turns')
    expect(ofType?.elements()).toHaveLength(1)
    const credentials = `<credentials xmlns='${NS}'><service host='Turn.example.org' type='turns' port='5349'/></credentials>`
    const names = [await ask(alice, credentials), await ask(alice, credentials)].map(
      (answer) => answer?.child('service', NS)?.attrs['username'],
    )
    expect(new Set(names).size).toBe(2)
    const features = await ask(alice, `<query xmlns='http://jabber.org/protocol/disco#info'/>`)
    expect(features?.elements().some(({ attrs }) => attrs['var'] === NS)).toBe(true)
  })

  test.each([
    [`<service host='elsewhere.example' type='turn'/>`, 'item-not-found'],
    [`<service host='turn.example.org' type='turn' port='1'/>`, 'item-not-found'],
    [`<service host='turn.example.org'/>`, 'bad-request'],
    [`<service type='turn'/>`, 'bad-request'],
    ['', 'bad-request'],
    [`<service host='a' type='turn'/><service host='b' type='turn'/>`, 'bad-request'],
  ])('credentials for %s: %s', async (service, expected) => {
    const alice = await relay.client('alice')
    alice.sends(
      `<iq type='get' id='c' to='localhost'><credentials xmlns='${NS}'>${service}</credentials></iq>`,
    )
    expect(condition(await alice.next(({ attrs }) => attrs['id'] === 'c'))).toBe(expected)
  })

  test('without a relay there is an empty list, and no credentials', async () => {
    const alice = await without.client('alice')
    expect((await ask(alice, `<services xmlns='${NS}'/>`))?.children).toEqual([])
    alice.sends(
      `<iq type='get' id='c' to='localhost'><credentials xmlns='${NS}'><service host='turn.example.org' type='turn'/></credentials></iq>`,
    )
    expect(condition(await alice.next(({ attrs }) => attrs['id'] === 'c'))).toBe('item-not-found')
  })
})

/** A session-initiate with ZRTP (XEP-0262) and DTLS-SRTP (XEP-0320), with spaces, quotes and order as some client writes them. */
const SESSION = `<jingle xmlns='urn:xmpp:jingle:1' action="session-initiate"  initiator='alice@localhost/phone' sid='a73sjjvkla37jfea'>
  <content creator='initiator' name='voice' senders='both'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>
    <payload-type id='111' name='opus' clockrate='48000' channels='2'><parameter name='useinbandfec' value='1'/><rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='transport-cc'/></payload-type>
    <rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='1' uri='urn:ietf:params:rtp-hdrext:ssrc-audio-level'/>
    <rtcp-mux/><encryption required='1'><zrtp-hash xmlns='urn:xmpp:jingle:apps:rtp:zrtp:1' version='1.10'>fe30efd02423cb054e50efd0248742ac7a52c8f91bc2df881ae642c371ba46df</zrtp-hash></encryption>
  </description><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' pwd='asd88fgpdd777uzjYhagZg' ufrag='8hhy'>
    <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='actpass'>02:1A:CC:54:27:AB:EB:9C:53:3F:3E:4B:65:2E:7D:46:3F:54:42:CD:54:F1:7A:03:A2:7D:F9:B0:7F:46:19:B2</fingerprint>
    <candidate component='1' foundation='1' generation='0' id='el0747fg11' ip='198.51.100.1' network='1' port='8998' priority='2130706431' protocol='udp' type='host'/>
  </transport></content><group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'><content name='voice'/></group></jingle>`

const PROPOSE = `<propose xmlns='urn:xmpp:jingle-message:0' id='a73sjjvkla37jfea'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>`
const INVITE = `<invite xmlns='urn:xmpp:call-invites:0' video='true'><jingle sid='sid1' jid='alice@localhost/phone'/></invite>`

describe('Jingle', () => {
  let relay: DeliveryFixture
  beforeAll(async () => {
    relay = await DeliveryFixture.start()
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  test('a session-initiate with ZRTP and DTLS-SRTP reaches the other client as it was written, and so does its answer', async () => {
    const alice = await relay.device('alice', 'phone')
    const bob = await relay.device('bob', 'desk')
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      from.sends(`<iq type='set' id='j' to='${to.jid}'>${SESSION}</iq>`)
      const received = await to.next(({ name, attrs }) => name === 'iq' && attrs['type'] === 'set')
      expect(received.attrs).toMatchObject({ id: 'j', from: from.jid, to: to.jid })
      expect(String(received)).toContain(SESSION)
      to.sends(`<iq type='result' id='j' to='${from.jid}'/>`)
      expect((await from.next(({ attrs }) => attrs['id'] === 'j')).attrs['type']).toBe('result')
    }
    expect(await relay.kept()).toEqual(NOTHING_KEPT)
  })

  test.each([
    ['XEP-0353', PROPOSE],
    ['XEP-0482', INVITE],
  ])(
    'a call proposed to a bare JID by %s rings on every device, and leaves nothing',
    async (spec, proposal) => {
      const name = `callee${spec.slice(-3)}`
      const alice = await relay.device('alice', 'phone')
      const devices = [await relay.device(name, '1'), await relay.device(name, '2')]
      alice.sends(
        `<message to='${name}@localhost' type='chat' id='p'>${proposal}<store xmlns='urn:xmpp:hints'/></message>`,
      )
      for (const device of devices) {
        const received = await device.message()
        expect(String(received)).toContain(proposal)
        await device.ping()
      }
      await expect.poll(() => relay.kept()).toEqual(NOTHING_KEPT)
    },
  )

  test('whoever comes back within two minutes hears of the call; later there is no trace of it', async () => {
    const alice = await relay.device('alice', 'phone')
    const away = await relay.device('away', '1')
    await away.close()
    const propose = (id: string, expire = '') =>
      `<message to='away@localhost' type='chat' id='${id}'>${PROPOSE}${expire}</message>`
    alice.sends(propose('long'))
    alice.sends(propose('short', `<expire xmlns='urn:sealpost:expire:0' seconds='1'/>`))
    await alice.safeUpTo(3)
    await expect.poll(async () => (await relay.kept()).rows).toBe(1)
    await expect.poll(async () => (await relay.kept()).keys).toBe(1)
    const back = await relay.device('away', '1')
    expect((await back.message()).attrs['id']).toBe('long')
    await expectNoMessage(back)
    await back.ping()
    await expect.poll(() => relay.kept()).toEqual(NOTHING_KEPT)
  })
})
