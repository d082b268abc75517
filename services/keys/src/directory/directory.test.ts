import { afterAll, describe, expect, test } from 'vitest'
import type { Account } from '@sealpost/accounts'
import { OpenPgpError, readArmor, summarize, readStored } from '@sealpost/openpgp'
import { systemClock } from '@sealpost/runtime'
import type { Clock } from '@sealpost/runtime'
import { readFileSync } from 'node:fs'
import {
  BIRTH,
  certify,
  DAY,
  direct,
  ed25519,
  flags,
  NOW,
  reason,
  sample,
  seconds,
  userId,
} from '../../../../packages/openpgp/test/maker.ts'
import { CertificateWorker } from '../certificates/certificate-worker.ts'
import { noAccounts } from './_no-accounts.ts'
import { Directory } from './directory.ts'
import type { DirectoryOptions } from './directory.ts'
import { memoryCertificateStore } from './store.memory.ts'

const worker = new CertificateWorker(systemClock)
afterAll(() => worker[Symbol.asyncDispose]())

let today = NOW * 1000
const clock: Clock = { ...systemClock, now: () => today }

function open(store = memoryCertificateStore()): Directory {
  return new Directory({ store, ...noAccounts, worker, clock })
}

const fingerprintOf = (seed: number): string => ed25519(seed).key.fingerprint.toString('hex').toUpperCase()
const byFingerprint = (seed: number) => ({ kind: 'fingerprint', value: fingerprintOf(seed) }) as const
const byAddress = (value: string) => ({ kind: 'address', value }) as const

async function userIds(directory: Directory, seed: number): Promise<string[]> {
  const [served] = await directory.find(byFingerprint(seed))
  return served ? summarize(readStored(served.bytes), NOW).userIds.map(({ text }) => text) : ['nothing']
}

describe('submitting', () => {
  test('many at once: new, known, changed and removed ones each have their outcome, and of two uploads at the same time nothing is lost', async () => {
    const directory = open()
    const seeds = Array.from({ length: 70 }, (_, index) => 3_000 + index)
    const bytesOf = (seed: number): Buffer =>
      sample(seed, { addresses: [`u${String(seed)}@example.org`] }).bytes
    const [known, updated, removed] = [3_000, 3_001, 3_002] as const
    await directory.submit(Buffer.concat([bytesOf(known), bytesOf(updated), bytesOf(removed)]))
    await directory.remove(fingerprintOf(removed))
    const revocation = direct(ed25519(updated), { type: 0x20, created: BIRTH + DAY, hashed: [reason(2)] })
    const changed = Buffer.concat([ed25519(updated).key.packet.bytes, revocation])
    const rest = seeds.filter((seed) => ![known, updated, removed].includes(seed as never))
    const upload = Buffer.concat([bytesOf(known), changed, bytesOf(removed), ...rest.map(bytesOf)])
    const { certificates } = await directory.submit(upload)
    const outcomes = new Map(certificates.map(({ fingerprint, outcome }) => [fingerprint, outcome]))
    expect([known, updated, removed].map((seed) => outcomes.get(fingerprintOf(seed)))).toEqual([
      'unchanged',
      'updated',
      'ignored',
    ])
    expect(rest.map((seed) => outcomes.get(fingerprintOf(seed)))).toEqual(rest.map(() => 'inserted'))
    expect(certificates.find(({ fingerprint }) => fingerprint === fingerprintOf(known))).toMatchObject({
      addresses: ['u3000@example.org'],
      unpublished: ['u3000@example.org'],
    })
    const more = Array.from({ length: 40 }, (_, index) => bytesOf(3_100 + index))
    const both = await Promise.all([
      directory.submit(Buffer.concat(more)),
      directory.submit(Buffer.concat(more.toReversed())),
    ])
    const twice = both.flatMap((each) => each.certificates.map(({ outcome }) => outcome))
    expect(twice.toSorted()).toEqual([...more.map(() => 'inserted'), ...more.map(() => 'unchanged')])
  })

  test('a certificate is answered without user ids until its owner publishes them', async () => {
    const directory = open()
    const { bytes } = sample(1, { addresses: ['One@example.org', 'two@example.org'] })
    const first = await directory.submit(bytes)
    expect(first.certificates).toEqual([
      {
        fingerprint: fingerprintOf(1),
        outcome: 'inserted',
        unpublished: ['one@example.org', 'two@example.org'],
        addresses: ['one@example.org', 'two@example.org'],
        named: ['one@example.org', 'two@example.org'],
      },
    ])
    expect(await userIds(directory, 1)).toEqual([])
    expect(await directory.find(byAddress('one@example.org'))).toEqual([])
    await directory.publish(fingerprintOf(1), 'ONE@example.org')
    expect(await userIds(directory, 1)).toEqual(['User <One@example.org>'])
    expect(await directory.find(byAddress('oNe@example.org'))).toHaveLength(1)
    expect((await directory.submit(bytes)).certificates).toMatchObject([
      { outcome: 'unchanged', unpublished: ['two@example.org'] },
    ])
    await directory.unpublish('one@example.org')
    expect(await userIds(directory, 1)).toEqual([])
  })

  test('the index tells the expiry also when the user id that tells it is not shown', async () => {
    const directory = open()
    const primary = ed25519(12)
    const expiring = certify(primary, 'a@example.org', { hashed: [seconds(9, 30 * DAY), flags(1)] })
    await directory.submit(Buffer.concat([primary.key.packet.bytes, userId('a@example.org'), expiring]))
    const [listed] = await directory.list(byFingerprint(12))
    expect(listed?.listing).toMatchObject({ expires: BIRTH + 30 * DAY, flags: 'c', userIds: [] })
  })

  test('an update is merged, whoever sends it, and loses nothing', async () => {
    const directory = open()
    const { primary, bytes } = sample(2)
    await directory.submit(bytes)
    const more = Buffer.concat([
      primary.key.packet.bytes,
      userId('new@example.org'),
      certify(primary, 'new@example.org'),
    ])
    expect((await directory.submit(more)).certificates).toMatchObject([
      { outcome: 'updated', unpublished: ['user2@example.org', 'new@example.org'] },
    ])
    expect((await directory.submit(more)).certificates).toMatchObject([{ outcome: 'unchanged' }])
  })

  test('ten uploads at once: all of it is there', async () => {
    const directory = open()
    const { primary, bytes } = sample(3)
    const uploads = Array.from({ length: 10 }, (_, index) => {
      const text = `u${String(index)}@example.org`
      return Buffer.concat([bytes, primary.key.packet.bytes, userId(text), certify(primary, text)])
    })
    await Promise.all(uploads.map((each) => directory.submit(each)))
    expect((await directory.submit(bytes)).certificates[0]?.unpublished).toHaveLength(11)
  })

  test('secret keys and rubbish are refused, by code', async () => {
    const directory = open()
    for (const [upload, code] of [
      [Buffer.from('-----BEGIN PGP PRIVATE KEY BLOCK-----'), 'OPENPGP_SECRET_KEY'],
      [Buffer.from('hello'), 'OPENPGP_NO_CERTIFICATE'],
      [sample(4).bytes.subarray(0, 100), 'OPENPGP_MALFORMED'],
    ] as const)
      await expect(directory.submit(upload)).rejects.toSatisfy(
        (error) => error instanceof OpenPgpError && error.code === code,
      )
  })
})

describe('publishing', () => {
  test('an address has one certificate: the last one published', async () => {
    const directory = open()
    for (const seed of [5, 6]) await directory.submit(sample(seed, { addresses: ['same@example.org'] }).bytes)
    await directory.publish(fingerprintOf(5), 'same@example.org')
    await directory.publish(fingerprintOf(6), 'same@example.org')
    expect((await directory.find(byAddress('same@example.org'))).map((each) => each.fingerprint)).toEqual([
      fingerprintOf(6),
    ])
    expect(await userIds(directory, 5)).toEqual([])
    await Promise.all([
      directory.publish(fingerprintOf(5), 'same@example.org'),
      directory.publish(fingerprintOf(6), 'same@example.org'),
    ])
    expect(await directory.find(byAddress('same@example.org'))).toHaveLength(1)
  })

  test('wherever publishing fails, the one that was published still is', async () => {
    const store = memoryCertificateStore()
    const directory = open(store)
    const address = 'same@example.org'
    for (const seed of [5, 6]) await directory.submit(sample(seed, { addresses: [address] }).bytes)
    await directory.publish(fingerprintOf(5), address)
    /** With a worker that is busy after so many merges. */
    const isPublished = async (merges: number): Promise<boolean> => {
      let left = merges
      const busy: DirectoryOptions['worker'] = {
        read: (task) => worker.read(task),
        mergeAll: (tasks) => worker.mergeAll(tasks),
        import: (task) => worker.import(task),
        async merge(task) {
          left -= 1
          if (left < 0) throw new Error('busy')
          return worker.merge(task)
        },
      }
      const publishing = new Directory({ store, ...noAccounts, worker: busy, clock }).publish(
        fingerprintOf(6),
        address,
      )
      return publishing.then(
        () => true,
        () => false,
      )
    }
    let merges = 0
    for (; !(await isPublished(merges)); merges += 1)
      expect(await directory.ownerOf(address)).toBe(fingerprintOf(5))
    expect(merges).toBeGreaterThan(1)
    expect(await directory.ownerOf(address)).toBe(fingerprintOf(6))
  })

  test('of two that take an address over at once, one has it', async () => {
    const directory = open()
    const address = 'same@example.org'
    for (const seed of [5, 6, 7]) await directory.submit(sample(seed, { addresses: [address] }).bytes)
    await directory.publish(fingerprintOf(5), address)
    await Promise.all([6, 7].map((seed) => directory.publish(fingerprintOf(seed), address)))
    expect([fingerprintOf(6), fingerprintOf(7)]).toContain(await directory.ownerOf(address))
    const shown = await Promise.all([5, 6, 7].map((seed) => userIds(directory, seed)))
    expect(shown.flat()).toHaveLength(1)
  })

  test('a certificate that does not have the address leaves the one that is published for it', async () => {
    const directory = open()
    await directory.submit(sample(5, { addresses: ['same@example.org'] }).bytes)
    await directory.submit(sample(6, { addresses: ['other@example.org'] }).bytes)
    await directory.publish(fingerprintOf(5), 'same@example.org')
    await expect(directory.publish(fingerprintOf(6), 'same@example.org')).rejects.toMatchObject({
      code: 'KEYS_NO_SUCH_USER_ID',
    })
    expect(await directory.find(byAddress('same@example.org'))).toHaveLength(1)
  })

  test('only addresses of the certificate, and only certificates that are here', async () => {
    const directory = open()
    await directory.submit(sample(7).bytes)
    await expect(directory.publish(fingerprintOf(7), 'other@example.org')).rejects.toMatchObject({
      code: 'KEYS_NO_SUCH_USER_ID',
    })
    await expect(directory.publish(fingerprintOf(8), 'user8@example.org')).rejects.toMatchObject({
      code: 'KEYS_UNKNOWN',
    })
  })

  test('user ids that nobody published are forgotten after two weeks', async () => {
    const directory = open()
    await directory.submit(sample(9, { addresses: ['kept@example.org', 'lost@example.org'] }).bytes)
    await directory.publish(fingerprintOf(9), 'kept@example.org')
    today += 13 * DAY * 1000
    expect(await directory.forgetUnpublished()).toBe(0)
    today += DAY * 1000
    expect(await directory.forgetUnpublished()).toBe(1)
    expect(await directory.forgetUnpublished()).toBe(0)
    await expect(directory.publish(fingerprintOf(9), 'lost@example.org')).rejects.toMatchObject({
      code: 'KEYS_NO_SUCH_USER_ID',
    })
    expect(await userIds(directory, 9)).toEqual(['User <kept@example.org>'])
  })

  test('however many are due, none of them waits for another turn', async () => {
    const store = memoryCertificateStore()
    const directory = open({ ...store, due: (day) => store.due(day, 1) })
    for (const seed of [21, 22, 23]) await directory.submit(sample(seed).bytes)
    today += 14 * DAY * 1000
    expect(await directory.forgetUnpublished()).toBe(3)
    expect(await directory.forgetUnpublished()).toBe(0)
  })
})

describe('importing', () => {
  test('of a certificate that comes twice at once, both are merged', async () => {
    const directory = open()
    const once = [
      sample(24, { addresses: ['one@example.org'] }).bytes,
      sample(24, { addresses: ['two@example.org'] }).bytes,
    ]
    const imported = await directory.importAll(once, () => true)
    expect(imported).toMatchObject({ inserted: 1, updated: 1, unchanged: 0, published: 2 })
    expect((await directory.describe(fingerprintOf(24)))?.published).toEqual([
      'one@example.org',
      'two@example.org',
    ])
  })
})

describe('revoking and removing', () => {
  test.each([false, true])(
    'what is removed while somebody sends it stays removed (revoked: %s)',
    async (revoked) => {
      const store = memoryCertificateStore()
      const directory = open(store)
      const { primary, bytes } = sample(25)
      await directory.submit(bytes)
      if (revoked) await directory.submit(direct(primary, { type: 0x20, hashed: [reason(2)] }))
      let removed = false
      const sender = open({
        ...store,
        // In the midst of an upload.
        async buriedAmong(fingerprints) {
          const buried = await store.buriedAmong(fingerprints)
          if (!removed) removed = await directory.remove(fingerprintOf(25))
          return buried
        },
      })
      await sender.submit(sample(25, { addresses: ['more@example.org'] }).bytes)
      expect(removed).toBe(true)
      expect((await directory.describe(fingerprintOf(25)))?.unpublished ?? []).toEqual([])
      expect(await userIds(directory, 25)).toEqual(revoked ? [] : ['nothing'])
    },
  )

  test('a revocation that comes alone is applied to its certificate', async () => {
    const directory = open()
    const { primary, bytes } = sample(10)
    const revocation = direct(primary, { type: 0x20, hashed: [reason(2)] })
    expect(await directory.submit(revocation)).toMatchObject({ certificates: [], rejected: 1 })
    await directory.submit(bytes)
    expect((await directory.submit(revocation)).certificates).toMatchObject([{ outcome: 'updated' }])
    expect((await directory.list(byFingerprint(10)))[0]?.listing.revoked).toBe('hard')
  })

  test('the revocation that GnuPG writes, armored', async () => {
    const directory = open()
    const load = (name: string) =>
      readFileSync(new URL(`../../../../test/vectors/openpgp/certificates/${name}.asc`, import.meta.url))
    const { certificates } = await directory.submit(load('gpg-life'))
    await directory.submit(load('gpg-revocation'))
    const [listed] = await directory.list({ kind: 'fingerprint', value: certificates[0]?.fingerprint ?? '' })
    expect(listed?.listing.revoked).toBe('hard')
    expect(readArmor(load('gpg-revocation').toString())).toHaveLength(1)
  })

  test('what its owner removed is gone and does not come back, but its revocation does', async () => {
    const directory = open()
    const { primary, bytes } = sample(11)
    await directory.submit(bytes)
    await directory.publish(fingerprintOf(11), 'user11@example.org')
    expect(await directory.remove(fingerprintOf(11))).toBe(true)
    expect(await directory.remove(fingerprintOf(11))).toBe(false)
    expect(await directory.find(byAddress('user11@example.org'))).toEqual([])
    expect((await directory.submit(bytes)).certificates).toMatchObject([{ outcome: 'ignored' }])
    expect(await directory.find(byFingerprint(11))).toEqual([])
    const revoked = Buffer.concat([
      bytes,
      primary.key.packet.bytes,
      direct(primary, { type: 0x20, created: BIRTH + DAY }),
    ])
    expect((await directory.submit(revoked)).certificates).toMatchObject([
      { outcome: 'inserted', unpublished: [] },
    ])
    const [listed] = await directory.list(byFingerprint(11))
    expect(listed?.listing).toMatchObject({ revoked: 'hard', userIds: [], subkeys: [] })
    await directory.readmit(fingerprintOf(11))
    expect((await directory.submit(bytes)).certificates).toMatchObject([
      { outcome: 'updated', unpublished: ['user11@example.org'] },
    ])
  })
})

describe('suspending', () => {
  test('hides an address without forgetting it, until it is restored', async () => {
    const directory = open()
    const { bytes } = sample(1, { addresses: ['one@example.org', 'two@example.org'] })
    await directory.submit(bytes)
    for (const address of ['one@example.org', 'two@example.org'])
      await directory.publish(fingerprintOf(1), address)
    await directory.suspend('ONE@example.org')
    expect(await userIds(directory, 1)).toEqual(['User <two@example.org>'])
    expect(await directory.find(byAddress('one@example.org'))).toEqual([])
    expect(await directory.describe(fingerprintOf(1))).toMatchObject({
      published: ['two@example.org'],
      suspended: ['one@example.org'],
      unpublished: [],
    })
    today += 20 * DAY * 1000
    await directory.forgetUnpublished()
    await directory.restore('one@example.org')
    today = NOW * 1000
    expect(await directory.find(byAddress('one@example.org'))).toHaveLength(1)
    expect(await userIds(directory, 1)).toEqual(['User <one@example.org>', 'User <two@example.org>'])
  })

  test('a domain that is not in ASCII is one domain, however a user id writes it', async () => {
    const directory = open()
    await directory.submit(sample(1, { addresses: ['a@xn--bcher-kva.example'] }).bytes)
    await directory.submit(sample(2, { addresses: ['a@bücher.example'] }).bytes)
    await directory.publish(fingerprintOf(1), 'a@xn--bcher-kva.example')
    expect(await directory.find(byAddress('a@bücher.example'))).toHaveLength(1)
    await directory.suspend('a@bücher.example')
    expect(await directory.find(byAddress('a@xn--bcher-kva.example'))).toEqual([])
    await directory.restore('a@bücher.example')
    await directory.publish(fingerprintOf(2), 'a@bücher.example')
    expect(await userIds(directory, 1)).toEqual([])
    await directory.erase('a@xn--bcher-kva.example')
    expect(await userIds(directory, 2)).toEqual(['nothing'])
  })

  test('who is restored while it is hidden is shown, who is terminated then is erased, and who stays suspended is hidden', async () => {
    const outcomes = []
    for (const states of [
      ['suspended', 'active'],
      ['suspended', 'terminated'],
      ['suspended', 'suspended'],
    ] as const) {
      const left: string[] = [...states]
      const accountOf = (): Promise<Account> => Promise.resolve({ state: left.shift() } as Account)
      const store = memoryCertificateStore()
      const directory = new Directory({ store, ...noAccounts, accountOf, worker, clock })
      await directory.submit(sample(1).bytes)
      await directory.publish(fingerprintOf(1), 'user1@example.org')
      outcomes.push(await userIds(directory, 1))
    }
    expect(outcomes).toEqual([['User <user1@example.org>'], ['nothing'], []])
  })

  test('does nothing where nothing is published, and restoring neither', async () => {
    const directory = open()
    await directory.submit(sample(1).bytes)
    await directory.suspend('user1@example.org')
    await directory.restore('user1@example.org')
    expect(await userIds(directory, 1)).toEqual([])
  })
})

describe('erasing', () => {
  test('forgets the user ids of the address, and keeps what others published', async () => {
    const directory = open()
    await directory.submit(sample(1, { addresses: ['one@example.org', 'two@example.org'] }).bytes)
    for (const address of ['one@example.org', 'two@example.org'])
      await directory.publish(fingerprintOf(1), address)
    await directory.erase('one@example.org')
    const described = await directory.describe(fingerprintOf(1))
    expect(described).toMatchObject({ published: ['two@example.org'], unpublished: [], suspended: [] })
    expect(described?.kept.includes('one@example.org')).toBe(false)
    await directory.erase('two@example.org')
    expect(await userIds(directory, 1)).toEqual(['nothing'])
    expect((await directory.submit(sample(1).bytes)).certificates).toMatchObject([{ outcome: 'inserted' }])
  })

  test('a revocation outlives it', async () => {
    const directory = open()
    await directory.submit(sample(1).bytes)
    await directory.publish(fingerprintOf(1), 'user1@example.org')
    await directory.submit(direct(ed25519(1), { type: 0x20, hashed: [reason(2)] }))
    await directory.erase('user1@example.org')
    expect(await userIds(directory, 1)).toEqual([])
    expect((await directory.list(byFingerprint(1)))[0]?.listing).toMatchObject({
      revoked: 'hard',
      subkeys: [],
    })
  })
})
