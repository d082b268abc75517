import { readArmor, readStored, summarize, writeArmor } from '@sealpost/openpgp'
import type { CertificateSummary } from '@sealpost/openpgp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  BIRTH,
  certify,
  DAY,
  direct,
  ed25519,
  NOW,
  reason,
  sample,
  seconds,
  userId,
} from '../../../packages/openpgp/test/maker.ts'
import { startProxy } from '../../../packages/db/test/_proxy.ts'
import { createTestDatabase } from '../../../test/database.ts'
import { createTestPlatform } from '../../../test/platform.ts'
import type { TestPlatform } from '../../../test/platform.ts'
import type { KeysService } from '../src/service.ts'
import { ORIGIN, serveKeys, startKeys } from './keys.ts'

const CANARY = 'canary-7f3a91@localhost'

let platform: TestPlatform
let service: KeysService
let origin: string

beforeAll(async () => {
  platform = await createTestPlatform()
  service = await startKeys(platform)
  origin = service.addresses[0]?.url.replace('hkp://localhost', 'http://127.0.0.1') ?? ''
})

afterAll(async () => {
  await service[Symbol.asyncDispose]()
  await platform[Symbol.asyncDispose]()
})

async function get(path: string): Promise<{ status: number; type: string | null; text: string }> {
  const answer = await fetch(origin + path)
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
}

const FINGERPRINT = `0x${'ab'.repeat(20)}`

test.each([
  ['get', FINGERPRINT],
  ['index', '0x0123456789ABCDEF'],
  ['vindex', encodeURIComponent(CANARY)],
])('op=%s for a key that is not there: 404 in plain text', async (op, search) => {
  const path = `/pks/lookup?op=${op}&options=mr&search=${search}`
  expect(await get(path)).toEqual({ status: 404, type: 'text/plain; charset=utf-8', text: 'No such key\n' })
})

test('a short key id: 400 with the reason', async () => {
  const answer = await get('/pks/lookup?op=get&search=0x89abcdef')
  expect([answer.status, answer.text]).toEqual([
    400,
    expect.stringContaining('Short key ids are not supported'),
  ])
})

test.each([
  ['/pks/lookup', 400],
  ['/pks/lookup?op=get', 400],
  ['/pks/lookup?search=alice@localhost', 400],
  ['/pks/lookup?op=get&search=a&search=b', 400],
  ['/pks/lookup?op=get&op=get&search=alice@localhost', 400],
  [`/pks/lookup?op=get&search=${'x'.repeat(5_000)}`, 400],
  ['/pks/lookup?op=get&search=%ff%fe', 400],
  ['/pks/lookup?op=stats&search=alice@localhost', 501],
  ['/pks/lookup?op=hget&search=0123456789abcdef0123456789abcdef', 501],
  ['/pks/lookup?op=get&search=%20alice@localhost', 400],
  ['/pks/lookup?op=get&search=alice@localhost+', 400],
  ['/pks/elsewhere', 404],
])('%s is answered with %i', async (path, status) => {
  expect((await get(path)).status).toBe(status)
})

const { bytes } = sample(1)
const [ALICE, ADDRESS] = [ed25519(1).key.fingerprint.toString('hex').toUpperCase(), 'user1@example.org']
const armor = (data: Buffer): string => writeArmor('PUBLIC KEY BLOCK', data, { checksum: true })

async function add(keytext: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${origin}/pks/add`, { method: 'POST', body: new URLSearchParams({ keytext }) })
  return { status: answer.status, text: await answer.text() }
}

async function served(search: string): Promise<CertificateSummary> {
  const answer = await get(`/pks/lookup?op=get&options=mr&search=${search}`)
  expect([answer.status, answer.type]).toEqual([200, 'application/pgp-keys; charset=utf-8'])
  const [block] = readArmor(answer.text)
  return summarize(readStored(block?.data ?? Buffer.alloc(0)), NOW)
}

test('a key is taken, and found by each of its keys, without its user id', async () => {
  expect(await add(armor(bytes))).toEqual({ status: 200, text: `${ALICE} inserted\n` })
  expect(await add(armor(bytes))).toEqual({ status: 200, text: `${ALICE} unchanged\n` })
  const found = await served(`0x${ALICE}`)
  expect(found).toMatchObject({ fingerprint: ALICE, userIds: [] })
  for (const key of [found, ...found.subkeys])
    for (const search of [`0x${key.fingerprint.toLowerCase()}`, `0x${key.keyId}`])
      expect((await served(search)).fingerprint).toBe(ALICE)
  expect((await get(`/pks/lookup?op=get&search=${ADDRESS}`)).status).toBe(404)
})

test('published, it is found by its address; the index tells expiry and revocation', async () => {
  await service.directory.publish(ALICE, ADDRESS)
  expect((await served(ADDRESS.toUpperCase())).userIds).toMatchObject([{ address: ADDRESS }])
  const { text, type } = await get(`/pks/lookup?op=index&options=mr&exact=on&search=${ADDRESS}`)
  expect([type, text]).toEqual([
    'text/plain; charset=utf-8',
    `info:1:1\npub:${ALICE}:27:256:${String(BIRTH)}::\nuid:User <${ADDRESS}>:${String(BIRTH + DAY)}::\n`,
  ])
  const { primary } = sample(1)
  const name = `User <${ADDRESS}>`
  const expiring = certify(primary, name, { created: BIRTH + 2 * DAY, hashed: [seconds(9, 3 * DAY)] })
  await add(armor(Buffer.concat([primary.key.packet.bytes, userId(name), expiring])))
  const expired = await get(`/pks/lookup?op=vindex&options=mr&search=0x${ALICE}`)
  expect(expired.text).toContain(`pub:${ALICE}:27:256:${String(BIRTH)}:${String(BIRTH + 3 * DAY)}:e\n`)
  const revocation = direct(primary, { type: 0x20, created: BIRTH + 3 * DAY, hashed: [reason(2)] })
  expect(await add(armor(revocation))).toEqual({ status: 200, text: `${ALICE} updated\n` })
  expect((await get(`/pks/lookup?op=index&options=mr&search=0x${ALICE}`)).text).toMatch(/^pub:.*:re$/m)
})

test('user ids cannot break the lines of the index', async () => {
  const address = 'colon@example.org'
  const primary = ed25519(2)
  const name = `A: B%\nuid:x <${address}>`
  await add(armor(Buffer.concat([primary.key.packet.bytes, userId(name), certify(primary, name)])))
  await service.directory.publish(primary.key.fingerprint.toString('hex').toUpperCase(), address)
  const { text } = await get(`/pks/lookup?op=index&options=mr&search=${address}`)
  expect(text.split('\n')[2]).toBe(`uid:A%3A B%25%0Auid%3Ax <${address}>:${String(BIRTH + DAY)}::`)
})

test('a key of version 6 is not for these paths', async () => {
  const { primary, bytes: six } = sample(3, { version: 6 })
  const fingerprint = primary.key.fingerprint.toString('hex').toUpperCase()
  expect(await add(armor(six))).toEqual({ status: 200, text: `${fingerprint} inserted\n` })
  for (const op of ['get', 'index']) {
    const answer = await get(`/pks/lookup?op=${op}&search=0x${fingerprint}`)
    expect([answer.status, answer.text]).toEqual([404, expect.stringContaining('version 6')])
  }
})

test.each<[string, string, number, RegExp]>([
  ['a secret key', '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlFgE\n', 422, /treat the key as exposed/],
  ['no key', 'hello', 422, /no public key/],
  ['nothing', '', 422, /no public key/],
  ['a damaged key', armor(bytes).slice(0, -60), 422, /armor.*damaged/],
  [
    'a key whose signatures are not its own',
    armor(Buffer.concat([ed25519(9).key.packet.bytes, bytes.subarray(40)])),
    422,
    /1 rejected|cut short/,
  ],
  ['too much', 'A'.repeat(2_000_000), 413, /larger than/],
])('%s is refused with a clear text', async (_, keytext, status, text) => {
  expect(await add(keytext)).toEqual({ status, text: expect.stringMatching(text) as string })
})

test('draft-gallagher-openpgp-hkp §4.1: keytext as a part of a form', async () => {
  const body = new FormData()
  body.append('options', 'nm')
  body.append('keytext', armor(bytes))
  const answer = await fetch(`${origin}/pks/add`, { method: 'POST', body })
  expect([answer.status, await answer.text()]).toEqual([200, `${ALICE} unchanged\n`])
})

test('what other servers have beside HKP is answered: health, and where to go for the rest', async () => {
  expect(await get('/pks/health')).toEqual({ status: 200, type: 'text/plain; charset=utf-8', text: 'ok\n' })
  for (const [path, text] of [
    ['/pks/stats', 'no statistics'],
    ['/pks/delete', `${ORIGIN}/keys/statement/delete/FINGERPRINT`],
    ['/pks/replace', `${ORIGIN}/keys\n`],
  ] as const)
    for (const init of [
      {},
      { method: 'POST', body: new URLSearchParams({ keytext: armor(bytes), keysig: 'x' }) },
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' },
    ]) {
      const answer = await fetch(origin + path, init)
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([501, '*'])
      expect(answer.headers.get('cache-control')).toBe('no-cache')
      expect(await answer.text()).toContain(text)
    }
  expect((await get(`/pks/lookup?op=get&search=0x${ALICE}`)).status).toBe(200)
})

test('Thunderbird finds an address with a plus, which it does not encode', async () => {
  const address = 'plus+tag@example.org'
  const { primary, bytes: plus } = sample(4, { addresses: [address] })
  await add(armor(plus))
  await service.directory.publish(primary.key.fingerprint.toString('hex').toUpperCase(), address)
  for (const search of [address, address.replace('+', '%2B')])
    expect((await served(search)).userIds).toMatchObject([{ address }])
  expect((await get('/pks/lookup?op=get&search=plus+tag')).status).toBe(400)
})

test('other forms of bodies are refused', async () => {
  const send = async (type: string, body: string): Promise<number> =>
    (await fetch(`${origin}/pks/add`, { method: 'POST', headers: { 'content-type': type }, body })).status
  expect(await send('application/json', '{}')).toBe(415)
  expect(await send('application/x-www-form-urlencoded', 'other=1')).toBe(422)
  expect(
    await send('application/x-www-form-urlencoded', `a=1&keytext=${encodeURIComponent(armor(bytes))}&b`),
  ).toBe(200)
  // The server closes as soon as the size is told; a client that still sends may see the end before the answer.
  const large = await send('application/x-www-form-urlencoded', `keytext=${'A'.repeat(5_000_000)}`).catch(
    () => 413,
  )
  expect(large).toBe(413)
})

test('what was asked for stands in no log and no metric', async () => {
  await get(`/pks/lookup?op=get&search=${encodeURIComponent(CANARY)}`)
  const everything = platform.logged() + (await platform.metrics.render())
  expect(everything).not.toContain('canary-7f3a91')
  expect(everything).toContain('keys_lookups_total{kind="address",found="false"}')
})

test('while Postgres is away no key is said to be unknown: every face asks to come again', async () => {
  await using database = await createTestDatabase()
  await using proxy = await startProxy(database.url)
  await using other = await createTestPlatform(['localhost'], proxy.url)
  await using keys = await serveKeys(other)
  const address = 'nobody@localhost'
  const paths = [
    `/pks/lookup?op=get&search=${address}`,
    `/pks/lookup?op=index&search=${FINGERPRINT}`,
    `/pks/v2/certs/by-identity/${address}`,
    `/pks/v2/index/${address}`,
    `/.well-known/openpgpkey/localhost/hu/${'y'.repeat(32)}`,
    `/vks/v1/by-email/${address}`,
    `/keys/v1/dane/${address}`,
    `/keys/v1/proof/${address}`,
    '/tlog/checkpoint',
    `/keys/lookup?search=${address}`,
    '/pks/health',
  ]
  const ask = (): Promise<number[]> =>
    Promise.all(paths.map(async (path) => (await fetch(keys.http + path)).status))
  expect(await ask()).toEqual([404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 200])
  proxy.cut()
  expect(await ask()).toEqual(paths.map(() => 503))
  proxy.restore()
  await expect.poll(ask).toEqual([404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 200])
})
