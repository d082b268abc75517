import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb, type Db } from '@sealpost/db'
import type { ScramHash, ScramVerifier } from '@sealpost/sasl'
import { createMigratedDatabase } from '../../../test/database.ts'
import { postgresAccessStore } from './access-store.postgres.ts'
import { memoryStores } from './store.memory.ts'
import { postgresAccountStore } from './store.postgres.ts'
import type { AccessStore, AccountStore, ApiKeyRow, InviteRow } from './store.ts'

interface Stores {
  accounts: AccountStore
  access: AccessStore
}

async function openMemory(): Promise<Stores & AsyncDisposable> {
  return { ...memoryStores(), async [Symbol.asyncDispose]() {} }
}

async function openPostgres(): Promise<Stores & AsyncDisposable> {
  const stack = new AsyncDisposableStack()
  const { url } = stack.use(await createMigratedDatabase())
  const db: Db = stack.use(await openDb({ url, role: 'sealpost_account', poolSize: 8 }))
  return {
    accounts: postgresAccountStore(db),
    access: postgresAccessStore(db),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const OWNERS = ['account', 'xmpp', 'keys', 'smtp', 'api']
const TODAY = '2026-03-01'
const LATER = '2026-03-02'
const NOW = Date.parse('2026-03-01T12:00:00Z')

let counter = 0

function newId(): string {
  counter += 1
  return `00000000-0000-4000-8000-${counter.toString(16).padStart(12, '0')}`
}

function verifiersOf(byte: number): ScramVerifier[] {
  const make = (hash: ScramHash, size: number): ScramVerifier => ({
    hash,
    salt: Buffer.alloc(16, byte),
    iterations: 10_000,
    storedKey: Buffer.alloc(size, byte),
    serverKey: Buffer.alloc(size, byte + 1),
  })
  return [make('SHA-256', 32), make('SHA-1', 20)]
}

function newAccount(localpart: string, domain = 'example.org') {
  return { id: newId(), domain, localpart, verifiers: verifiersOf(1) }
}

function newKey(overrides: Partial<ApiKeyRow> = {}): ApiKeyRow {
  const base = { id: newId(), label: 'backup', scopes: ['accounts:read'], createdOn: TODAY }
  const none = { expiresOn: undefined, lastUsedOn: undefined, organisationId: undefined, madeBy: undefined }
  return { ...base, ...none, networks: [], ...overrides }
}

function newHash(): Buffer {
  counter += 1
  return Buffer.alloc(32, `token ${String(counter)};`)
}

function adminInvite(overrides: Partial<InviteRow> = {}): InviteRow {
  const appointment = { role: 'owner', organisationId: undefined, administratorId: undefined }
  return {
    tokenHash: newHash(),
    purpose: 'admin',
    accountId: undefined,
    appointment,
    expiresAt: NOW + 1000,
    ...overrides,
  }
}

describe.each([
  ['memory', openMemory],
  ['postgres', openPostgres],
])('stores (%s)', (_name, open) => {
  let stores: Stores & AsyncDisposable
  beforeAll(async () => {
    stores = await open()
  })
  afterAll(async () => {
    await stores[Symbol.asyncDispose]()
  })

  describe('AccountStore', () => {
    test('inserts a batch and finds each of it', async () => {
      const rows = [newAccount('ann'), newAccount('ben'), newAccount('ann', 'example.net')]
      expect(await stores.accounts.insert(rows, TODAY)).toEqual(['created', 'created', 'created'])
      for (const { id, domain, localpart } of rows) {
        const expected = { id, domain, localpart, state: 'active', createdOn: TODAY }
        expect(await stores.accounts.find({ domain, localpart })).toMatchObject(expected)
        expect(await stores.accounts.findById(id)).toMatchObject(expected)
      }
    })

    test('creates a name once, also within one batch', async () => {
      const [first, second, third] = [newAccount('twice'), newAccount('twice'), newAccount('once')]
      expect(await stores.accounts.insert([first, second, third], TODAY)).toEqual([
        'created',
        'exists',
        'created',
      ])
      expect(await stores.accounts.insert([newAccount('twice')], TODAY)).toEqual(['exists'])
      expect((await stores.accounts.find(first))?.id).toBe(first.id)
    })

    test('10 tries at one name: exactly 1 wins', async () => {
      const tries = Array.from({ length: 10 }, () => stores.accounts.insert([newAccount('raced')], TODAY))
      const results = (await Promise.all(tries)).flat()
      expect(results.filter((result) => result === 'created')).toHaveLength(1)
    })

    test('does not insert over an id that exists', async () => {
      const row = newAccount('with-id')
      await stores.accounts.insert([row], TODAY)
      expect(await stores.accounts.insert([{ ...row, localpart: 'other' }], TODAY)).toEqual(['exists'])
      expect(await stores.accounts.find({ ...row, localpart: 'other' })).toBeUndefined()
    })

    test('tells which names are taken', async () => {
      await stores.accounts.insert([newAccount('taken')], TODAY)
      const names = [newAccount('free'), newAccount('taken'), newAccount('taken', 'example.net')]
      expect(await stores.accounts.taken(names)).toEqual([false, true, false])
      expect(await stores.accounts.taken([])).toEqual([])
    })

    test('keeps names byte for byte', async () => {
      const row = newAccount('o%_\\\'"ключ👍', 'пример.example')
      expect(await stores.accounts.insert([row], TODAY)).toEqual(['created'])
      expect((await stores.accounts.find(row))?.localpart).toBe(row.localpart)
      const found = await stores.accounts.list({ ...wholeList(), search: "%_\\'" })
      expect(found.map((each) => each.id)).toEqual([row.id])
    })

    test('answers the verifier of each hash', async () => {
      const row = newAccount('verified')
      await stores.accounts.insert([row], TODAY)
      for (const expected of row.verifiers) {
        const found = await stores.accounts.verifier(row, expected.hash)
        expect(found).toMatchObject({ row: { id: row.id }, verifier: expected })
      }
      expect(await stores.accounts.verifier(newAccount('nobody'), 'SHA-1')).toBeUndefined()
    })

    test('an account without credentials has no verifier until one is set', async () => {
      const row = { ...newAccount('unenrolled'), verifiers: [] }
      await stores.accounts.insert([row], TODAY)
      expect(await stores.accounts.verifier(row, 'SHA-256')).toBeUndefined()
      expect(await stores.accounts.replaceVerifiers(row.id, verifiersOf(9))).toBe(true)
      expect((await stores.accounts.verifier(row, 'SHA-256'))?.verifier.storedKey[0]).toBe(9)
      expect(await stores.accounts.replaceVerifiers(newId(), verifiersOf(9))).toBe(false)
    })

    test('a foreign verifier is there until there are own ones, and goes with a termination', async () => {
      const row = { ...newAccount('imported'), verifiers: [] }
      const gone = { ...newAccount('imported-and-gone'), verifiers: [] }
      await stores.accounts.insert([row, gone], TODAY)
      const [verifier, other] = [verifiersOf(5)[1]!, verifiersOf(6)[0]!]
      expect(await stores.accounts.foreignVerifier(row)).toBeUndefined()
      expect(await stores.accounts.replaceForeignVerifier(row.id, verifiersOf(7))).toBe(false)
      for (const each of [verifier, other]) {
        expect(await stores.accounts.setForeignVerifier(row.id, each)).toBe(true)
        expect(await stores.accounts.foreignVerifier(row)).toEqual({ accountId: row.id, verifier: each })
      }
      expect(await stores.accounts.verifier(row, 'SHA-256')).toBeUndefined()
      expect(await stores.accounts.replaceForeignVerifier(row.id, verifiersOf(7))).toBe(true)
      expect(await stores.accounts.foreignVerifier(row)).toBeUndefined()
      expect((await stores.accounts.verifier(row, 'SHA-1'))?.verifier.storedKey[0]).toBe(7)
      expect(await stores.accounts.setForeignVerifier(row.id, verifier)).toBe(false)

      await stores.accounts.setForeignVerifier(gone.id, verifier)
      await stores.accounts.terminate(gone, OWNERS, TODAY)
      expect(await stores.accounts.foreignVerifier(gone)).toBeUndefined()
      expect(await stores.accounts.setForeignVerifier(gone.id, verifier)).toBe(false)
      expect(await stores.accounts.setForeignVerifier(newId(), verifier)).toBe(false)
    })

    test('10 who replace a foreign verifier at once: exactly 1 does, and a password that is chosen ends it', async () => {
      const [row, chosen] = [newAccount('replaced'), newAccount('chosen')].map((each) => ({
        ...each,
        verifiers: [],
      }))
      await stores.accounts.insert([row!, chosen!], TODAY)
      for (const { id } of [row!, chosen!]) await stores.accounts.setForeignVerifier(id, verifiersOf(5)[1]!)
      const tries = Array.from({ length: 10 }, () =>
        stores.accounts.replaceForeignVerifier(row!.id, verifiersOf(7)),
      )
      expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1)
      await stores.accounts.replaceVerifiers(chosen!.id, verifiersOf(8))
      expect(await stores.accounts.replaceForeignVerifier(chosen!.id, verifiersOf(7))).toBe(false)
      expect((await stores.accounts.verifier(chosen!, 'SHA-1'))?.verifier.storedKey[0]).toBe(8)
    })

    test('the decoy secret stays the same', async () => {
      const secret = await stores.accounts.decoySecret()
      expect(secret).toHaveLength(32)
      expect(await stores.accounts.decoySecret()).toEqual(secret)
    })

    test('suspends with a reason and restores without', async () => {
      const row = newAccount('suspended')
      await stores.accounts.insert([row], TODAY)
      const suspended = await stores.accounts.setState(row, { reason: 'abuse' })
      expect(suspended).toMatchObject({ id: row.id, state: 'suspended', reason: 'abuse' })
      for (const onlyWhile of [null, 'payment'])
        expect(await stores.accounts.setState(row, undefined, { onlyWhile })).toBeUndefined()
      expect(await stores.accounts.verifier(row, 'SHA-1')).toMatchObject({ row: { state: 'suspended' } })
      const restored = await stores.accounts.setState(row, undefined)
      expect(restored).toMatchObject({ state: 'active', reason: undefined })
      expect(await stores.accounts.setState(newAccount('nobody'), undefined)).toBeUndefined()
    })

    test('terminating takes the credentials at once, and the name for ever', async () => {
      const row = newAccount('leaver')
      await stores.accounts.insert([row], TODAY)
      await stores.access.insertInvite(passwordInvite(row.id), 5, NOW)
      expect(await stores.accounts.terminate(row, OWNERS, TODAY)).toMatchObject({ state: 'terminated' })
      expect(await stores.accounts.verifier(row, 'SHA-256')).toBeUndefined()
      expect(await stores.accounts.replaceVerifiers(row.id, verifiersOf(2))).toBe(false)
      expect(await stores.accounts.setState(row, undefined)).toBeUndefined()
      expect(await stores.accounts.insert([newAccount('leaver')], TODAY)).toEqual(['exists'])

      for (const owner of ['xmpp', 'keys', 'smtp', 'api']) {
        expect(await stores.accounts.findById(row.id)).toBeDefined()
        expect(await stores.accounts.erasuresPending(owner, 1000)).toContain(row.id)
        await stores.accounts.erasureDone(owner, row.id, LATER)
        expect(await stores.accounts.erasuresPending(owner, 1000)).not.toContain(row.id)
      }
      expect(await stores.accounts.findById(row.id)).toBeUndefined()
      expect(await stores.accounts.insert([newAccount('leaver'), newAccount('stayer')], LATER)).toEqual([
        'retired',
        'created',
      ])
      expect(await stores.accounts.retired(row)).toBe(true)
      expect(await stores.accounts.retired(newAccount('stayer'))).toBe(false)
      expect(await stores.accounts.find(row)).toBeUndefined()
    })

    test('the account’s own part of the erasure is done with the termination', async () => {
      const row = newAccount('own-part')
      await stores.accounts.insert([row], TODAY)
      await stores.accounts.terminate(row, OWNERS, TODAY)
      expect(await stores.accounts.erasuresPending('account', 1000)).toEqual([])
    })

    test('terminating twice asks nobody twice', async () => {
      const row = newAccount('twice-terminated')
      await stores.accounts.insert([row], TODAY)
      await stores.accounts.terminate(row, OWNERS, TODAY)
      await stores.accounts.erasureDone('keys', row.id, TODAY)
      expect(await stores.accounts.terminate(row, OWNERS, LATER)).toMatchObject({ id: row.id })
      expect(await stores.accounts.erasuresPending('keys', 1000)).not.toContain(row.id)
      expect(await stores.accounts.terminate(newAccount('nobody'), OWNERS, LATER)).toBeUndefined()
    })

    test('all owners done at once: the account is gone', async () => {
      const row = newAccount('all-at-once')
      await stores.accounts.insert([row], TODAY)
      await stores.accounts.terminate(row, OWNERS, TODAY)
      await Promise.all(OWNERS.map((owner) => stores.accounts.erasureDone(owner, row.id, TODAY)))
      expect(await stores.accounts.findById(row.id)).toBeUndefined()
    })

    test('"done" for an account that is not terminated removes nothing', async () => {
      const row = newAccount('alive')
      await stores.accounts.insert([row], TODAY)
      await stores.accounts.erasureDone('xmpp', row.id, TODAY)
      expect(await stores.accounts.findById(row.id)).toBeDefined()
    })

    test('of a termination and a new password at once, no credential survives', async () => {
      const row = newAccount('raced-away')
      await stores.accounts.insert([row], TODAY)
      const invite = passwordInvite(row.id)
      await stores.access.insertInvite(invite, 5, NOW)
      await Promise.all([
        stores.accounts.terminate(row, OWNERS, TODAY),
        stores.accounts.replaceVerifiers(row.id, verifiersOf(3)),
        stores.access.redeemForVerifiers(invite.tokenHash, NOW, verifiersOf(4)),
      ])
      expect(await stores.accounts.verifier(row, 'SHA-256')).toBeUndefined()
    })

    test('records the day of use', async () => {
      const [one, other] = [newAccount('used'), newAccount('unused')]
      await stores.accounts.insert([one, other], TODAY)
      await stores.accounts.recordUse([one.id, newId()], LATER)
      expect((await stores.accounts.findById(one.id))?.lastUsedOn).toBe(LATER)
      expect((await stores.accounts.findById(other.id))?.lastUsedOn).toBeUndefined()
    })

    test('lists by page, domain, state and search', async () => {
      const rows = ['b', 'a', 'c', 'ab'].map((name) => newAccount(name, 'list.example'))
      await stores.accounts.insert(rows, TODAY)
      await stores.accounts.setState({ domain: 'list.example', localpart: 'c' }, { reason: 'other' })
      const query = { ...wholeList(), domain: 'list.example' }
      const names = async (overrides: object) =>
        (await stores.accounts.list({ ...query, ...overrides })).map((row) => row.localpart)
      expect(await names({})).toEqual(['a', 'ab', 'b', 'c'])
      expect(await names({ limit: 2 })).toEqual(['a', 'ab'])
      expect(await names({ after: { domain: 'list.example', localpart: 'ab' } })).toEqual(['b', 'c'])
      expect(await names({ state: 'suspended' })).toEqual(['c'])
      expect(await names({ search: 'b' })).toEqual(['ab', 'b'])
      expect(await names({ search: '%' })).toEqual([])
      expect(await names({ domain: 'none.example' })).toEqual([])
    })
  })

  describe('AccessStore', () => {
    test('finds a key by the hash of its token until it is deleted', async () => {
      const [key, hash] = [
        newKey({ scopes: ['accounts:read', 'accounts:write'], expiresOn: LATER }),
        newHash(),
      ]
      expect(await stores.access.insertKey(key, hash, 500, '2026-01-01')).toBe(true)
      expect(await stores.access.keyByToken(hash)).toEqual(key)
      expect(await stores.access.keys()).toContainEqual(key)
      await stores.access.recordKeyUse(key.id, LATER)
      expect(await stores.access.keyByToken(hash)).toEqual({ ...key, lastUsedOn: LATER })
      expect(await stores.access.deleteKey(key.id)).toBe(true)
      expect(await stores.access.deleteKey(key.id)).toBe(false)
      expect(await stores.access.keyByToken(hash)).toBeUndefined()
    })

    test('bounds the number of keys and drops those long expired', async () => {
      const old = newKey({ expiresOn: '2026-01-01' })
      await stores.access.insertKey(old, newHash(), 500, '2025-01-01')
      const before = (await stores.access.keys()).length
      expect(await stores.access.insertKey(newKey(), newHash(), before, '2026-01-01')).toBe(false)
      expect(await stores.access.insertKey(newKey(), newHash(), before, '2026-01-02')).toBe(true)
      expect((await stores.access.keys()).map((key) => key.id)).not.toContain(old.id)
    })

    test('shows an invite until it expires', async () => {
      const invite = adminInvite()
      expect(await stores.access.insertInvite(invite, 50, NOW)).toBe(true)
      expect(await stores.access.invite(invite.tokenHash, NOW)).toEqual(invite)
      expect(await stores.access.invite(invite.tokenHash, NOW + 1000)).toBeUndefined()
      expect(await stores.access.invite(newHash(), NOW)).toBeUndefined()
    })

    test('bounds the open invites of administrators', async () => {
      expect(await stores.access.insertInvite(adminInvite(), 1, NOW)).toBe(false)
      expect(await stores.access.insertInvite(adminInvite({ expiresAt: NOW + 9000 }), 1, NOW + 5000)).toBe(
        true,
      )
      await stores.access.insertInvite(adminInvite(), 50, NOW + 10_000)
    })

    test('a new password invite replaces the one before', async () => {
      const row = newAccount('invited')
      await stores.accounts.insert([row], TODAY)
      const [first, second] = [passwordInvite(row.id), passwordInvite(row.id)]
      await stores.access.insertInvite(first, 0, NOW)
      await stores.access.insertInvite(second, 0, NOW)
      expect(await stores.access.invite(first.tokenHash, NOW)).toBeUndefined()
      expect(await stores.access.invite(second.tokenHash, NOW)).toEqual(second)
    })

    test('10 tries at an administrator’s invite: exactly 1 wins, and there is its key', async () => {
      const invite = adminInvite()
      await stores.access.insertInvite(invite, 50, NOW)
      const hashes = Array.from({ length: 10 }, () => newHash())
      const results = await Promise.all(
        hashes.map((hash) =>
          stores.access.redeemForKey(invite.tokenHash, NOW, ({ role }) => newKey({ scopes: [role] }), hash),
        ),
      )
      expect(results.filter(Boolean)).toHaveLength(1)
      const keys = await Promise.all(hashes.map((hash) => stores.access.keyByToken(hash)))
      expect(keys).toEqual(results)
      expect(results.find(Boolean)?.scopes).toEqual(['owner'])
    })

    test('10 tries at a password invite: exactly 1 wins, and its password counts', async () => {
      const row = { ...newAccount('enrolling'), verifiers: [] }
      await stores.accounts.insert([row], TODAY)
      const invite = passwordInvite(row.id)
      await stores.access.insertInvite(invite, 0, NOW)
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          stores.access.redeemForVerifiers(invite.tokenHash, NOW, verifiersOf(i * 2)),
        ),
      )
      expect(results.filter((id) => id === row.id)).toHaveLength(1)
      const stored = (await stores.accounts.verifier(row, 'SHA-1'))?.verifier.storedKey[0]
      expect(stored).toBe(results.indexOf(row.id) * 2)
    })

    test('an invite serves its own purpose only, and only in time', async () => {
      const row = newAccount('own-purpose')
      await stores.accounts.insert([row], TODAY)
      const [admin, password] = [adminInvite(), passwordInvite(row.id)]
      await stores.access.insertInvite(admin, 50, NOW)
      await stores.access.insertInvite(password, 50, NOW)
      expect(await stores.access.redeemForVerifiers(admin.tokenHash, NOW, verifiersOf(1))).toBeUndefined()
      expect(await stores.access.takeAdminInvite(password.tokenHash, NOW)).toBeUndefined()
      const redeem = ({ tokenHash }: InviteRow, now = NOW) =>
        stores.access.redeemForKey(tokenHash, now, () => newKey(), newHash())
      expect(await redeem(password)).toBeUndefined()
      expect(await redeem(admin, NOW + 1000)).toBeUndefined()
      expect(await redeem(admin)).toBeDefined()
    })

    test('10 who take an administrator’s invite: exactly 1 gets it; one that is for somebody known gives no key', async () => {
      const organisationId = newId()
      const appointment = { role: 'org_admin', organisationId, administratorId: newId(), invitedBy: newId() }
      const invite = adminInvite({ appointment })
      await stores.access.insertInvite(invite, 50, NOW)
      const asKey = stores.access.redeemForKey(invite.tokenHash, NOW, () => newKey(), newHash())
      expect(await asKey).toBeUndefined()
      const taken = await Promise.all(
        Array.from({ length: 10 }, () => stores.access.takeAdminInvite(invite.tokenHash, NOW)),
      )
      expect(taken.filter(Boolean)).toEqual([invite])
    })

    test('the keys of an organisation have a bound of their own, and go with it', async () => {
      const organisationId = newId()
      const own = newKey({ organisationId, networks: ['192.0.2.0/24', '2001:db8::/32'], madeBy: newId() })
      const [hash, server] = [newHash(), newHash()]
      expect(await stores.access.insertKey(own, hash, 1, '2026-01-01')).toBe(true)
      expect(await stores.access.insertKey(newKey({ organisationId }), newHash(), 1, '2026-01-01')).toBe(
        false,
      )
      expect(await stores.access.insertKey(newKey(), server, 500, '2026-01-01')).toBe(true)
      expect(await stores.access.keyByToken(hash)).toEqual(own)
      const other = newKey({ madeBy: newId() })
      const otherHash = newHash()
      await stores.access.insertKey(other, otherHash, 500, '2026-01-01')
      await stores.access.deleteKeysMadeBy(other.madeBy!)
      expect(await stores.access.keyByToken(otherHash)).toBeUndefined()
      expect(await stores.access.keyByToken(hash)).toBeDefined()
      await stores.access.deleteKeysOf(organisationId)
      expect(await stores.access.keyByToken(hash)).toBeUndefined()
      expect(await stores.access.keyByToken(server)).toBeDefined()
    })
  })

  test('the first administrator’s invite: 10 tries, exactly 1 wins; none while one is open or an administrator has a key', async () => {
    await using fresh = await open()
    const first = (now: number, today = TODAY) =>
      fresh.access.insertFirstInvite(adminInvite({ expiresAt: now + 1000 }), now, today)
    const results = await Promise.all(Array.from({ length: 10 }, () => first(NOW)))
    expect(results.filter(Boolean)).toHaveLength(1)
    expect(await first(NOW + 1000)).toBe(true)
    await fresh.access.insertKey(newKey(), newHash(), 500, '2026-01-01')
    expect(await first(NOW + 2000)).toBe(true)
    await fresh.access.insertKey(newKey({ scopes: ['*'], expiresOn: TODAY }), newHash(), 500, '2026-01-01')
    expect(await first(NOW + 3000)).toBe(false)
    expect(await first(NOW + 3000, LATER)).toBe(true)
  })
})

function passwordInvite(accountId: string): InviteRow {
  const expiresAt = NOW + 1000
  return { tokenHash: newHash(), purpose: 'password', accountId, appointment: undefined, expiresAt }
}

function wholeList() {
  return { after: undefined, limit: 100, domain: undefined, state: undefined, search: undefined }
}
