import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestPlatform } from '../../../test/platform.ts'
import type { TestPlatform } from '../../../test/platform.ts'
import { createKeysService } from '../src/service.ts'
import type { KeysService } from '../src/service.ts'

const CANARY = 'canary-7f3a91@localhost'

let platform: TestPlatform
let service: KeysService
let origin: string

beforeAll(async () => {
  platform = await createTestPlatform()
  service = await createKeysService({ hkpPort: 0 }, platform)
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
  ['/pks/elsewhere', 404],
])('%s is answered with %i', async (path, status) => {
  expect((await get(path)).status).toBe(status)
})

test('keys are not taken: 501 at once, whatever the size of the body', async () => {
  const body = `keytext=${'A'.repeat(2_000_000)}`
  const answer = await fetch(`${origin}/pks/add`, { method: 'POST', body }).catch(() => undefined)
  // The server may close before it has read two megabytes that it does not want; then the client sees the end, not the answer.
  expect([501, undefined]).toContain(answer?.status)
  const small = await fetch(`${origin}/pks/add`, {
    method: 'POST',
    body: new URLSearchParams({ keytext: 'x' }),
  })
  expect([small.status, await small.text()]).toEqual([501, 'This server does not take keys.\n'])
})

test('what was asked for stands in no log and no metric', async () => {
  await get(`/pks/lookup?op=get&search=${encodeURIComponent(CANARY)}`)
  const everything = platform.logged() + (await platform.metrics.render())
  expect(everything).not.toContain('canary-7f3a91')
  expect(everything).toContain('keys_lookups_total{kind="address",found="false"}')
})
