/** XEP-0363 across restarts and `kill -9`: what was answered with 201 is there, what was not leaves nothing, what was deleted stays deleted. */
import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { sql } from '@sealpost/db'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { longTest } from '../../../test/long-test.ts'
import { TestClient } from './client.ts'
import { DeliveryFixture } from './delivery-fixture.ts'
import { RelayProcess } from './relay-process.ts'
import { download, getSlot, put, statusOf, uploadFile } from './upload-client.ts'

const FETCHES = 'urn:sealpost:fetches:0'

/** The database and the data directory; its own relay is stopped. */
let place: DeliveryFixture
beforeAll(async () => {
  place = await DeliveryFixture.start()
  await place.account('alice')
  await place.stop()
})
afterAll(() => place[Symbol.asyncDispose]())

const directory = () => join(place.platform.dataDir, 'uploads')
const signIn = ({ port }: RelayProcess) => TestClient.signIn({ port, username: 'alice', password: 'secret' })
const moved = (url: string, to: RelayProcess) => url.replace(/^http:\/\/127.0.0.1:\d+/, to.origin)

/** Ids of rows, of records and messages alike. */
async function rowIds(): Promise<string[]> {
  return (await place.db.query<{ id: string }>(sql`select id from xmpp.sealed`)).map(({ id }) => id)
}

test(
  'a file is there after a kill right behind the 201, and its slot is used',
  { timeout: 180_000 },
  async () => {
    const first = await RelayProcess.start(place)
    const alice = await signIn(first)
    const { at, authorization, bytes, url } = await uploadFile(alice, first.origin, 700_000)
    await first.kill()
    const second = await RelayProcess.start(place)
    const now = moved(at, second)
    expect((await download(now)).equals(bytes)).toBe(true)
    expect((await put({ url, at: now, authorization }, bytes)).status).toBe(409)
    expect(await statusOf(now, { method: 'DELETE', headers: { authorization } })).toBe(204)
    await second.kill() // right behind the 204
    const third = await RelayProcess.start(place)
    expect(await statusOf(moved(at, third))).toBe(404)
    expect(await readdir(directory())).toEqual([])
    await third.stop()
    expect(await rowIds()).toEqual([])
  },
)

test(
  'killed in the middle of an upload: no file, no row, and the slot is gone',
  { timeout: 180_000 },
  async () => {
    const first = await RelayProcess.start(place)
    const alice = await signIn(first)
    const { at, authorization } = await getSlot(alice, first.origin, { size: 8_000_000 })
    const broken = httpRequest(at, { method: 'PUT', headers: { authorization, 'content-length': 8_000_000 } })
    broken.on('error', () => undefined)
    broken.write(randomBytes(4_000_000))
    await expect.poll(async () => (await readdir(directory())).length).toBe(1)
    await first.kill()
    expect(await readdir(directory())).toHaveLength(1)
    const second = await RelayProcess.start(place)
    expect(await readdir(directory())).toEqual([])
    expect(await statusOf(moved(at, second))).toBe(404)
    await second.stop()
    expect(await rowIds()).toEqual([])
  },
)

longTest('fetches are counted on across kills', { timeout: 180_000 }, async () => {
  const inner = `<fetches xmlns='${FETCHES}' max='3'/>`
  let relay = await RelayProcess.start(place)
  const { at, bytes } = await uploadFile(await signIn(relay), relay.origin, 100, { inner })
  for (let fetch = 1; fetch <= 3; fetch += 1) {
    const before = await rowIds()
    expect((await download(moved(at, relay))).equals(bytes)).toBe(true)
    // The count is written behind the answer: another row takes the place of the one before, or none does.
    await expect.poll(rowIds).not.toEqual(expect.arrayContaining(before))
    expect(await rowIds()).toHaveLength(fetch < 3 ? 1 : 0)
    await relay.kill()
    relay = await RelayProcess.start(place)
  }
  expect(await statusOf(moved(at, relay))).toBe(404)
  expect(await readdir(directory())).toEqual([])
  await relay.stop()
})

test('a file whose record is gone is deleted at the start, other things in the directory are not', async () => {
  const orphan = join(directory(), '01234567-0123-4123-8123-0123456789ab')
  await writeFile(orphan, 'x')
  await writeFile(join(directory(), 'README'), 'of the operator')
  const relay = await RelayProcess.start(place)
  expect(await readdir(directory())).toEqual(['README'])
  await relay.stop()
})

test(
  'after a clean stop everything is there; neither keys nor addresses stand in a file or row',
  { timeout: 180_000 },
  async () => {
    const first = await RelayProcess.start(place)
    const { at, authorization, bytes } = await uploadFile(await signIn(first), first.origin, 5_000)
    await first.stop()
    const rows = await place.db.query<{ blob: Buffer }>(sql`select blob from xmpp.sealed`)
    expect(rows).toHaveLength(1)
    const names = (await readdir(directory())).filter((name) => name !== 'README')
    const files = await Promise.all(names.map((name) => readFile(join(directory(), name))))
    const everything = Buffer.concat([...rows.map(({ blob }) => blob), ...files])
    for (const secret of [at.split('/')[4] ?? '', authorization.slice(7)])
      expect(everything.includes(secret)).toBe(false)
    expect(everything.includes(bytes.subarray(0, 32))).toBe(false)
    const second = await RelayProcess.start(place)
    expect((await download(moved(at, second))).equals(bytes)).toBe(true)
    await second.stop()
  },
)
