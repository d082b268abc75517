import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openDb, sql } from '@sealpost/db'
import type { Db } from '@sealpost/db'
import {
  EMPTY_ROOT,
  Frontier,
  hashCertificate,
  hashLeaf,
  hashVrfOutput,
  NO_CERTIFICATE,
  openCheckpoint,
  parseVerifierKey,
  readBundle,
  readEntry,
  signCheckpoint,
  TILE_WIDTH,
  TiledTree,
  tilePath,
  tileWidth,
  verifyConsistency,
  verifyLookup,
  verifyVrf,
  vrfInput,
  vrfKeyOf,
  writeEntry,
} from '@sealpost/tlog'
import type { Checkpoint, NoteKey, TileHash } from '@sealpost/tlog'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { longTest } from '../../../test/long-test.ts'
import { BIRTH, certify, DAY, ed25519, sample, userId } from '../../../packages/openpgp/test/maker.ts'
import { createTestPlatform } from '../../../test/platform.ts'
import type { TestPlatform } from '../../../test/platform.ts'
import { serveKeys, type ServedKeys, startKeys } from './keys.ts'
import { KeyLog } from '../src/transparency/key-log.ts'
import { LOG_SECRETS_FILE, openLogSecrets } from '../src/transparency/log-secrets.ts'
import { postgresLogStore } from '../src/transparency/log-store.postgres.ts'

async function get(
  server: ServedKeys,
  path: string,
): Promise<{ status: number; headers: Headers; bytes: Buffer }> {
  const answer = await fetch(server.http + path)
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) }
}

const keyOf = async (server: ServedKeys): Promise<NoteKey> =>
  parseVerifierKey((await get(server, '/tlog/key')).bytes.toString().trim())

const checkpointOf = async (server: ServedKeys): Promise<Checkpoint> =>
  openCheckpoint((await get(server, '/tlog/checkpoint')).bytes, await keyOf(server))

/** The tree as somebody sees it who has nothing but tiles. */
function treeOf(server: ServedKeys, size: number): TiledTree {
  return new TiledTree(size, async (tile) => {
    const { status, bytes } = await get(server, `/tlog/${tilePath(tile)}`)
    expect(status).toBe(200)
    return bytes
  })
}

async function entriesOf(
  server: ServedKeys,
  size: number,
): Promise<{ address: string; certificate: string }[]> {
  const all: Buffer[] = []
  for (let index = 0; index * TILE_WIDTH < size; index += 1) {
    const tile = { level: 'entries', index } as const
    const width = tileWidth(tile, size)
    all.push(...readBundle((await get(server, `/tlog/${tilePath({ ...tile, width })}`)).bytes, width))
  }
  return all.map(readEntry).map(({ address, certificate }) => ({
    address: address.toString('hex'),
    certificate: certificate.toString('hex'),
  }))
}

interface HistoryAnswer {
  readonly vrf_proof: string
  readonly entries: readonly { index: number; certificate_hash: string; day: string; kept: boolean }[]
}

const historyOf = async (server: ServedKeys, address: string): Promise<HistoryAnswer> =>
  JSON.parse((await get(server, `/keys/v1/history/${address}`)).bytes.toString()) as HistoryAnswer

const fingerprintOf = (seed: number): string => ed25519(seed).key.fingerprint.toString('hex').toUpperCase()
const served = async ({ service }: ServedKeys, value: string): Promise<Buffer> =>
  (await service.directory.find({ kind: 'address', value }))[0]?.bytes ?? Buffer.alloc(0)

describe('one address, from beginning to end', () => {
  const ADDRESS = 'user1@example.org'
  let platform: TestPlatform
  let server: ServedKeys
  /** What was served after each change; empty for nothing. */
  const was: Buffer[] = []
  const note = async (): Promise<void> => void was.push(await served(server, ADDRESS))

  beforeAll(async () => {
    platform = await createTestPlatform()
    server = await serveKeys(platform)
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await platform[Symbol.asyncDispose]()
  })

  test('C2SP tlog-tiles, Checkpoints: an empty log has a signed head, and its key has the VRF key in its name', async () => {
    const { headers } = await get(server, '/tlog/checkpoint')
    expect([headers.get('content-type'), headers.get('cache-control')]).toEqual([
      'text/plain; charset=utf-8',
      'public, max-age=2',
    ])
    expect(await checkpointOf(server)).toMatchObject({ size: 0, root: EMPTY_ROOT })
    expect((await keyOf(server)).name).toMatch(/^localhost\/tlog\/[\w-]{43}$/)
    expect((await get(server, '/tlog/tile/0/000')).status).toBe(404)
    expect((await get(server, `/keys/v1/proof/${ADDRESS}`)).status).toBe(404)
    expect(await historyOf(server, ADDRESS)).toMatchObject({ entries: [] })
  })

  test('submitting changes nothing for an address, so nothing is logged', async () => {
    await server.service.directory.submit(sample(1).bytes)
    expect((await checkpointOf(server)).size).toBe(0)
  })

  test('publishing is logged, and the lookup verifies offline', async () => {
    await server.service.directory.publish(fingerprintOf(1), ADDRESS)
    await note()
    await server.service.directory.publish(fingerprintOf(1), ADDRESS)
    const { status, headers, bytes } = await get(server, `/keys/v1/proof/${ADDRESS.toUpperCase()}`)
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      200,
      'text/plain; charset=utf-8',
      'no-store',
    ])
    const lookup = { proof: bytes.toString(), address: ADDRESS, certificate: await served(server, ADDRESS) }
    const proven = verifyLookup(lookup, { log: await keyOf(server) })
    expect(proven).toMatchObject({ index: 0, checkpoint: { size: 1 } })
  })

  test('an update by anybody, another certificate, withdrawal and removal are each logged', async () => {
    const { directory } = server.service
    const { primary } = sample(1)
    const name = `User <${ADDRESS}>`
    const newer = certify(primary, name, { created: BIRTH + 2 * DAY })
    await directory.submit(Buffer.concat([primary.key.packet.bytes, userId(name), newer]))
    await note()
    await directory.submit(sample(2, { addresses: [ADDRESS] }).bytes)
    await directory.publish(fingerprintOf(2), ADDRESS)
    was.push(Buffer.alloc(0)) // For a moment there is none: one certificate an address.
    await note()
    await directory.unpublish(ADDRESS)
    await note()
    await directory.publish(fingerprintOf(2), ADDRESS)
    await note()
    await directory.remove(fingerprintOf(2))
    await note()
    const { size } = await checkpointOf(server)
    const entries = await entriesOf(server, size)
    expect(entries.map(({ certificate }) => certificate)).toEqual(
      was.map((bytes) => hashCertificate(bytes).toString('hex')),
    )
    expect(new Set(entries.map(({ address }) => address)).size).toBe(1)
    expect(entries[6]?.certificate).toBe(NO_CERTIFICATE.toString('hex'))
  })

  test('its owner gets the whole history with the hash that is in the log', async () => {
    const { vrf_proof, entries } = await historyOf(server, ADDRESS)
    const output = verifyVrf(
      vrfKeyOf((await keyOf(server)).name),
      vrfInput(ADDRESS),
      Buffer.from(vrf_proof, 'base64'),
    )
    const [first] = await entriesOf(server, 1)
    expect(hashVrfOutput(output).toString('hex')).toBe(first?.address)
    expect(entries.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6])
    const today = new Date().toISOString().slice(0, 10)
    expect(entries.every(({ day }) => day <= today)).toBe(true)
  })

  test('that nothing is served any more is proven, too', async () => {
    const proof = (await get(server, `/keys/v1/proof/${ADDRESS}`)).bytes.toString()
    const log = await keyOf(server)
    expect(verifyLookup({ proof, address: ADDRESS, certificate: Buffer.alloc(0) }, { log }).index).toBe(6)
  })

  test('after its owner has withdrawn it, hashes stay and nothing else', async () => {
    expect((await historyOf(server, ADDRESS)).entries.some(({ kept }) => kept)).toBe(false)
    for (const index of [0, 1, 3, 6, 7])
      expect((await get(server, `/keys/v1/history/${ADDRESS}/${String(index)}`)).status).toBe(404)
    await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_keys' })
    expect(await textOfLog(db)).not.toMatch(/user1|example\.org/)
  })

  test('no log and no metric has the address', async () => {
    expect(platform.logged() + (await platform.metrics.render())).not.toContain('user1')
  })
})

/** Every cell of the log's tables, bytes in both forms. */
async function textOfLog(db: Db): Promise<string> {
  const rows = await db.query<{ text: string }>(sql`
    select to_jsonb(t)::text as text from keys.log_entry t
    union all select to_jsonb(t)::text from keys.log_head t
    union all select encode(bytes, 'escape') from keys.log_certificate
    union all select to_jsonb(t)::text from keys.log_tile_hash t`)
  expect(rows.length).toBeGreaterThan(0)
  return rows.map(({ text }) => text).join('\n')
}

describe('what has been replaced', () => {
  test('is kept for the owner for a year, and is nobody else’s to find', async () => {
    await using platform = await createTestPlatform()
    let now = Date.now()
    const clock = { ...systemClock, now: () => now }
    await using server = await serveKeys({ ...platform, clock })
    const { directory } = server.service
    for (const seed of [1, 2]) await directory.submit(sample(seed, { addresses: ['a@example.org'] }).bytes)
    await directory.publish(fingerprintOf(1), 'a@example.org')
    const first = await served(server, 'a@example.org')
    await directory.publish(fingerprintOf(2), 'a@example.org')
    const { entries } = await historyOf(server, 'a@example.org')
    expect(entries.map(({ kept }) => kept)).toEqual([true, false, true])
    const { status, headers, bytes } = await get(server, '/keys/v1/history/a@example.org/0')
    expect([status, headers.get('content-type'), bytes]).toEqual([200, 'application/octet-stream', first])
    expect((await get(server, '/keys/v1/history/a@example.org/2')).bytes).toEqual(
      await served(server, 'a@example.org'),
    )
    // By index alone, or with another address, nothing is found: the log would be a list of addresses.
    expect((await get(server, '/keys/v1/history/b@example.org/0')).status).toBe(404)
    expect((await get(server, '/keys/v1/history/nobody/0')).status).toBe(404)
    expect((await get(server, '/keys/v1/history/nobody')).status).toBe(400)

    await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_keys' })
    const secrets = await openLogSecrets(platform.dataDir, systemRandom)
    const log = await KeyLog.open({ store: postgresLogStore(db), secrets, clock, place: 'x', witnesses: [] })
    now += 364 * 86_400_000
    expect(await log.eraseDue()).toBe(0)
    now += 86_400_000
    expect(await log.eraseDue()).toBe(1)
    expect((await get(server, '/keys/v1/history/a@example.org/0')).status).toBe(404)
  })

  test('is kept for all addresses of both certificates when one address goes from one to the other', async () => {
    await using platform = await createTestPlatform()
    await using server = await serveKeys(platform)
    const { directory } = server.service
    for (const [seed, other] of [
      [1, 'b@example.org'],
      [2, 'c@example.org'],
    ] as const) {
      await directory.submit(sample(seed, { addresses: ['a@example.org', other] }).bytes)
      await directory.publish(fingerprintOf(seed), other)
      await directory.publish(fingerprintOf(seed), 'a@example.org')
    }
    const keptOf = async (address: string): Promise<boolean[]> =>
      (await historyOf(server, address)).entries.map(({ kept }) => kept)
    expect(await keptOf('a@example.org')).toEqual([true, false, true])
    expect(await keptOf('b@example.org')).toEqual([true, true, true])
    expect(await keptOf('c@example.org')).toEqual([true, true])
  })

  test('goes for all addresses of a certificate when one of them is withdrawn', async () => {
    await using platform = await createTestPlatform()
    await using server = await serveKeys(platform)
    const { directory } = server.service
    await directory.submit(sample(1, { addresses: ['a@example.org', 'b@example.org'] }).bytes)
    await directory.publish(fingerprintOf(1), 'a@example.org')
    await directory.publish(fingerprintOf(1), 'b@example.org')
    // Publishing b changes what is served for a.
    const before = await historyOf(server, 'a@example.org')
    expect(before.entries.map(({ kept }) => kept)).toEqual([true, true])
    await directory.unpublish('b@example.org')
    const after = await historyOf(server, 'a@example.org')
    expect(after.entries.map(({ certificate_hash }) => certificate_hash)).toEqual([
      ...before.entries.map(({ certificate_hash }) => certificate_hash),
      before.entries[0]?.certificate_hash,
    ])
    expect(after.entries.map(({ kept }) => kept)).toEqual([true, false, true])
    await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_keys' })
    expect(await textOfLog(db)).not.toContain('b@example.org')
  })
})

test('a suspended address is served nothing, here too; restored, it is logged again', async () => {
  await using platform = await createTestPlatform()
  await using server = await serveKeys(platform)
  const { directory } = server.service
  await directory.submit(sample(1, { addresses: ['a@example.org'] }).bytes)
  await directory.publish(fingerprintOf(1), 'a@example.org')
  const shown = await served(server, 'a@example.org')
  await directory.suspend('a@example.org')
  expect((await historyOf(server, 'a@example.org')).entries.map(({ kept }) => kept)).toEqual([false, false])
  expect((await get(server, '/keys/v1/history/a@example.org/0')).status).toBe(404)
  const nothing = hashCertificate(await served(server, 'a@example.org')).toString('hex')
  await directory.restore('a@example.org')
  const hash = hashCertificate(shown).toString('hex')
  const { entries } = await historyOf(server, 'a@example.org')
  expect(entries.map((entry) => entry.certificate_hash)).toEqual([hash, nothing, hash])
  expect((await get(server, '/keys/v1/history/a@example.org/2')).bytes).toEqual(shown)
  await directory.suspend('a@example.org')
  await directory.erase('a@example.org')
  expect((await historyOf(server, 'a@example.org')).entries).toHaveLength(4)
  await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_keys' })
  expect(await textOfLog(db)).not.toContain('a@example.org')
})

/** Runs another process on the same database and data directory, and kills it after so many changes, with others under way. */
async function killAfter(changes: number, { databaseUrl, dataDir }: TestPlatform): Promise<void> {
  const script = join(import.meta.dirname, '_publisher-process.ts')
  const child = spawn(process.execPath, [script, databaseUrl, dataDir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'changed') seen += 1
    if (seen === changes) break
  }
  child.kill('SIGKILL')
  await exited
  expect(seen).toBe(changes)
}

describe('many at once', () => {
  test('two servers over one database: one order, no gap, no change without its entry', async () => {
    await using platform = await createTestPlatform()
    await using one = await serveKeys(platform)
    await using other = await serveKeys(platform)
    const seeds = Array.from({ length: 16 }, (_, index) => 100 + index)
    const publish = async (seed: number): Promise<void> => {
      const { directory } = seed % 2 === 0 ? one.service : other.service
      await directory.submit(sample(seed).bytes)
      await directory.publish(fingerprintOf(seed), `user${String(seed)}@example.org`)
    }
    const sizes: Checkpoint[] = []
    const watch = async (): Promise<void> => {
      for (let turn = 0; turn < 10; turn += 1) sizes.push(await checkpointOf(other))
    }
    await Promise.all([...seeds.map(publish), watch()])
    const { size, root } = await checkpointOf(one)
    expect(size).toBe(16)
    expect(await checkpointOf(other)).toMatchObject({ size, root })
    const tree = treeOf(one, size)
    expect(await tree.root()).toEqual(root)
    const entries = await entriesOf(other, size)
    expect(new Set(entries.map(({ address }) => address)).size).toBe(16)
    for (const { size: oldSize, root: oldRoot } of sizes.filter((each) => each.size > 0)) {
      const proof = await tree.consistencyProof(oldSize)
      expect(verifyConsistency({ oldSize, oldRoot, size, root, proof })).toBe(true)
    }
    const log = await keyOf(one)
    for (const seed of seeds.slice(0, 5)) {
      const address = `user${String(seed)}@example.org`
      const proof = (await get(other, `/keys/v1/proof/${address}`)).bytes.toString()
      verifyLookup({ proof, address, certificate: await served(one, address) }, { log })
    }
  })

  test('a change that does not come about leaves no entry, and the next one takes its place', async () => {
    await using platform = await createTestPlatform()
    await using server = await serveKeys(platform)
    await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_keys' })
    const secrets = await openLogSecrets(platform.dataDir, systemRandom)
    const log = await KeyLog.open({
      store: postgresLogStore(db),
      secrets,
      clock: systemClock,
      place: 'x',
      witnesses: [],
    })
    const change = {
      changes: [{ address: 'a@example.org', after: Buffer.from('x') }],
      before: [],
      withdrawn: false,
    }
    await expect(
      db.transaction(async (tx) => {
        await log.record(tx, change)
        // As when the process is killed: the connection is gone before the commit.
        await tx.query(sql`select pg_terminate_backend(pg_backend_pid())`)
      }),
    ).rejects.toThrow()
    expect(await checkpointOf(server)).toMatchObject({ size: 0, root: EMPTY_ROOT })
    await server.service.directory.submit(sample(1).bytes)
    await server.service.directory.publish(fingerprintOf(1), 'user1@example.org')
    const { size, root } = await checkpointOf(server)
    expect([size, await treeOf(server, size).root()]).toEqual([1, root])
  })

  longTest('killed in the midst of changes, twice: what is served is what the log says last', async () => {
    await using platform = await createTestPlatform()
    for (const changes of [7, 23]) await killAfter(changes, platform)
    await using server = await serveKeys(platform)
    const { size, root } = await checkpointOf(server)
    expect(size).toBeGreaterThan(29)
    expect(await treeOf(server, size).root()).toEqual(root)
    const log = await keyOf(server)
    for (let pair = 0; pair < 4; pair += 1) {
      const address = `pair${String(pair)}@example.org`
      const proof = (await get(server, `/keys/v1/proof/${address}`)).bytes.toString()
      verifyLookup({ proof, address, certificate: await served(server, address) }, { log })
    }
  })

  test('what is in the log cannot be changed, not even by a mistake of ours', async () => {
    await using platform = await createTestPlatform()
    await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_keys' })
    for (const statement of [
      sql`delete from keys.log_entry`,
      sql`update keys.log_entry set day = day`,
      sql`truncate keys.log_tile_hash`,
    ])
      await expect(db.execute(statement)).rejects.toMatchObject({ code: '42501' })
  })

  test('10,000 entries: tiles of both levels, proofs and history', async () => {
    await using platform = await createTestPlatform()
    await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_keys' })
    const secrets = await openLogSecrets(platform.dataDir, systemRandom)
    const store = postgresLogStore(db)
    const log = await KeyLog.open({
      store,
      secrets,
      clock: systemClock,
      place: 'localhost/tlog',
      witnesses: [],
    })
    const key = parseVerifierKey(log.verifierKey)
    await db.transaction(async (tx) => {
      const frontier = Frontier.empty()
      const tileHashes: TileHash[] = []
      const entries = Array.from({ length: 10_000 }, (_, index) => {
        const entry = {
          address: hashCertificate(Buffer.from(String(index))),
          certificate: NO_CERTIFICATE,
          day: '2026-01-01',
        }
        tileHashes.push(...frontier.append(hashLeaf(writeEntry(entry))))
        return entry
      })
      const { size } = frontier
      const checkpoint = signCheckpoint(
        { origin: key.name, size, root: frontier.root() },
        key,
        secrets.signing,
      )
      await store.append(tx, {
        first: 0,
        entries,
        tileHashes,
        head: { size, frontier: frontier.toBytes(), checkpoint },
      })
    })
    await using server = await serveKeys(platform)
    await server.service.directory.submit(sample(1).bytes)
    await server.service.directory.publish(fingerprintOf(1), 'user1@example.org')
    const { size, root } = await checkpointOf(server)
    expect(size).toBe(10_001)
    expect(await treeOf(server, size).root()).toEqual(root)
    const proof = (await get(server, '/keys/v1/proof/user1@example.org')).bytes.toString()
    const lookup = {
      proof,
      address: 'user1@example.org',
      certificate: await served(server, 'user1@example.org'),
    }
    expect(verifyLookup(lookup, { log: key }).index).toBe(10_000)

    const { headers, bytes } = await get(server, '/tlog/tile/1/000.p/39')
    expect(bytes).toHaveLength(39 * 32)
    expect([headers.get('content-type'), headers.get('cache-control')]).toEqual([
      'application/octet-stream',
      'public, max-age=31536000, immutable',
    ])
    // Partial tiles of earlier sizes are there, those of later ones are not, nor is what is no path.
    expect((await get(server, '/tlog/tile/0/039.p/7')).bytes).toHaveLength(7 * 32)
    for (const path of [
      '1/000',
      '1/000.p/40',
      '0/039.p/18',
      '2/000.p/1',
      '0/39',
      'entries/040',
      '0/-01',
      '%00',
      'entries/x000/001',
    ])
      expect((await get(server, `/tlog/tile/${path}`)).status).toBe(404)
  })
})

describe('its keys', () => {
  test('are a file that its owner alone reads, outlive a restart, and are not to be exchanged', async () => {
    await using platform = await createTestPlatform()
    let verifierKey: string
    {
      await using server = await serveKeys(platform)
      verifierKey = (await get(server, '/tlog/key')).bytes.toString()
    }
    expect((await stat(join(platform.dataDir, LOG_SECRETS_FILE))).mode & 0o777).toBe(0o600)
    // Under another name of the deployment the log stays what it was.
    await using server = await serveKeys({ ...platform, domains: ['renamed.example'] })
    expect((await get(server, '/tlog/key')).bytes.toString()).toBe(verifierKey)
    await using elsewhere = await createTestPlatform(['localhost'], platform.databaseUrl)
    await expect(startKeys(elsewhere)).rejects.toMatchObject({
      code: 'KEYS_LOG_OTHER_KEY',
    })
  })
})
