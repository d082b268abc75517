/** The relay's port as other processes reach it: the client of packages/ports against our routes. */
import { createHttp } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import {
  ANNOUNCED_MAX,
  type Announcement,
  openPortSecret,
  type PortSecret,
  type Relay,
  relayClient,
} from '@sealpost/ports'
import { systemRandom } from '@sealpost/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { relayRoutes } from '../src/ports/relay-routes.ts'
import { DeliveryFixture } from './delivery-fixture.ts'
import { omemo } from './relay-fixture.ts'

const stack = new AsyncDisposableStack()
let relay: DeliveryFixture
let secret: PortSecret
let url: URL
let client: Relay
beforeAll(async () => {
  relay = stack.use(await DeliveryFixture.start())
  const { platform } = relay
  secret = await openPortSecret(platform.dataDir, systemRandom)
  const http = stack.use(
    await createHttp({ log: platform.log, metrics: platform.metrics, title: 'test', requestsPerMinute: 5 }),
  )
  await http.app.register(relayRoutes(relay.administration, secret))
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  url = new URL(`http://127.0.0.1:${String(port)}`)
  client = relayClient({ url, secret, onError: () => undefined })
})
afterAll(() => stack.disposeAsync())

test('says the same as a direct call, however often it is asked', async () => {
  const alice = await relay.device('alice', 'a')
  await relay.register('bob', 'phone')
  await relay.register('bob', 'laptop')
  await (await relay.device('bob', 'web')).close()
  alice.sends(omemo('bob@localhost', 'm1'))
  await alice.safeUpTo(2)
  const bob = (await relay.accounts.find(parseJid('bob@localhost')))?.id ?? ''
  for (let n = 0; n < 20; n++) {
    expect(await client.devices(bob)).toEqual(await relay.administration.devices(bob))
    const queues = await relay.administration.queues(bob)
    expect((await client.queues(bob)).map(({ deviceId }) => deviceId)).toEqual(
      queues.map(({ deviceId }) => deviceId),
    )
  }
  const [device] = await client.devices(bob)
  expect(await client.revokeDevice(bob, device?.id ?? '')).toBe(true)
  expect(await client.revokeDevice(bob, device?.id ?? '')).toBe(false)
  expect(await client.devices(bob)).toHaveLength(2)
  await alice.close()
})

test('ids that are none are refused, and the document of the API does not name it', async () => {
  const headers = { authorization: secret.authorization }
  const answer = await fetch(new URL('/internal/relay/accounts/bob/devices', url), { headers })
  expect(answer.status).toBe(400)
  const document = await (await fetch(new URL('/v1/openapi.json', url))).text()
  expect(document).not.toContain('internal')
})

test('an announcement names as many accounts as one may', async () => {
  const { platform, administration } = relay
  await using http = await createHttp({ log: platform.log, metrics: platform.metrics, title: 'test' })
  const announce = ({ accountIds = [] }: Announcement): Promise<number> => Promise.resolve(accountIds.length)
  await http.app.register(relayRoutes({ ...administration, announce }, secret))
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  const there = relayClient({
    url: new URL(`http://127.0.0.1:${String(port)}`),
    secret,
    onError: () => undefined,
  })
  const accountIds = Array.from({ length: ANNOUNCED_MAX }, () => systemRandom.uuid())
  const announcement = { id: systemRandom.uuid(), subject: 'a', body: 'b', accountIds }
  expect(await there.announce(announcement)).toBe(ANNOUNCED_MAX)
})

test('another secret is refused before anything is looked at', async () => {
  const wrong = { ...secret, authorization: `Bearer ${'x'.repeat(43)}` }
  const stranger = relayClient({ url, secret: wrong, onError: () => undefined })
  await expect(stranger.devices('bob')).rejects.toMatchObject({ code: 'PORT_REFUSED' })
})
