/** XEP-0363: slots, and files over HTTP, as clients meet them. */
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { parseJid } from '@sealpost/jid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSkippableClock } from './_skippable-clock.ts'
import type { TestClient } from './client.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'
import {
  askForSlot,
  download,
  getSlot,
  put,
  type Slot,
  statusOf,
  UPLOAD,
  uploadFile,
} from './upload-client.ts'

const FETCHES = 'urn:sealpost:fetches:0'
const PURPOSE = 'urn:xmpp:http:upload:purpose:0'
const MIB = 1024 * 1024

let relay: RelayFixture
let origin: string
/** One session: an account has not many. */
let alice: TestClient
const clock = createSkippableClock()
beforeAll(async () => {
  relay = await startRelay({}, {}, { ownClock: clock })
  origin = await relay.http()
  alice = await relay.client('alice')
})
afterAll(() => relay[Symbol.asyncDispose]())

const filesOnDisk = (of = relay): Promise<string[]> => readdir(join(of.platform.dataDir, 'uploads'))

describe('§3 discovery', () => {
  test('the server says what it takes, and is among its own items', async () => {
    const info = String(
      await alice.request('get', `<query xmlns='http://jabber.org/protocol/disco#info'/>`, 'localhost'),
    )
    for (const feature of [UPLOAD, `${PURPOSE}#message`, `${PURPOSE}#ephemeral`, FETCHES])
      expect(info).toMatch(new RegExp(`var=['"]${feature}['"]`))
    expect(info).toMatch(/max-file-size['"]><value>8388608<\/value>/)
    const items = String(
      await alice.request('get', `<query xmlns='http://jabber.org/protocol/disco#items'/>`, 'localhost'),
    )
    expect(items).toMatch(/<item jid=['"]localhost['"]/)
  })
})

describe('§4 slots', () => {
  test('addresses cannot be guessed; the name is kept for clients, percent-encoded, and means nothing', async () => {
    const name = 'très cool/../?#.jpg'
    const { url, at, authorization } = await getSlot(alice, origin, { filename: name })
    expect(url).toMatch(/^https:\/\/localhost\/upload\/[\w-]{32}\/tr%C3%A8s%20cool%2F..%2F%3F%23.jpg$/)
    expect(authorization).toMatch(/^Bearer [\w-]{32}$/)
    const { authorization: another, url: other } = await getSlot(alice, origin)
    expect(another).not.toBe(authorization)
    expect(other.split('/')[4]).not.toBe(url.split('/')[4])
    expect((await put({ url, at, authorization }, randomBytes(10))).status).toBe(201)
    expect(await statusOf(at.replace(/[^/]+$/, 'other.name'))).toBe(200)
  })

  test.each([
    ['no name', { filename: '' }],
    ['a name that is taken out of URLs', { filename: '..' }],
    ['a name that no file has', { filename: 'ü'.repeat(128) }],
    ['no size', { size: '' }],
    ['an empty file', { size: 0 }],
    ['a size below nothing', { size: -1 }],
    ['a size that is no number', { size: '1e3' }],
    ['a media type that is none', { type: 'text' }],
    ['a media type with a line in it', { type: 'text/plain&#10;X: y' }],
    ['two purposes', { inner: `<message xmlns='${PURPOSE}'/><message xmlns='${PURPOSE}'/>` }],
    ['an expiry that is no time', { inner: `<ephemeral xmlns='${PURPOSE}' expire-before='soon'/>` }],
    [
      'an expiry that is over',
      { inner: `<ephemeral xmlns='${PURPOSE}' expire-before='2020-01-01T00:00:00Z'/>` },
    ],
    ['no fetch at all', { inner: `<fetches xmlns='${FETCHES}' max='0'/>` }],
    ['an uncounted number of fetches', { inner: `<fetches xmlns='${FETCHES}' max='many'/>` }],
  ])('%s is a bad request', async (_what, ask) => {
    const error = (await askForSlot(alice, ask)).child('error')
    expect([error?.attrs['type'], error?.elements()[0]?.name]).toEqual(['modify', 'bad-request'])
  })

  test('§5: who wants a file to stay is told that there is nothing for that', async () => {
    for (const purpose of ['permanent', 'profile'])
      expect(String(await askForSlot(alice, { inner: `<${purpose} xmlns='${PURPOSE}'/>` }))).toContain(
        '<feature-not-implemented',
      )
    expect((await askForSlot(alice, { inner: `<message xmlns='${PURPOSE}'/>` })).attrs['type']).toBe('result')
  })

  test('§6: too large says how large it may be; what is too much says when to try again', async () => {
    const bob = await relay.client('bob')
    const large = (await askForSlot(bob, { size: 8 * MIB + 1 })).child('error')
    expect(String(large)).toMatch(/<not-acceptable.*<file-too-large.*<max-file-size>8388608<\/max-file-size>/)
    for (let turn = 0; turn < 2; turn += 1) await getSlot(bob, origin, { size: 8 * MIB })
    const full = (await askForSlot(bob, { size: 1 })).child('error')
    expect(full?.attrs['type']).toBe('wait')
    expect(full?.child('resource-constraint', 'urn:ietf:params:xml:ns:xmpp-stanzas')).toBeDefined()
    expect(full?.child('retry', UPLOAD)?.attrs['stamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  })

  test('a plan says how much for one account', async () => {
    const plan = { upload_file_mib: 1, upload_space_mib: 2, uploads_per_hour: 3, upload_days: 1 }
    await relay.account('planned')
    await relay.accounts.plans.set('small', plan)
    await relay.accounts.plans.assign(parseJid('planned@localhost'), 'small')
    const planned = await relay.client('planned')
    expect(String(await askForSlot(planned, { size: MIB + 1 }))).toContain('<max-file-size>1048576<')
    for (let turn = 0; turn < 3; turn += 1) await uploadFile(planned, origin, 1_000)
    const refused = (await askForSlot(planned)).child('error')
    const stamp = Date.parse(refused?.child('retry', UPLOAD)?.attrs['stamp'] ?? '')
    expect(stamp - clock.now()).toBeGreaterThan(1_000_000)
    expect(stamp - clock.now()).toBeLessThan(1_300_000) // a third of an hour
  })

  test('where nothing is stored there are no slots', async () => {
    await using unstored = await startRelay({ storageMode: 'none' })
    const unheard = await unstored.client('alice')
    expect(String(await askForSlot(unheard))).toContain('<not-allowed')
  })
})

describe('§7 the upload', () => {
  test.each([0, 1, 262_143, 262_144, 262_145, 1_000_000])(
    'a file of 1 and %i bytes comes back as it was, and lies on disk unreadable',
    async (size) => {
      const before = new Set(await filesOnDisk())
      const bytes = Buffer.concat([randomBytes(size), Buffer.from('x')])
      const { at } = await uploadFile(alice, origin, bytes)
      expect((await download(at)).equals(bytes)).toBe(true)
      const [name = ''] = (await filesOnDisk()).filter((each) => !before.has(each))
      const sealed = await readFile(join(relay.platform.dataDir, 'uploads', name))
      expect(sealed.length).toBe(bytes.length + 16 * Math.ceil(bytes.length / 262_144))
      if (size > 32) expect(sealed.includes(bytes.subarray(0, 32))).toBe(false)
    },
  )

  test('each refusal has its own answer, and leaves no file behind', async () => {
    const before = (await filesOnDisk()).length
    const slot = await getSlot(alice, origin, { size: 10, type: 'image/png' })
    const body = randomBytes(10)
    const refusals: [number, Promise<Response>][] = [
      [403, put({ ...slot, authorization: '' }, body)],
      [403, put({ ...slot, authorization: 'Bearer wrong' }, body)],
      [400, put(slot, randomBytes(9))],
      [400, put(slot, randomBytes(11))],
      [415, put(slot, body, { 'content-type': 'text/html' })],
      [404, put({ ...slot, at: slot.at.replace(/upload\/..../, 'upload/AAAA') }, body)],
      [404, put({ ...slot, at: `${origin}/upload/x/y` }, body)],
    ]
    for (const [status, answer] of refusals) {
      const { status: was, headers } = await answer
      expect(was).toBe(status)
      expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
      expect(headers.get('access-control-allow-origin')).toBe('*')
    }
    expect((await filesOnDisk()).length).toBe(before)
    expect((await put(slot, body, { 'content-type': 'image/png' })).status).toBe(201)
    expect((await put(slot, body)).status).toBe(409)
    expect((await put({ ...slot, authorization: 'Bearer wrong' }, body)).status).toBe(403)
  })

  test('without a length it is refused before anything is kept', async () => {
    const { at, authorization } = await getSlot(alice, origin, { size: 10 })
    const { promise, resolve } = Promise.withResolvers<number>()
    const chunked = httpRequest(at, { method: 'PUT', headers: { authorization } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    chunked.on('error', () => undefined)
    chunked.write('12345')
    chunked.end('67890')
    expect(await promise).toBe(411)
  })

  test('a slot is over after five minutes', async () => {
    const slot = await getSlot(alice, origin)
    clock.skip(301_000)
    expect((await put(slot, randomBytes(10))).status).toBe(404)
  })

  test('what breaks off leaves nothing, and the slot may be used again', async () => {
    const before = await filesOnDisk()
    const slot = await getSlot(alice, origin, { size: 4 * MIB })
    await breakOff(slot, 4 * MIB, MIB, async () => {
      await expect.poll(async () => (await filesOnDisk()).length).toBe(before.length + 1)
      expect((await put(slot, randomBytes(4 * MIB))).status).toBe(409) // while the first one is on its way
    })
    await expect.poll(() => filesOnDisk()).toEqual(before)
    expect(await statusOf(slot.at)).toBe(404)
    await expect.poll(async () => (await put(slot, randomBytes(4 * MIB))).status).toBe(201)
  })

  test('507 when the disk is nearly full', async () => {
    await using full = await startRelay({}, { freeBytesMin: Number.MAX_SAFE_INTEGER })
    const unlucky = await full.client('alice')
    expect(String(await askForSlot(unlucky))).toMatch(/type=['"]wait['"].*<resource-constraint/)
  })
})

/** Sends the head and some of the body, and goes away once `meanwhile` is done. */
async function breakOff(
  { at, authorization }: Slot,
  length: number,
  sent: number,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const headers = { authorization, 'content-length': length }
  const broken = httpRequest(at, { method: 'PUT', headers })
  broken.on('error', () => undefined)
  broken.write(randomBytes(sent))
  await meanwhile()
  broken.destroy()
}

describe('the download', () => {
  test('is opaque: octets to be saved, never shown, kept by no cache, open to pages of other hosts', async () => {
    const { at } = await uploadFile(alice, origin, Buffer.from('<script>alert(1)</script>'), {
      filename: 'a.html',
      type: 'text/html',
    })
    const answer = await fetch(at)
    await answer.arrayBuffer()
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-store',
      'content-disposition': 'attachment',
      'content-length': '25',
      'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      'content-type': 'application/octet-stream',
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
    })
    const head = await fetch(at, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), (await head.arrayBuffer()).byteLength]).toEqual([
      200,
      '25',
      0,
    ])
    const preflight = await fetch(at, {
      method: 'OPTIONS',
      headers: { origin: 'https://other.example', 'access-control-request-method': 'PUT' },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT')
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization')
  })

  test('RFC 9110 §14: one range of it', async () => {
    const { at, bytes } = await uploadFile(alice, origin, 600_000)
    const cases: [string, number, [number, number]][] = [
      ['bytes=0-0', 206, [0, 1]],
      ['bytes=100-', 206, [100, 600_000]],
      ['bytes=-100', 206, [599_900, 600_000]],
      ['bytes=-700000', 206, [0, 600_000]],
      ['bytes=262143-262144', 206, [262_143, 262_145]],
      ['bytes=262100-590000', 206, [262_100, 590_001]],
      ['bytes=599999-9999999', 206, [599_999, 600_000]],
      ['bytes=5-4', 200, [0, 600_000]],
      ['bytes=0-1,5-6', 200, [0, 600_000]],
      ['lines=1-2', 200, [0, 600_000]],
      ['bytes=-', 200, [0, 600_000]],
    ]
    for (const [range, status, [from, to]] of cases) {
      const answer = await fetch(at, { headers: { range } })
      const got = Buffer.from(await answer.arrayBuffer())
      expect([range, answer.status, got.equals(bytes.subarray(from, to))]).toEqual([range, status, true])
      if (status === 206) expect(answer.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/600000`)
    }
    for (const range of ['bytes=600000-', 'bytes=-0', 'bytes=9999999-99999999']) {
      const answer = await fetch(at, { headers: { range } })
      await answer.arrayBuffer()
      expect([answer.status, answer.headers.get('content-range')]).toEqual([416, 'bytes */600000'])
    }
    const etag = (await fetch(at, { method: 'HEAD' })).headers.get('etag') ?? ''
    const conditional = (value: string) =>
      statusOf(at, { headers: { range: 'bytes=1-2', 'if-range': value } })
    expect(await conditional(etag)).toBe(206)
    expect(await conditional('"other"')).toBe(200)
  })

  test('nothing else is there: no list, no way out of the directory, no other method', async () => {
    const { at } = await uploadFile(alice, origin, 10)
    const address = at.split('/')[4] ?? ''
    for (const path of ['', '/', `/${address}`, '/../keyring/a', '/..%2fkeyring%2fa/b', '/%00/a'])
      expect([path, await statusOf(`${origin}/upload${path}`)]).toEqual([
        path,
        expect.toSatisfy((s) => s === 404 || s === 400),
      ])
    expect(await statusOf(`${origin}/upload/${address.slice(0, -1)}/a.bin`)).toBe(404)
    expect(await statusOf(at, { method: 'POST', body: 'x' })).toBe(404)
  })
})

describe('the end of a file', () => {
  test('its uploader deletes it by the token of the slot, nobody else; a download under way breaks off', async () => {
    const { at, authorization, bytes } = await uploadFile(alice, origin, 8 * MIB)
    const remove = (token: string) => statusOf(at, { method: 'DELETE', headers: { authorization: token } })
    expect(await remove('Bearer wrong')).toBe(403)
    expect(await remove('')).toBe(403)
    const { promise: answered, resolve } = Promise.withResolvers<IncomingMessage>()
    httpRequest(at, { agent: false }, resolve).end()
    const slow = await answered
    const files = await filesOnDisk()
    expect(await remove(authorization)).toBe(204)
    expect(await statusOf(at)).toBe(404)
    expect(await remove(authorization)).toBe(404)
    await expect.poll(async () => (await filesOnDisk()).length).toBe(files.length - 1)
    let got = 0
    const ended = new Promise<string>((done) =>
      slow.once('end', () => done('end')).once('error', () => done('error')),
    )
    slow.on('data', (chunk: Buffer) => (got += chunk.length))
    expect(await ended).toBe('error')
    expect(got).toBeLessThan(bytes.length)
    expect((await put({ url: '', at, authorization }, randomBytes(10))).status).toBe(404)
  })

  test('after as many whole fetches as its uploader said; parts and heads do not count', async () => {
    const { at, bytes } = await uploadFile(alice, origin, 1_000, {
      inner: `<fetches xmlns='${FETCHES}' max='2'/>`,
    })
    expect(await statusOf(at, { method: 'HEAD' })).toBe(200)
    expect(await statusOf(at, { headers: { range: 'bytes=0-10' } })).toBe(206)
    expect((await download(at)).equals(bytes)).toBe(true)
    expect((await download(at, { headers: { range: 'bytes=0-' } })).equals(bytes)).toBe(true)
    await expect.poll(() => statusOf(at)).toBe(404)
  })

  test('§5.3 and the configured time: gone to the second, and from the disk', async () => {
    const eve = await relay.client('eve')
    const stamp = new Date(clock.now() + 600_000).toISOString()
    const short = await uploadFile(eve, origin, 10, {
      inner: `<ephemeral xmlns='${PURPOSE}' expire-before='${stamp}'/>`,
    })
    const long = await uploadFile(eve, origin, 10)
    const count = (await filesOnDisk()).length
    clock.skip(590_000)
    expect(await statusOf(short.at)).toBe(200)
    clock.skip(10_000)
    expect([await statusOf(short.at), await statusOf(long.at)]).toEqual([404, 200])
    await expect.poll(async () => (await filesOnDisk()).length).toBe(count - 1)
    clock.skip(86_400_000)
    expect(await statusOf(long.at)).toBe(404)
    await expect.poll(async () => (await filesOnDisk()).length).toBe(0)
  })

  test('a plan says how much space there is for one account, and for how long a file stays', async () => {
    const plan = { upload_file_mib: 1, upload_space_mib: 2, uploads_per_hour: 100, upload_days: 2 }
    await relay.account('tight')
    await relay.accounts.plans.set('tight', plan)
    await relay.accounts.plans.assign(parseJid('tight@localhost'), 'tight')
    const tight = await relay.client('tight')
    const { at } = await uploadFile(tight, origin, MIB)
    await getSlot(tight, origin, { size: MIB })
    const full = (await askForSlot(tight, { size: 1 })).child('error')
    expect(full?.child('resource-constraint', 'urn:ietf:params:xml:ns:xmpp-stanzas')).toBeDefined()
    clock.skip(86_400_000)
    expect(await statusOf(at, { method: 'HEAD' })).toBe(200)
    clock.skip(86_400_000)
    expect(await statusOf(at, { method: 'HEAD' })).toBe(404)
  })

  test('with its account, slots too', async () => {
    const mallory = await relay.client('mallory')
    const { at } = await uploadFile(mallory, origin, 10)
    const open = await getSlot(mallory, origin)
    await relay.accounts.terminate(parseJid('mallory@localhost'))
    await expect.poll(() => statusOf(at)).toBe(404)
    expect((await put(open, randomBytes(10))).status).toBe(404)
    await expect.poll(() => filesOnDisk()).toEqual([])
  })
})
