/** What one address may do: sign in wrongly, and connect. Who shares the address is slowed, never locked out. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRandom } from '@sealpost/runtime'
import { TestClient } from './client.ts'
import { condition } from './friends.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'
import {
  authenticate,
  conditionOf,
  enter,
  type Request2,
  requestToken,
  signIn2,
  tokenOf,
} from './sasl2-client.ts'

/** Every address counts. */
const limited = { unlimitedNetworks: { include: () => false } }
const never = { burst: 3, perSecond: 1e-6 }
const plenty = { burst: 1_000, perSecond: 1 }

/** The failures of one connection stay below those that end it. */
async function fail(
  relay: RelayFixture,
  localAddress: string,
  username: string,
  times = 1,
): Promise<string[]> {
  const outcomes: string[] = []
  for (let attempt = 0; attempt < times; attempt++) {
    await using client = await TestClient.connect({ port: relay.port, localAddress })
    const outcome = await client
      .authenticate({ port: relay.port, username, password: 'wrong' })
      .catch((error: unknown) => String(error))
    outcomes.push(/refused: (.*)/.exec(String(outcome))?.[1] ?? 'success')
  }
  return outcomes
}

async function succeed(relay: RelayFixture, localAddress: string, username: string): Promise<void> {
  const client = await relay.client(username, { localAddress })
  await client.close()
}

const WRONG = 'not-authorized'
const LATER = 'temporary-auth-failure'

/** Shows tokens of invites (XEP-0445 §4), each on a stream of its own; the conditions of the answers. */
async function preauths(relay: RelayFixture, localAddress: string, ...tokens: string[]): Promise<string[]> {
  const conditions: string[] = []
  for (const token of tokens) {
    await using client = await TestClient.connect({ port: relay.port, localAddress })
    const answer = await client.request(
      'set',
      `<preauth xmlns='urn:xmpp:pars:0' token='${token}'/>`,
      'localhost',
    )
    conditions.push(answer.attrs['type'] === 'result' ? 'taken' : condition(answer))
  }
  return conditions
}

async function invite({ accounts }: RelayFixture): Promise<string> {
  const token = systemRandom.token(32)
  const whose = { domain: 'localhost', localpart: undefined, plan: undefined, organisationId: undefined }
  const expiresAt = Date.now() + 3_600_000
  await accounts.accountInvites.create({ id: randomUUID(), ...whose, uses: 1, expiresAt }, token)
  return token
}

describe('guessed invites (XEP-0445)', () => {
  const guess = () => systemRandom.token(32)

  test('from one address, however many streams it opens: not even the right one is looked at then; other addresses go on', async () => {
    await using relay = await startRelay(
      { ...limited, registration: 'invite' },
      { guesses: { nameAndClient: never, client: plenty, name: plenty } },
    )
    const token = await invite(relay)
    expect(await preauths(relay, '127.5.0.1', token, token, token, token)).toEqual(Array(4).fill('taken'))
    expect(await preauths(relay, '127.5.0.1', guess(), guess(), guess())).toEqual(
      Array(3).fill('item-not-found'),
    )
    expect(await preauths(relay, '127.5.0.1', guess(), token)).toEqual(Array(2).fill('resource-constraint'))
    expect(await preauths(relay, '127.5.0.2', token)).toEqual(['taken'])
  })

  test('beside wrong passwords: one address has so many wrong answers in all', async () => {
    await using relay = await startRelay(
      { ...limited, registration: 'invite' },
      { guesses: { nameAndClient: plenty, client: never, name: plenty } },
    )
    const token = await invite(relay)
    await relay.account('alice')
    expect(await fail(relay, '127.5.1.1', 'alice', 2)).toEqual([WRONG, WRONG])
    expect(await preauths(relay, '127.5.1.1', guess(), token)).toEqual([
      'item-not-found',
      'resource-constraint',
    ])
    expect(await preauths(relay, '127.5.1.2', token)).toEqual(['taken'])
  })

  test('where addresses tell nobody apart, all of them together', async () => {
    await using relay = await startRelay(
      { registration: 'invite' },
      { guesses: { nameAndClient: plenty, client: plenty, name: never } },
    )
    const token = await invite(relay)
    expect(await preauths(relay, '127.5.2.1', guess(), token, guess())).toEqual([
      'item-not-found',
      'taken',
      'item-not-found',
    ])
    expect(await preauths(relay, '127.5.2.2', guess(), token)).toEqual([
      'item-not-found',
      'resource-constraint',
    ])
  })
})

describe('wrong passwords', () => {
  test('of one name from one address: others with the name or the address go on; success costs nothing', async () => {
    await using relay = await startRelay(limited, {
      guesses: { nameAndClient: never, client: plenty, name: plenty },
    })
    await relay.account('alice')
    for (let times = 0; times < 5; times++) await succeed(relay, '127.1.0.1', 'alice')
    expect(await fail(relay, '127.1.0.1', 'alice', 4)).toEqual([WRONG, WRONG, WRONG, LATER])
    await expect(succeed(relay, '127.1.0.1', 'alice')).rejects.toThrow(LATER)
    await succeed(relay, '127.1.0.2', 'alice')
    await succeed(relay, '127.1.0.1', 'bob')
    // A name that nobody has, too.
    expect(await fail(relay, '127.1.0.1', 'nobody', 4)).toEqual([WRONG, WRONG, WRONG, LATER])
  })

  test('of one address, whatever the names', async () => {
    await using relay = await startRelay(limited, {
      guesses: { nameAndClient: plenty, client: never, name: plenty },
    })
    const outcomes: string[] = []
    for (const name of ['ann', 'ben', 'cyd', 'dan']) outcomes.push(...(await fail(relay, '127.1.0.1', name)))
    expect(outcomes).toEqual([WRONG, WRONG, WRONG, LATER])
    await succeed(relay, '127.1.0.2', 'ann')
  })

  test('of one name from everywhere: who signed in from an address before is not locked out there', async () => {
    await using relay = await startRelay(limited, {
      guesses: { nameAndClient: plenty, client: plenty, name: never },
    })
    await succeed(relay, '127.1.0.9', 'alice')
    const outcomes: string[] = []
    for (const address of ['127.1.0.1', '127.1.0.2', '127.1.0.3', '127.1.0.4'])
      outcomes.push(...(await fail(relay, address, 'alice')))
    expect(outcomes).toEqual([WRONG, WRONG, WRONG, LATER])
    await succeed(relay, '127.1.0.9', 'alice')
  })

  test('over SASL2 they are the same; what is sent to a limited name is not looked up', async () => {
    await using relay = await startRelay(limited, {
      guesses: { nameAndClient: never, client: plenty, name: plenty },
    })
    await relay.account('alice')
    const attempt = async (): Promise<string> => {
      await using client = await TestClient.connect({ port: relay.port })
      return conditionOf(await signIn2(client, { username: 'alice', password: 'wrong' }))
    }
    expect([await attempt(), await attempt(), await attempt(), await attempt()]).toEqual([
      WRONG,
      WRONG,
      WRONG,
      LATER,
    ])
    await using client = await TestClient.connect({ port: relay.port })
    client.sendRaw(authenticate('SCRAM-SHA-256', Buffer.from('n,,n=alice,r=abc'), {}))
    expect(conditionOf(await client.next(({ name }) => name === 'failure'))).toBe(LATER)
  })

  test('a wrong token counts like a wrong password, and a right one costs nothing', async () => {
    await using relay = await startRelay(limited, {
      guesses: { nameAndClient: never, client: plenty, name: plenty },
    })
    await relay.account('alice')
    const device = { username: 'alice', userAgent: randomUUID() }
    const withToken = async (request: Request2): Promise<string> => {
      await using client = await TestClient.connect({ port: relay.port })
      const answer = await signIn2(client, request)
      return answer.name === 'success' ? 'success' : conditionOf(answer)
    }
    await using first = await TestClient.connect({ port: relay.port })
    const token = tokenOf(await enter(first, { ...device, inline: requestToken() })) ?? ''
    for (let times = 0; times < 5; times++) expect(await withToken({ ...device, token })).toBe('success')
    for (const wanted of [WRONG, WRONG, WRONG, LATER])
      expect(await withToken({ ...device, token: 'guessed' })).toBe(wanted)
    expect(await withToken({ ...device, token })).toBe(LATER)
  })

  test('where many share an address, only the name counts', async () => {
    await using relay = await startRelay(
      {},
      { guesses: { nameAndClient: never, client: never, name: plenty } },
    )
    expect(new Set(await fail(relay, '127.1.0.1', 'alice', 6))).toEqual(new Set([WRONG]))
  })
})

describe('connections', () => {
  let relay: RelayFixture
  beforeAll(async () => {
    const reception = { clientMax: 4, clientRate: { burst: 6, perSecond: 20 } }
    relay = await startRelay(limited, { reception })
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  test('so many of one address wait for sign-in; one more gets resource-constraint; a session makes room', async () => {
    const from = { port: relay.port, localAddress: '127.2.0.1' }
    const waiting = []
    for (let count = 0; count < 4; count++) waiting.push(await TestClient.connect(from))
    await using extra = await TestClient.open(from)
    expect(await extra.streamError()).toBe('resource-constraint')
    await extra.ended()
    await using direct = await TestClient.open({ ...from, port: relay.tlsPort })
    await direct.ended() // there is nothing to be said before TLS
    await succeed(relay, '127.2.0.2', 'other')
    await relay.account('alice')
    await waiting[0]?.authenticate({ ...from, username: 'alice', password: 'secret' })
    await waiting[0]?.bind()
    await using next = await TestClient.connect(from)
    expect(next.closed).toBe(false)
    for (const client of waiting) await client[Symbol.asyncDispose]()
  })

  test('those that come faster than an address may wait, and all get in', async () => {
    const times: number[] = []
    const started = performance.now()
    for (let count = 0; count < 16; count++) {
      await succeed(relay, '127.2.0.3', 'busy')
      times.push(performance.now() - started)
    }
    expect(times.at(-1)).toBeGreaterThan(((16 - 6) / 20) * 1_000 - 50)
  })

  test('another address does not wait for them', async () => {
    const reception = { clientRate: { burst: 1, perSecond: 1 / 60 } }
    await using slow = await startRelay(limited, { reception })
    await succeed(slow, '127.2.0.3', 'busy')
    await using late = await TestClient.open({ port: slow.port, localAddress: '127.2.0.3' })
    void late.openStream().catch(() => undefined) // in a minute
    await succeed(slow, '127.2.0.4', 'other')
    expect(late.header).toBeUndefined()
  })
})
