import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { readUpload, summarize, writeCertificate } from '@sealpost/openpgp'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { ed25519, NOW, sample } from '../../../../packages/openpgp/test/maker.ts'
import { openTestLog } from '../transparency/_test-log.ts'
import { memoryCertificateStore } from './store.memory.ts'
import { postgresCertificateStore } from './store.postgres.ts'
import { mailboxOf } from './mailbox.ts'
import type { CertificateStore, Needle, NewRow, Update } from './store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<CertificateStore> {
  const { url } = stack.use(await createMigratedDatabase())
  const db = stack.use(await openDb({ url, role: 'sealpost_keys', poolSize: 4 }))
  return postgresCertificateStore(db, await openTestLog(db))
}

let counter = 0

function newRow(overrides: Partial<NewRow> = {}): NewRow {
  counter += 1
  const [certificate] = readUpload(sample(counter).bytes, NOW).certificates
  if (certificate === undefined) throw new Error('no certificate')
  const listing = summarize(certificate, NOW)
  const kept = writeCertificate(certificate)
  return {
    fingerprint: listing.fingerprint,
    kept,
    served: kept,
    listing,
    addresses: [],
    minimal: overrides.addresses?.map((address) => Buffer.from(`for ${address}`)) ?? [],
    suspended: [],
    forgetOn: undefined,
    changedOn: undefined,
    ...overrides,
  }
}

describe.each([
  ['memory', async () => memoryCertificateStore()],
  ['postgres', openPostgres],
])('CertificateStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: CertificateStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  test('gives back what was put, and by each of its keys what is served', async () => {
    const row = newRow({ addresses: ['a@one.example', 'b@one.example'], forgetOn: '2026-03-01' })
    expect(await store.put(row, undefined)).toBe(true)
    const { minimal, changedOn: _, ...found } = row
    expect(await store.find(row.fingerprint)).toMatchObject({
      ...found,
      listing: JSON.parse(JSON.stringify(row.listing)) as unknown,
    })
    const { listing, fingerprint } = row
    for (const key of [listing, ...listing.subkeys]) {
      const served = [{ fingerprint, bytes: row.served }]
      expect(await store.serve({ kind: 'fingerprint', value: key.fingerprint }, 4)).toEqual(served)
      expect(await store.serve({ kind: 'key-id', value: key.keyId }, 4)).toEqual(served)
    }
    const [listed] = await store.list({ kind: 'address', value: 'b@one.example' }, 4)
    expect(listed).toMatchObject({ fingerprint, listing: { keyId: listing.keyId } })
    expect(await store.ownerOf('a@one.example')).toBe(fingerprint)
    expect(await store.serveMailbox(mailboxOf('b@one.example'))).toEqual(minimal[1])
    expect(await store.serveMailbox(mailboxOf('b@two.example'))).toBeUndefined()
    expect(await store.ownerOf('c@one.example')).toBeUndefined()
    expect(await store.find('00'.repeat(20))).toBeUndefined()
    expect(await store.serve({ kind: 'address', value: 'c@one.example' }, 4)).toEqual([])
  })

  test('many at once are written when they are neither here nor removed', async () => {
    const [here, removed, one, two] = [newRow(), newRow(), newRow(), newRow()]
    expect(await store.put(here, undefined)).toBe(true)
    await store.bury(removed.fingerprint)
    const written = await store.insertAll([here, removed, { ...one, changedOn: '2026-02-03' }, two])
    expect(written.sort()).toEqual([one.fingerprint, two.fingerprint].sort())
    expect(await store.find(removed.fingerprint)).toBeUndefined()
    expect(await store.insertAll([one, two])).toEqual([])
    expect(await store.insertAll([])).toEqual([])
    const all = [here, one, two, removed].map(({ fingerprint }) => fingerprint)
    const found = await store.findAll(all)
    expect(found.map(({ fingerprint }) => fingerprint).sort()).toEqual(all.slice(0, 3).sort())
    for (const row of found) expect(row).toEqual(await store.find(row.fingerprint))
    expect(await store.buriedAmong(all)).toEqual([removed.fingerprint])
    expect([await store.findAll([]), await store.buriedAmong([])]).toEqual([[], []])
    for (const { fingerprint, kept, served, listing } of [one, two]) {
      expect(await store.find(fingerprint)).toMatchObject({ kept, served, addresses: [] })
      for (const key of [listing, ...listing.subkeys])
        expect(await store.serve({ kind: 'fingerprint', value: key.fingerprint }, 4)).toEqual([
          { fingerprint, bytes: served },
        ])
    }
    expect(await store.prefixes('2026-02-03', 9)).toEqual([one.fingerprint.slice(0, 8).toLowerCase()])
  })

  test('the same ones by two at once, in any order, are each written by one', async () => {
    const base = newRow({ changedOn: '2026-02-04' })
    for (let round = 0; round < 5; round += 1) {
      const rows = Array.from({ length: 400 }, () => {
        const fingerprint = randomBytes(20).toString('hex').toUpperCase()
        return { ...base, fingerprint, listing: { ...base.listing, fingerprint, subkeys: [] } }
      })
      const written = await Promise.all([store.insertAll(rows), store.insertAll(rows.toReversed())])
      expect(written.flat().sort()).toEqual(rows.map(({ fingerprint }) => fingerprint).sort())
    }
  })

  test('writes only what was read: of ten at once one wins', async () => {
    const row = newRow()
    expect(await store.put(row, 1)).toBe(false)
    expect(await store.put(row, undefined)).toBe(true)
    expect(await store.put(row, undefined)).toBe(false)
    const revision = (await store.find(row.fingerprint))?.revision
    const tries = await Promise.all(Array.from({ length: 10 }, () => store.put(row, revision)))
    expect(tries.filter(Boolean)).toHaveLength(1)
  })

  test('an address belongs to one certificate, until that lets it go', async () => {
    const [one, other] = [newRow({ addresses: ['x@two.example'] }), newRow({ addresses: ['x@two.example'] })]
    expect(await store.put(one, undefined)).toBe(true)
    expect(await store.put(other, undefined)).toBe(false)
    expect(await store.find(other.fingerprint)).toBeUndefined()
    expect(
      await store.put({ ...one, addresses: [], minimal: [] }, (await store.find(one.fingerprint))?.revision),
    ).toBe(true)
    expect(await store.put(other, undefined)).toBe(true)
    expect(await store.ownerOf('x@two.example')).toBe(other.fingerprint)
  })

  test('an address goes to another certificate with both of them written, or neither', async () => {
    const [address, stays, third] = ['t@six.example', 'o@six.example', 'third@six.example']
    const [old, fresh] = [newRow({ addresses: [stays, address] }), newRow()]
    for (const row of [old, fresh, newRow({ addresses: [third] })])
      expect(await store.put(row, undefined)).toBe(true)
    const changedOn = '2026-02-05'
    const has = (row: NewRow, ...addresses: string[]): Update => ({
      row: { ...row, addresses, minimal: addresses.map(() => Buffer.from('new')), changedOn },
      revision: 1,
    })
    const [taker, loser] = [has(fresh, address), has(old, stays)]
    const refused: [Update, Update][] = [
      [{ ...taker, revision: 2 }, loser],
      [taker, { ...loser, revision: 2 }],
      [taker, has(old, stays, address)],
      [has(fresh, address, third), loser],
      [has(newRow(), address), loser],
    ]
    for (const each of refused) {
      expect(await store.takeOver(...each)).toBe(false)
      expect(await store.find(old.fingerprint)).toMatchObject({ addresses: [stays, address], revision: 1 })
      expect(await store.find(fresh.fingerprint)).toMatchObject({ addresses: [], revision: 1 })
      expect(await store.serveMailbox(mailboxOf(address))).toEqual(Buffer.from(`for ${address}`))
    }
    expect(await store.prefixes(changedOn, 9)).toEqual([])
    expect(await store.takeOver(taker, loser)).toBe(true)
    expect(await store.find(old.fingerprint)).toMatchObject({ addresses: [stays], revision: 2 })
    expect(await store.find(fresh.fingerprint)).toMatchObject({ addresses: [address], revision: 2 })
    expect(await store.ownerOf(address)).toBe(fresh.fingerprint)
    expect(await store.serveMailbox(mailboxOf(address))).toEqual(Buffer.from('new'))
    expect(await store.prefixes(changedOn, 9)).toHaveLength(2)
  })

  test('of several that take addresses over at once, also from each other, one wins', async () => {
    const addresses = ['u@six.example', 'v@six.example']
    const rows = [newRow({ addresses }), newRow(), newRow()] as const
    for (const row of rows) expect(await store.put(row, undefined)).toBe(true)
    for (let round = 0; round < 5; round += 1) {
      const updates = await Promise.all(
        rows.map(async (row) => ({ row, revision: (await store.find(row.fingerprint))?.revision ?? 0 })),
      )
      const tries = updates.flatMap((taker) =>
        updates.filter((loser) => loser !== taker).map((loser) => ({ taker, loser })),
      )
      const won = await Promise.all(
        tries.map(({ taker, loser }) =>
          store.takeOver(
            { ...taker, row: { ...taker.row, addresses } },
            { ...loser, row: { ...loser.row, addresses: [] } },
          ),
        ),
      )
      expect(won.filter(Boolean)).toHaveLength(1)
      const owner = tries[won.indexOf(true)]?.taker.row.fingerprint
      for (const address of addresses) expect(await store.ownerOf(address)).toBe(owner)
    }
  })

  test('a mailbox is answered what was written for it last, and nothing when that is nothing', async () => {
    const row = newRow({ addresses: ['m@five.example', 'n@five.example'] })
    expect(await store.put(row, undefined)).toBe(true)
    const changed = { ...row, minimal: [Buffer.from('new'), undefined] }
    expect(await store.put(changed, (await store.find(row.fingerprint))?.revision)).toBe(true)
    expect(await store.serveMailbox(mailboxOf('m@five.example'))).toEqual(Buffer.from('new'))
    expect(await store.serveMailbox(mailboxOf('n@five.example'))).toBeUndefined()
    expect(await store.ownerOf('n@five.example')).toBe(row.fingerprint)
    expect(await store.delete(row.fingerprint)).toBe(true)
    expect(await store.serveMailbox(mailboxOf('m@five.example'))).toBeUndefined()
  })

  test('primary keys come first, then subkeys that signed them, then others; by the fingerprint of a primary key nothing else', async () => {
    const adopted = ed25519(500).key.fingerprint.toString('hex').toUpperCase()
    const claim = (crossSigned: boolean): NewRow => {
      const row = newRow()
      const [subkey] = row.listing.subkeys
      if (subkey === undefined) throw new Error('no subkey')
      return {
        ...row,
        listing: {
          ...row.listing,
          subkeys: [{ ...subkey, fingerprint: adopted, keyId: adopted.slice(-16), crossSigned }],
        },
      }
    }
    const own = newRow()
    const primary = {
      ...own,
      fingerprint: adopted,
      listing: { ...own.listing, fingerprint: adopted, keyId: adopted.slice(-16) },
    }
    const [weak, strong] = [claim(false), claim(true)]
    const byFingerprint = { kind: 'fingerprint', value: adopted } as const
    const byKeyId = { kind: 'key-id', value: adopted.slice(-16) } as const
    const found = async (needle: Needle): Promise<string[]> => {
      const served = (await store.serve(needle, 4)).map(({ fingerprint }) => fingerprint)
      expect((await store.list(needle, 4)).map(({ fingerprint }) => fingerprint)).toEqual(served)
      expect(await store.list(needle, 1)).toHaveLength(1)
      return served
    }
    for (const row of [weak, strong]) expect(await store.put(row, undefined)).toBe(true)
    for (const needle of [byFingerprint, byKeyId])
      expect(await found(needle)).toEqual([strong.fingerprint, weak.fingerprint])
    expect(await store.put(primary, undefined)).toBe(true)
    expect(await found(byKeyId)).toEqual([adopted, strong.fingerprint, weak.fingerprint])
    expect(await found(byFingerprint)).toEqual([adopted])
  })

  test('deletes a certificate with all that led to it', async () => {
    const row = newRow({ addresses: ['gone@example.org'] })
    await store.put(row, undefined)
    expect(await store.delete(row.fingerprint)).toBe(true)
    expect(await store.delete(row.fingerprint)).toBe(false)
    expect(await store.serve({ kind: 'key-id', value: row.listing.keyId }, 4)).toEqual([])
    expect(await store.ownerOf('gone@example.org')).toBeUndefined()
  })

  test('tells what is due to be forgotten', async () => {
    const [early, late] = [newRow({ forgetOn: '2020-01-01' }), newRow({ forgetOn: '2020-01-03' })]
    for (const row of [early, late]) await store.put(row, undefined)
    expect(await store.due('2019-12-31', 9)).toEqual([])
    expect(await store.due('2020-01-02', 9)).toEqual([early.fingerprint])
    expect(await store.due('2020-01-03', 1)).toHaveLength(1)
  })

  test('keeps a log of prefixes by day, until it is forgotten', async () => {
    const [one, other] = [newRow({ changedOn: '2020-02-01' }), newRow({ changedOn: '2020-02-02' })]
    for (const row of [one, other]) await store.put(row, undefined)
    const prefix = (row: NewRow): string => row.fingerprint.slice(0, 8).toLowerCase()
    expect(await store.put({ ...one, changedOn: '2020-02-02' }, 1)).toBe(true)
    expect(await store.put({ ...one, changedOn: '2020-02-03' }, 1)).toBe(false)
    expect(await store.put({ ...one, changedOn: undefined }, 2)).toBe(true)
    expect(await store.prefixes('2020-02-01', 9)).toEqual([prefix(one)])
    expect(await store.prefixes('2020-02-02', 9)).toEqual([prefix(one), prefix(other)].sort())
    expect(await store.prefixes('2020-02-02', 1)).toHaveLength(1)
    expect(await store.prefixes('2020-02-03', 9)).toEqual([])
    await store.forgetPrefixes('2020-02-01')
    expect(await store.prefixes('2020-02-01', 9)).toEqual([])
    expect(await store.prefixes('2020-02-02', 9)).toHaveLength(2)
    expect(await store.delete(one.fingerprint)).toBe(true)
    expect(await store.prefixes('2020-02-02', 9)).toHaveLength(2)
  })

  test('a suspended address is nobody’s to find, and still taken', async () => {
    const row = newRow({
      addresses: ['s1@three.example'],
      suspended: ['s2@three.example', 's3@three.example'],
    })
    await store.put(row, undefined)
    expect(await store.find(row.fingerprint)).toMatchObject({
      addresses: row.addresses,
      suspended: row.suspended,
    })
    expect(await store.serve({ kind: 'address', value: 's2@three.example' }, 4)).toEqual([])
    expect(await store.list({ kind: 'address', value: 's2@three.example' }, 4)).toEqual([])
    expect(await store.ownerOf('s2@three.example')).toBe(row.fingerprint)
    expect(await store.put(newRow({ addresses: ['s2@three.example'] }), undefined)).toBe(false)
    expect(await store.put(newRow({ suspended: ['s1@three.example'] }), undefined)).toBe(false)
    expect(await store.suspendedAddresses('', 1)).toEqual(['s2@three.example'])
    expect(await store.suspendedAddresses('s2@three.example', 9)).toEqual(['s3@three.example'])
    const shown = { ...row, addresses: [...row.addresses, 's2@three.example'], suspended: [] }
    await store.put(shown, (await store.find(row.fingerprint))?.revision)
    expect(await store.serve({ kind: 'address', value: 's2@three.example' }, 4)).toHaveLength(1)
    expect(await store.suspendedAddresses('', 9)).toEqual([])
    expect(await store.ownerOf('s3@three.example')).toBeUndefined()
  })

  test('reminders: 30, 7 and 1 days before, each claimed once; a new expiry begins anew', async () => {
    const address = 'r@four.example'
    const expiring = (row: NewRow, day: string): NewRow => ({
      ...row,
      listing: { ...row.listing, expires: Date.parse(`${day}T12:00:00Z`) / 1000 },
    })
    const row = expiring(newRow({ addresses: [address], suspended: ['hidden@four.example'] }), '2040-03-01')
    await store.put(row, undefined)
    const revoked = newRow({ addresses: ['revoked@four.example'] })
    await store.put(
      expiring({ ...revoked, listing: { ...revoked.listing, revoked: 'hard' } }, '2040-03-01'),
      undefined,
    )
    const due = async (day: string): Promise<number[]> =>
      (await store.dueReminders(day, 9)).map(({ days }) => days)
    expect(await due('2040-01-30')).toEqual([])
    const [first] = await store.dueReminders('2040-01-31', 9)
    expect(first).toEqual({ address, fingerprint: row.fingerprint, expiresOn: '2040-03-01', days: 30 })
    if (first === undefined) return
    expect(await store.claimReminder(first)).toBe(true)
    expect(await store.claimReminder(first)).toBe(false)
    expect(await due('2040-01-31')).toEqual([])
    await store.releaseReminder(first)
    expect(await due('2040-02-22')).toEqual([30])
    for (const [day, days] of [
      ['2040-02-23', 7],
      ['2040-02-29', 1],
    ] as const) {
      const [next] = await store.dueReminders(day, 9)
      expect(next?.days).toBe(days)
      expect(next && (await store.claimReminder(next))).toBe(true)
      expect(await store.claimReminder(first)).toBe(false)
      expect(await due(day)).toEqual([])
    }
    expect(await due('2040-03-01')).toEqual([])
    await store.put(expiring(row, '2040-04-01'), (await store.find(row.fingerprint))?.revision)
    expect(await due('2040-03-20')).toEqual([30])
  })

  test('remembers who is buried', async () => {
    const { fingerprint } = newRow()
    expect(await store.isBuried(fingerprint)).toBe(false)
    await store.bury(fingerprint)
    await store.bury(fingerprint)
    expect(await store.isBuried(fingerprint)).toBe(true)
    await store.unbury(fingerprint)
    expect(await store.isBuried(fingerprint)).toBe(false)
  })
})
