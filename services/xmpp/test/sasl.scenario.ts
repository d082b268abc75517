/** RFC 6120 §6, RFC 5802, RFC 9266, RFC 5929: sign-in over real sockets. */
import { parseJid } from '@sealpost/jid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Mechanism, TestClient } from './client.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const NS = 'urn:ietf:params:xml:ns:xmpp-sasl'
const mechanisms: readonly Mechanism[] = [
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1',
]

let relay: RelayFixture
beforeAll(async () => {
  const plenty = { burst: 10_000, perSecond: 1 } // how often one may fail is shown by addresses.scenario.ts
  relay = await startRelay({}, { guesses: { nameAndClient: plenty, client: plenty, name: plenty } })
  await relay.account('alice')
})
afterAll(() => relay[Symbol.asyncDispose]())

const connect = (options = {}) => TestClient.connect({ port: relay.port, ...options })
const base64 = (text: string) => Buffer.from(text).toString('base64')
const auth = (message: string, mechanism = 'SCRAM-SHA-256') =>
  `<auth xmlns='${NS}' mechanism='${mechanism}'>${message}</auth>`
const response = (message: string) => `<response xmlns='${NS}'>${message}</response>`
const first = (name: string) => auth(base64(`n,,n=${name},r=clientnonce`))

async function signIn(options: Partial<Parameters<TestClient['authenticate']>[0]>): Promise<string> {
  const client = await connect()
  try {
    await client.authenticate({ port: relay.port, username: 'alice', password: 'secret', ...options })
    await client.bind()
    return client.bare
  } catch (error) {
    return error instanceof Error ? error.message.replace('sign-in refused: ', '') : String(error)
  } finally {
    await client[Symbol.asyncDispose]()
  }
}

describe('mechanisms', () => {
  test('§6.3.3: four, the strongest first, with their channel bindings (XEP-0440)', async () => {
    const client = await connect()
    const features = client.features
    const names = features
      ?.child('mechanisms', NS)
      ?.elements()
      .map((each) => each.text())
    expect(names).toEqual(mechanisms)
    const bindings = features?.child('sasl-channel-binding', 'urn:xmpp:sasl-cb:0')?.elements()
    expect(bindings?.map((each) => each.attrs['type'])).toEqual(['tls-exporter', 'tls-server-end-point'])
    const old = await connect({ maxVersion: 'TLSv1.2' })
    const oldBindings = old.features?.child('sasl-channel-binding', 'urn:xmpp:sasl-cb:0')?.elements()
    expect(oldBindings?.map((each) => each.attrs['type'])).toEqual(['tls-server-end-point'])
    await client.close()
    await old.close()
  })

  test.each(mechanisms)('%s', async (mechanism) => {
    for (const binding of ['tls-exporter', 'tls-server-end-point'] as const)
      expect(await signIn({ mechanism, binding })).toBe('alice@localhost')
  })

  test('decision 0044: tls-unique in TLS 1.3, which is not in the list', async () => {
    for (const mechanism of ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS'] as const)
      expect(await signIn({ mechanism, binding: 'tls-unique' })).toBe('alice@localhost')
    const old = await connect({ maxVersion: 'TLSv1.2' })
    expect(await old.sasl(auth(base64('p=tls-unique,,n=alice,r=a'), 'SCRAM-SHA-256-PLUS'))).toBe(
      'malformed-request',
    )
    await old.close()
    const other = await connect()
    expect(other.channelBinding('tls-unique').data.length).toBeGreaterThanOrEqual(32) // 12 would be found twice
    const client = await connect()
    client.channelBinding = (type) => other.channelBinding(type) // somebody in the middle has a handshake with each
    const options = {
      port: relay.port,
      username: 'alice',
      password: 'secret',
      mechanism: 'SCRAM-SHA-256-PLUS',
    } as const
    await expect(client.authenticate({ ...options, binding: 'tls-unique' })).rejects.toThrow('not-authorized')
    for (const each of [other, client]) await each.close()
  })

  test('over TLS 1.2 the end point is bound to', async () => {
    const client = await relay.client('alice', {
      maxVersion: 'TLSv1.2',
      mechanism: 'SCRAM-SHA-1-PLUS',
      binding: 'tls-server-end-point',
    })
    expect(client.tlsVersion).toBe('TLSv1.2')
    await client.close()
  })

  test('every domain signs in its own accounts', async () => {
    await relay.accounts.create(parseJid('carla@example.org'), 'secret')
    const client = await relay.client('alice')
    const carla = await TestClient.signIn({
      port: relay.port,
      domain: 'example.org',
      username: 'carla',
      password: 'secret',
    })
    expect(carla.bare).toBe('carla@example.org')
    expect(client.bare).toBe('alice@localhost')
    expect(await signIn({ username: 'carla' })).toBe('not-authorized')
    expect(await signIn({ username: 'carla@example.org' })).toBe('not-authorized')
    await carla.close()
  })

  test('the whole address does for a name', async () => {
    expect(await signIn({ username: 'alice@localhost' })).toBe('alice@localhost')
    expect(await signIn({ username: 'ALICE' })).toBe('alice@localhost')
  })
})

describe('refusals', () => {
  test.each(mechanisms)('a wrong password with %s', async (mechanism) => {
    expect(await signIn({ mechanism, password: 'wrong' })).toBe('not-authorized')
  })

  test('RFC 5802 §6: a client that was told of no binding, but knows one, notices the downgrade', async () => {
    expect(await signIn({ mechanism: 'SCRAM-SHA-256', downgraded: true })).toBe('not-authorized')
  })

  test('the binding of another connection does not do', async () => {
    const [other, client] = [await connect(), await connect()]
    client.channelBinding = other.channelBinding.bind(other)
    const refused = client.authenticate({
      port: relay.port,
      username: 'alice',
      password: 'secret',
      mechanism: 'SCRAM-SHA-256-PLUS',
    })
    await expect(refused).rejects.toThrow('not-authorized')
    await other.close()
    await client.close()
  })

  test('a name that does not exist looks like a wrong password, each time', async () => {
    const challenge = async (name: string) => {
      await using client = await connect()
      client.sendRaw(first(name))
      const answer = await client.next((element) => element.ns === NS)
      const fields = Buffer.from(answer.text(), 'base64').toString().split(',')
      const rest = await client.sasl(response(base64(`c=biws,${fields[0] ?? ''},p=${'A'.repeat(43)}=`)))
      return { name: answer.name, salt: fields[1], iterations: fields[2], rest }
    }
    const [known, unknown, again] = [
      await challenge('alice'),
      await challenge('nobody'),
      await challenge('nobody'),
    ]
    expect(unknown).toMatchObject({ name: 'challenge', iterations: known.iterations, rest: known.rest })
    expect(known.rest).toBe('not-authorized')
    expect(unknown.salt?.length).toBe(known.salt?.length)
    expect(again.salt).toBe(unknown.salt)
    expect(await signIn({ username: 'nobody' })).toBe('not-authorized')
  })

  test('a suspended account: only who knows the password learns of it; a terminated one is nobody', async () => {
    await relay.account('mallory')
    await relay.accounts.suspend(parseJid('mallory@localhost'), 'test')
    expect(await signIn({ username: 'mallory', password: 'wrong' })).toBe('not-authorized')
    expect(await signIn({ username: 'mallory' })).toBe('account-disabled')
    await relay.accounts.restore(parseJid('mallory@localhost'))
    expect(await signIn({ username: 'mallory' })).toBe('mallory@localhost')
    await relay.accounts.terminate(parseJid('mallory@localhost'))
    expect(await signIn({ username: 'mallory' })).toBe('not-authorized')
  })

  test('§6.3.8: acting for oneself is allowed, for others not', async () => {
    expect(await signIn({ authzid: 'alice@localhost' })).toBe('alice@localhost')
    expect(await signIn({ authzid: 'bob@localhost' })).toBe('invalid-authzid')
    expect(await signIn({ authzid: 'alice@example.org' })).toBe('invalid-authzid')
    expect(await signIn({ authzid: 'not an address@' })).toBe('invalid-authzid')
    expect(await signIn({ authzid: 'bob@localhost', password: 'wrong' })).toBe('not-authorized')
  })

  test.each([
    ['an unknown mechanism', auth('', 'PLAIN'), 'invalid-mechanism'],
    ['no mechanism', `<auth xmlns='${NS}'/>`, 'invalid-mechanism'],
    ['bad Base64', auth('%%%'), 'incorrect-encoding'],
    ['Base64 cut short', auth('biws'.slice(0, 3)), 'incorrect-encoding'],
    ['Base64 of the URL alphabet', auth('biws-_=='), 'incorrect-encoding'],
    ['no message', auth(''), 'malformed-request'],
    ['an empty message', auth('='), 'malformed-request'],
    ['no SCRAM', auth(base64('\0alice\0secret')), 'malformed-request'],
    ['no nonce', auth(base64('n,,n=alice')), 'malformed-request'],
    ['a mandatory extension', auth(base64('n,,m=x,n=alice,r=a')), 'malformed-request'],
    ['a message beyond its bound', auth(base64(`n,,n=alice,r=${'a'.repeat(6_500)}`)), 'malformed-request'],
    ['a name that is no localpart', first('al ice'), 'not-authorized'],
    ['a name with a resource', first('alice@localhost/a'), 'not-authorized'],
    ['a response without a challenge', response(base64('c=biws,r=a,p=AAAA')), 'malformed-request'],
    ['an abort', `<abort xmlns='${NS}'/>`, 'aborted'],
    ['PLUS without a binding', auth(base64('n,,n=alice,r=a'), 'SCRAM-SHA-256-PLUS'), 'malformed-request'],
    ['a binding without PLUS', auth(base64('p=tls-exporter,,n=alice,r=a')), 'malformed-request'],
    [
      'a binding that TLS does not have',
      auth(base64('p=tls-telepathy,,n=alice,r=a'), 'SCRAM-SHA-256-PLUS'),
      'malformed-request',
    ],
  ])('%s, and the next try succeeds', async (_what, nonza, condition) => {
    await using client = await connect()
    expect(await client.sasl(nonza)).toBe(condition)
    await client.authenticate({ port: relay.port, username: 'alice', password: 'secret' })
    await client.bind()
  })

  test.each([
    ['another nonce', (nonce: string) => `c=biws,r=${nonce}x,p=${'A'.repeat(43)}=`],
    ['the nonce of the client alone', () => `c=biws,r=clientnonce,p=${'A'.repeat(43)}=`],
    ['another header', (nonce: string) => `c=eSws,r=${nonce},p=${'A'.repeat(43)}=`],
    ['no proof', (nonce: string) => `c=biws,r=${nonce}`],
    ['a short proof', (nonce: string) => `c=biws,r=${nonce},p=AAAA`],
  ])('a final message with %s; a response cannot be tried twice', async (_what, final) => {
    await using client = await connect()
    client.sendRaw(first('alice'))
    const challenge = await client.next((element) => element.ns === NS)
    const nonce = /^r=([^,]*)/.exec(Buffer.from(challenge.text(), 'base64').toString())?.[1] ?? ''
    expect(await client.sasl(response(base64(final(nonce))))).toMatch(/^(not-authorized|malformed-request)$/)
    expect(await client.sasl(response(base64(final(nonce))))).toBe('malformed-request')
  })

  test('an abort in the middle, and a second start instead of a response', async () => {
    await using client = await connect()
    expect(await client.sasl(first('alice'))).toBe('challenge')
    expect(await client.sasl(`<abort xmlns='${NS}'/>`)).toBe('aborted')
    expect(await client.sasl(first('alice'))).toBe('challenge')
    expect(await client.sasl(first('alice'))).toBe('challenge')
    await client.authenticate({ port: relay.port, username: 'alice', password: 'secret' })
  })

  test('§6.4.5: five failures end the stream', async () => {
    await using client = await connect()
    for (let turn = 0; turn < 5; turn++)
      expect(await client.sasl(auth('', 'PLAIN'))).toBe('invalid-mechanism')
    expect(await client.streamError()).toBe('policy-violation')
    await client.ended()
  })

  test('a second sign-in on the same stream ends it', async () => {
    await using client = await connect()
    await client.authenticate({ port: relay.port, username: 'alice', password: 'secret' })
    client.sendRaw(first('alice'))
    expect(await client.streamError()).toBe('unsupported-stanza-type')
  })
})

describe('a thousand wrong passwords', () => {
  test(
    'over many streams cost bounded memory and leave nothing in the log',
    { timeout: 120_000 },
    async () => {
      const names = ['alice', 'canary-name-1', 'canary-name-2']
      const guess = async (round: number) => {
        const client = await connect()
        for (let turn = 0; turn < 4; turn++) {
          const username = names[(round + turn) % names.length] ?? ''
          const tried = client.authenticate({
            port: relay.port,
            username,
            password: `canary-password-${round}`,
          })
          await expect(tried).rejects.toThrow('not-authorized')
        }
        await client[Symbol.asyncDispose]()
      }
      const round = async (count: number) => {
        for (let done = 0; done < count; done += 10)
          await Promise.all(Array.from({ length: 10 }, (_, index) => guess(done + index)))
      }
      await round(50)
      const before = process.memoryUsage.rss()
      await round(250)
      const grown = (process.memoryUsage.rss() - before) / 1024 / 1024
      process.stdout.write(`1,000 wrong passwords over 250 streams: ${grown.toFixed(1)} MiB\n`)
      expect(grown).toBeLessThan(64)
      expect(await signIn({})).toBe('alice@localhost')
      expect(relay.logged()).not.toMatch(/canary|alice|127\.0\.0\.1/)
      const metrics = await relay.platform.metrics.render()
      expect(metrics).not.toMatch(/canary|alice/)
      expect(metrics).toMatch(/xmpp_sign_ins_total\{outcome="not-authorized"\} 1\d\d\d/)
    },
  )
})
