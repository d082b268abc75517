import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMigratedDatabase } from '../../../../../test/database.ts'
import { postgresDeviceStore } from '../../delivery/device-store.postgres.ts'
import { openKeyFile } from '../../key-file.ts'
import { memoryFastTokenStore } from './token-store.memory.ts'
import { postgresFastTokenStore } from './token-store.postgres.ts'
import type { FastTokenStore, TokenOwner } from './token-store.ts'

interface Fixture extends AsyncDisposable {
  readonly store: FastTokenStore
  /** Makes a device known. */
  know(owner: TokenOwner): Promise<void>
  /** Forgets the devices of an account. */
  forget(accountId: string): Promise<void>
}

async function openMemory(): Promise<Fixture> {
  const known = new Set<string>()
  const name = ({ accountId, identity }: TokenOwner) => `${accountId} ${identity.toString('hex')}`
  return {
    store: memoryFastTokenStore((owner) => known.has(name(owner))),
    know: async (owner) => void known.add(name(owner)),
    forget: async (accountId) => {
      for (const each of known) if (each.startsWith(accountId)) known.delete(each)
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function openPostgres(): Promise<Fixture> {
  const stack = new AsyncDisposableStack()
  const { url } = stack.use(await createMigratedDatabase())
  const db = stack.use(await openDb({ url, role: 'sealpost_xmpp', poolSize: 6 }))
  const devices = postgresDeviceStore(db)
  return {
    store: postgresFastTokenStore(db),
    know: async ({ accountId, identity }) => void (await devices.signIn(accountId, identity, 10, true)),
    forget: (accountId) => devices.erase(accountId),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const token = (expiresOn = '2030-01-15') => ({
  mechanism: 'HT-SHA-256-NONE',
  seed: randomBytes(32),
  expiresOn,
})

describe.each([
  ['memory', openMemory],
  ['postgres', openPostgres],
])('FastTokenStore (%s)', (_, open) => {
  let fixture: Fixture
  let store: FastTokenStore
  beforeAll(async () => {
    fixture = await open()
    store = fixture.store
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  async function known(accountId: string = randomUUID()): Promise<TokenOwner> {
    const owner = { accountId, identity: randomBytes(32) }
    await fixture.know(owner)
    return owner
  }
  const slots = async (owner: TokenOwner) => (await store.ofDevice(owner)).map(({ slot }) => slot).sort()

  test('gives tokens to devices that are known, and keeps what it is told', async () => {
    const stranger = { accountId: randomUUID(), identity: randomBytes(32) }
    expect(await store.issue(stranger, token())).toBe(false)
    const owner = await known()
    const given = token()
    expect(await store.issue(owner, given)).toBe(true)
    expect(await store.ofDevice(owner)).toEqual([{ slot: 'next', ...given }])
    expect(await store.ofDevice(stranger)).toEqual([])
  })

  test('an unused token is replaced, a used one stays until the next is used, then it is spent', async () => {
    const owner = await known()
    const [unused, first, second, third] = [token(), token(), token(), token()]
    await store.issue(owner, unused)
    await store.issue(owner, first)
    expect(await store.use(owner, unused.seed, undefined)).toBe(false)
    expect(await store.use(owner, first.seed, undefined)).toBe(true)
    await store.issue(owner, second)
    expect(await store.use(owner, first.seed, undefined)).toBe(true)
    expect(await slots(owner)).toEqual(['current', 'next'])
    expect(await store.use(owner, second.seed, undefined)).toBe(true)
    expect(await slots(owner)).toEqual(['current', 'spent'])
    expect(await store.use(owner, first.seed, undefined)).toBe(false)
    await store.issue(owner, third)
    expect(await store.use(owner, third.seed, undefined)).toBe(true)
    expect((await store.ofDevice(owner)).find(({ slot }) => slot === 'spent')?.seed).toEqual(second.seed)
  })

  test('counts rise, and begin anew with a new token', async () => {
    const owner = await known()
    const first = token()
    await store.issue(owner, first)
    for (const [count, good] of [
      [undefined, true],
      [0, true],
      [0, false],
      [5, true],
      [4, false],
      [undefined, false],
      [2 ** 31 - 1, true],
    ] as const)
      expect(await store.use(owner, first.seed, count)).toBe(good)
    const second = token()
    await store.issue(owner, second)
    expect(await store.use(owner, second.seed, 1)).toBe(true)
  })

  test('ten at once with one count: one', async () => {
    const owner = await known()
    const given = token()
    await store.issue(owner, given)
    const uses = Array.from({ length: 10 }, () => store.use(owner, given.seed, 1))
    expect((await Promise.all(uses)).filter(Boolean)).toHaveLength(1)
  })

  test('revokes by device and by account, and goes with the device', async () => {
    const one = await known()
    const two = await known(one.accountId)
    const other = await known()
    for (const owner of [one, two, other]) await store.issue(owner, token())
    await store.revokeDevice(one)
    expect([await slots(one), await slots(two)]).toEqual([[], ['next']])
    await store.revokeAccount(one.accountId)
    expect([await slots(two), await slots(other)]).toEqual([[], ['next']])
    await fixture.forget(other.accountId)
    expect(await slots(other)).toEqual([])
  })

  test('expires on the day', async () => {
    const owner = await known()
    await store.issue(owner, token('2029-05-02'))
    await store.expire('2029-05-01')
    expect(await slots(owner)).toEqual(['next'])
    await store.expire('2029-05-02')
    expect(await slots(owner)).toEqual([])
  })
})

test('the key is made once, for its owner alone, and again when it is damaged', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-fast-'))
  try {
    const path = join(directory, 'keyring', 'fast.key')
    const key = await openKeyFile(path, systemRandom)
    expect(key).toHaveLength(32)
    expect(await openKeyFile(path, systemRandom)).toEqual(key)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    for (const damaged of [key.subarray(1), Buffer.concat([key, key])]) {
      await writeFile(path, damaged)
      const fresh = await openKeyFile(path, systemRandom)
      expect(fresh).not.toEqual(key)
      expect(await readFile(path)).toEqual(fresh)
    }
  } finally {
    await rm(directory, { recursive: true })
  }
})
