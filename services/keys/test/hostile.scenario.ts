/**
 * Each upload of test/vectors/openpgp/hostile through the directory's own door: what is refused leaves nothing, and whatever is taken, a good certificate in it is
 * served as it is served without the attack.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Db, openDb, sql } from '@sealpost/db'
import { readArmor } from '@sealpost/openpgp'
import { hostileCorpus, VICTIM } from '../../../packages/openpgp/test/hostile.ts'
import { ed25519 } from '../../../packages/openpgp/test/maker.ts'
import { createTestKeys, type TestKeys } from './keys.ts'

const FILES = new URL('../../../test/vectors/openpgp/hostile/', import.meta.url)
const FINGERPRINT = ed25519(4242).key.fingerprint.toString('hex').toUpperCase()
const VECTORS = readFileSync(new URL('manifest.txt', FILES), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [file = '', bytes = '', digest = '', outcome = '', name = ''] = line.split('\t')
    return { file, bytes: Number(bytes), digest, outcome, name }
  })
type Vector = (typeof VECTORS)[number]

let keys: TestKeys
let db: Db
let made: ReadonlyMap<string, Buffer>
/** What is served of the good certificate. */
let served: Buffer
const stack = new AsyncDisposableStack()

beforeAll(async () => {
  keys = stack.use(await createTestKeys())
  db = stack.use(await openDb({ url: keys.platform.databaseUrl, role: 'sealpost_keys' }))
  made = new Map(hostileCorpus().map(({ name, upload }) => [name, upload]))
  expect((await submit(VICTIM)).status).toBe(200)
  served = (await lookUp()) ?? Buffer.alloc(0)
  expect(served.length).toBeGreaterThan(0)
})
afterAll(() => stack.disposeAsync())

function bytesOf({ file, name }: Vector): Buffer {
  return file === '-' ? (made.get(name) ?? Buffer.alloc(0)) : readFileSync(new URL(file, FILES))
}

let clients = 0

/** Each from a client of its own: one may send 60 a minute. */
function submit(body: Uint8Array<ArrayBuffer> | Buffer): Promise<Response> {
  clients += 1
  const headers = { 'content-type': 'application/pgp', 'x-forwarded-for': `10.2.0.${String(clients)}` }
  return fetch(`${keys.http}/pks/v2/certs`, { method: 'POST', headers, body: new Uint8Array(body) })
}

/** Undefined when it is not here. */
async function lookUp(): Promise<Buffer | undefined> {
  const answer = await fetch(`${keys.http}/vks/v1/by-fingerprint/${FINGERPRINT}`)
  const text = await answer.text()
  return answer.status === 404 ? undefined : readArmor(text)[0]?.data
}

test('the manifest names every upload that the generator makes, and no other', () => {
  expect(VECTORS.map(({ name }) => name)).toEqual([...made.keys()])
})

describe('a hostile upload', () => {
  test.each(VECTORS.map((each) => [each.name, each] as const))('%s', async (_name, vector) => {
    const upload = bytesOf(vector)
    expect([upload.length, createHash('sha256').update(upload).digest('hex')]).toEqual([
      vector.bytes,
      vector.digest,
    ])
    await db.execute(sql`delete from keys.certificate`)
    const answer = await submit(upload)
    const found = await lookUp()
    if (vector.outcome.startsWith('OPENPGP_')) {
      expect(answer.status).toBe(vector.outcome === 'OPENPGP_TOO_LARGE' ? 413 : 422)
      expect(await answer.text()).not.toBe('')
      expect(found).toBeUndefined()
      return
    }
    if (vector.outcome === 'unharmed') expect([answer.status, found]).toEqual([200, served])
    // Nothing is in it that is not in the good one, which the next upload makes whole again.
    else {
      expect([200, 422]).toContain(answer.status) // It may hold another certificate, which is taken.
      expect(served.subarray(0, found?.length ?? 0)).toEqual(found ?? Buffer.alloc(0))
    }
    expect((await submit(VICTIM)).status).toBe(200)
    expect(await lookUp()).toEqual(served)
  })
})
