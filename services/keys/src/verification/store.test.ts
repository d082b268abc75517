import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { readUpload, summarize, writeCertificate } from '@sealpost/openpgp'
import { systemRandom } from '@sealpost/runtime'
import { NOW, sample } from '../../../../packages/openpgp/test/maker.ts'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { postgresCertificateStore } from '../directory/store.postgres.ts'
import { openTestLog } from '../transparency/_test-log.ts'
import { memoryLinkStore } from './store.memory.ts'
import { postgresLinkStore } from './store.postgres.ts'
import type { Link, LinkStore } from './store.ts'

const rows = [1, 2].map((seed) => {
  const [certificate] = readUpload(sample(seed).bytes, NOW).certificates
  if (certificate === undefined) throw new Error('no certificate')
  const listing = summarize(certificate, NOW)
  const kept = writeCertificate(certificate)
  return {
    fingerprint: listing.fingerprint,
    kept,
    served: kept,
    listing,
    addresses: [],
    suspended: [],
    forgetOn: undefined,
    minimal: [],
    changedOn: undefined,
  }
})
const [ONE = '', TWO = ''] = rows.map(({ fingerprint }) => fingerprint)

async function openMemory(): Promise<LinkStore> {
  return memoryLinkStore((fingerprint) => [ONE, TWO].includes(fingerprint), systemRandom.bytes(32))
}

async function openPostgres(stack: AsyncDisposableStack): Promise<LinkStore> {
  const { url } = stack.use(await createMigratedDatabase())
  const db = stack.use(await openDb({ url, role: 'sealpost_keys', poolSize: 2 }))
  const certificates = postgresCertificateStore(db, await openTestLog(db))
  for (const row of rows) await certificates.put(row, undefined)
  return postgresLinkStore(db)
}

describe.each([
  ['memory', openMemory],
  ['postgres', openPostgres],
])('LinkStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: LinkStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  const now = Date.UTC(2026, 0, 1)
  let counter = 0
  async function put(parts: Partial<Link> = {}): Promise<{ hash: Buffer; link: Link }> {
    const hash = Buffer.alloc(32, ++counter)
    const link: Link = {
      purpose: 'publish',
      fingerprint: ONE,
      address: 'a@example.org',
      expiresAt: now + 1_000,
      ...parts,
    }
    expect(await store.put(hash, link)).toBe(true)
    return { hash, link }
  }

  test('gives a link back until it expires, or is deleted', async () => {
    const { hash, link } = await put()
    expect(await store.find(hash, now)).toEqual(link)
    expect(await store.find(hash, now + 1_000)).toBeUndefined()
    expect(await store.find(Buffer.alloc(32), now)).toBeUndefined()
    await store.delete(hash)
    expect(await store.find(hash, now)).toBeUndefined()
  })

  test('has none for a certificate that is not there', async () => {
    const link: Link = {
      purpose: 'publish',
      fingerprint: 'AB'.repeat(20),
      address: 'x@example.org',
      expiresAt: now + 1,
    }
    expect(await store.put(Buffer.alloc(32, 99), link)).toBe(false)
    expect(await store.find(Buffer.alloc(32, 99), now)).toBeUndefined()
  })

  test('tells which addresses of a certificate have open links for publishing', async () => {
    await put({ fingerprint: TWO, address: 'b@example.org' })
    await put({ fingerprint: TWO, address: 'b@example.org' })
    await put({ fingerprint: TWO, address: 'late@example.org', expiresAt: now })
    await put({ fingerprint: TWO, address: 'm@example.org', purpose: 'manage' })
    expect(await store.pending(TWO, now)).toEqual(['b@example.org'])
  })

  test('deletes those of an address, of a certificate, of a purpose, and what has expired', async () => {
    const address = 'c@example.org'
    const all = [
      await put({ address }),
      await put({ address, purpose: 'manage' }),
      await put({ address, fingerprint: TWO }),
    ]
    const left = async (): Promise<boolean[]> =>
      Promise.all(all.map(async ({ hash }) => (await store.find(hash, now)) !== undefined))
    await store.deleteFor({ address: 'other@example.org' })
    expect(await left()).toEqual([true, true, true])
    await store.deleteFor({ address, fingerprint: ONE, purpose: 'publish' })
    expect(await left()).toEqual([false, true, true])
    await store.deleteFor({ address, fingerprint: ONE })
    expect(await left()).toEqual([false, false, true])
    await store.deleteFor({ address })
    expect(await left()).toEqual([false, false, false])
    const [old, young] = [await put({ expiresAt: now }), await put()]
    await store.collect(now)
    expect(await store.find(old.hash, 0)).toBeUndefined()
    expect(await store.find(young.hash, now)).toBeDefined()
  })

  test('a token is of one address, is used once, and goes when it expires or when all of the address is deleted', async () => {
    const hash = (nth: number): Buffer => Buffer.alloc(32, 100 + nth)
    const address = 'token@example.org'
    for (const nth of [1, 2, 3]) await store.putToken(hash(nth), { address, expiresAt: now + 1_000 })
    expect(await store.hasToken(hash(1), address, now)).toBe(true)
    expect(await store.hasToken(hash(1), 'other@example.org', now)).toBe(false)
    expect(await store.hasToken(hash(1), address, now + 1_000)).toBe(false)
    expect(await store.takeToken(hash(1), 'other@example.org', now)).toBeUndefined()
    const tries = await Promise.all(Array.from({ length: 5 }, () => store.takeToken(hash(1), address, now)))
    expect(tries.filter(Boolean)).toEqual([{ address, expiresAt: now + 1_000 }])
    expect(await store.hasToken(hash(1), address, now)).toBe(false)
    await store.deleteFor({ address, purpose: 'publish' })
    expect(await store.hasToken(hash(2), address, now)).toBe(true)
    await store.collect(now + 1_000)
    expect(await store.hasToken(hash(2), address, now)).toBe(false)
    await store.putToken(hash(2), { address, expiresAt: now + 1_000 })
    await store.deleteFor({ address })
    expect(await store.hasToken(hash(2), address, now)).toBe(false)
  })

  test('a statement is used once, and forgotten when it would not hold any more', async () => {
    const digest = Buffer.alloc(32, 7)
    const tries = await Promise.all(Array.from({ length: 5 }, () => store.useOnce(digest, now)))
    expect(tries.filter(Boolean)).toHaveLength(1)
    await store.collect(now - 1)
    expect(await store.useOnce(digest, now)).toBe(false)
    await store.collect(now)
    expect(await store.useOnce(digest, now)).toBe(true)
  })

  test('the key of uploads is there, and stays', async () => {
    const key = await store.uploadKey()
    expect(key).toHaveLength(32)
    expect(await store.uploadKey()).toEqual(key)
  })

  test('what was sent to an address is listed until it expires, whatever it is for', async () => {
    const address = 'listed@example.org'
    await put({ address, purpose: 'manage', expiresAt: now + 2_000 })
    await store.putToken(Buffer.alloc(32, 0xee), { address, expiresAt: now + 1_000 })
    await put({ address: 'other@example.org' })
    expect(await store.sentTo(address, now)).toEqual([
      { purpose: 'token', expiresAt: now + 1_000 },
      { purpose: 'manage', expiresAt: now + 2_000 },
    ])
    expect(await store.sentTo(address, now + 1_000)).toEqual([{ purpose: 'manage', expiresAt: now + 2_000 }])
  })
})
