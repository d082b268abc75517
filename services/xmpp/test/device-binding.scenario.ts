/** What clients say of their devices (urn:sealpost:device:0), what is kept of it, and what it is good for. */
import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Db, openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { NS_DEVICE, NS_SASL2 } from '@sealpost/stanza'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tablesWith } from '../../../test/canaries.ts'
import { TestClient } from './client.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'
import {
  BIND,
  bindWith,
  conditionOf,
  ENABLE,
  enter,
  type Request2,
  requestToken,
  signIn2,
  tokenOf,
} from './sasl2-client.ts'

const stack = new AsyncDisposableStack()
let relay: RelayFixture
let db: Db
beforeAll(async () => {
  relay = stack.use(await startRelay())
  db = stack.use(await openDb({ url: relay.databaseUrl, role: 'sealpost_xmpp' }))
})
afterAll(() => stack.disposeAsync())

const connect = async () => stack.use(await TestClient.connect({ port: relay.port }))
const idOf = async (name: string) => (await relay.accounts.find(parseJid(`${name}@localhost`)))?.id ?? ''

/** Signs in on a connection of its own, and binds. */
async function ask(username: string, request: Partial<Request2>) {
  await relay.account(username)
  return signIn2(await connect(), { username, inline: BIND, ...request })
}

const outcome = async (username: string, request: Partial<Request2>) => {
  const answer = await ask(username, request)
  return answer.name === 'success' ? 'success' : conditionOf(answer)
}
const kept = async (username: string) => {
  const id = await idOf(username)
  return db.query<{ type_hash: Buffer | null; hardware_hash: Buffer | null }>(
    sql`select type_hash, hardware_hash from xmpp.device where account_id = ${id}::uuid`,
  )
}

test('the server says that it takes it; type and hardware are kept as hashes that tell nothing, and differ by account', async () => {
  const client = await connect()
  const inline = client.features?.child('authentication', NS_SASL2)?.child('inline')
  expect(inline?.child('hardware', NS_DEVICE)).toBeDefined()
  const hardware = "type='Kanarienphon 8' id='SERIAL-4711-XYZ'"
  for (const name of ['alice', 'bob'])
    expect(await outcome(name, { userAgent: randomUUID(), hardware })).toBe('success')
  const [[alice], [bob]] = [await kept('alice'), await kept('bob')]
  for (const hash of [alice?.type_hash, alice?.hardware_hash, bob?.type_hash, bob?.hardware_hash])
    expect(hash).toHaveLength(32)
  expect(alice?.type_hash).not.toEqual(bob?.type_hash)
  expect(alice?.hardware_hash).not.toEqual(bob?.hardware_hash)
  for (const value of ['Kanarienphon', 'SERIAL-4711'])
    expect(await tablesWith(relay.databaseUrl, value)).toEqual([])
  expect(relay.logged()).not.toMatch(/Kanarienphon|SERIAL-4711/)
})

test('a client that says nothing is bound to nothing; with the password it says anew what it is', async () => {
  const userAgent = randomUUID()
  await ask('carol', { userAgent })
  expect(await kept('carol')).toEqual([{ type_hash: null, hardware_hash: null }])
  await ask('carol', { userAgent, hardware: "type='One' id='1'" })
  const [first] = await kept('carol')
  await ask('carol', { userAgent, hardware: "id='2'" })
  const [second] = await kept('carol')
  expect(second?.type_hash).toEqual(first?.type_hash)
  expect(second?.hardware_hash).not.toEqual(first?.hardware_hash)
  await ask('carol', { userAgent })
  expect(await kept('carol')).toEqual([second])
})

test.each([
  ["type=''", 'malformed-request'],
  ["id=' '", 'malformed-request'],
  [`type='${'x'.repeat(201)}'`, 'malformed-request'],
  [`id='${'x'.repeat(257)}'`, 'malformed-request'],
  [`type='${'x'.repeat(200)}' id='${'x'.repeat(256)}'`, 'success'],
  ['', 'success'],
])('<hardware %s/>: %s', async (hardware, expected) => {
  expect(await outcome('dora', { userAgent: randomUUID(), hardware })).toBe(expected)
})

test('a token works on the hardware to which its device is bound, and on no other', async () => {
  const userAgent = randomUUID()
  const hardware = "type='Phone' id='mine'"
  const success = await ask('erin', { userAgent, hardware, inline: BIND + requestToken() })
  const token = tokenOf(success) ?? ''
  expect(await outcome('erin', { userAgent, token, hardware: "type='Phone' id='theirs'" })).toBe(
    'not-authorized',
  )
  expect(await outcome('erin', { userAgent, token })).toBe('not-authorized')
  expect(await outcome('erin', { userAgent, token, hardware })).toBe('success')
  await relay.restart()
  expect(await outcome('erin', { userAgent, token, hardware })).toBe('success')
  expect(await outcome('erin', { userAgent, token, hardware: "id='theirs'" })).toBe('not-authorized')
  // With the password the device is another one from now on.
  expect(await outcome('erin', { userAgent, hardware: "id='new'" })).toBe('success')
  expect(await outcome('erin', { userAgent, token, hardware })).toBe('not-authorized')
  expect(await outcome('erin', { userAgent, token, hardware: "id='new'" })).toBe('success')
})

test('a token of a device that is bound to nothing works whatever is said, and binds it', async () => {
  const userAgent = randomUUID()
  const token = tokenOf(await ask('frank', { userAgent, inline: BIND + requestToken() })) ?? ''
  expect(await outcome('frank', { userAgent, token, hardware: "id='first'" })).toBe('success')
  expect(await outcome('frank', { userAgent, token, hardware: "id='second'" })).toBe('not-authorized')
})

test('bound from outside, it is the same device when it signs in; signed out, it needs the password, and stays known', async () => {
  await relay.account('grace')
  const [account, installation] = [await idOf('grace'), randomUUID()]
  const said = { installation, type: 'Pixel  8', hardwareId: 'serial', label: 'Pocket' }
  const { port } = relay
  const service = relay.relayPort
  const id = await service.bindDevice(account, said)
  expect(await service.devices(account)).toMatchObject([{ id, label: 'Pocket', typed: true, bound: true }])
  for (const [type, known] of [
    ['Pixel 8', true],
    [' PIXEL 8 ', true],
    ['Pixel 9', false],
  ] as const)
    expect([type, await service.hasDeviceType(account, type)]).toEqual([type, known])
  expect(await service.hasDeviceType(await idOf('alice'), 'Pixel 8')).toBe(false)

  const client = stack.use(await TestClient.connect({ port }))
  const request = { username: 'grace', userAgent: installation, hardware: "id='serial'" }
  const success = await enter(client, { ...request, inline: bindWith(ENABLE) + requestToken() })
  expect((await service.devices(account)).map((device) => device.id)).toEqual([id])
  const token = tokenOf(success) ?? ''
  expect(await service.signOutDevice(account, id ?? '')).toBe(true)
  expect(await client.streamError()).toBe('not-authorized')
  expect(await outcome('grace', { ...request, token })).toBe('not-authorized')
  expect(await outcome('grace', request)).toBe('success')
  expect(await service.devices(account)).toMatchObject([{ id, label: 'Pocket' }])
  expect(await service.signOutDevice(account, randomUUID())).toBe(false)
  expect(await service.signOutDevice(await idOf('alice'), id ?? '')).toBe(false)
  await relay.accounts.suspend(parseJid('grace@localhost'), 'abuse')
  expect(await service.bindDevice(account, said)).toBeUndefined()
  expect(await service.bindDevice(randomUUID(), said)).toBeUndefined()
})

test('the key is in the data directory, for its owner alone', async () => {
  const { mode, size } = await stat(join(relay.platform.dataDir, 'devices.key'))
  expect([mode & 0o777, size]).toEqual([0o600, 44])
})

test('with the account goes all of it', async () => {
  await ask('henry', { userAgent: randomUUID(), hardware: "type='Phone' id='1'" })
  const id = await idOf('henry')
  await relay.accounts.terminate(parseJid('henry@localhost'))
  await expect
    .poll(() =>
      db.query(sql`select from xmpp.device where account_id = ${id}::uuid`).then((rows) => rows.length),
    )
    .toBe(0)
})
