import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { openDb, sql } from '@sealpost/db'
import {
  cosign,
  EMPTY_ROOT,
  formatSignature,
  openCheckpoint,
  parseVerifierKey,
  SIGNATURE_TYPE,
  verifyConsistency,
} from '@sealpost/tlog'
import type { NoteKey, TreeHead } from '@sealpost/tlog'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ed25519, sample } from '../../../packages/openpgp/test/maker.ts'
import { signer } from '../../../packages/tlog/src/_fixtures.ts'
import { createTestPlatform } from '../../../test/platform.ts'
import type { KeysService } from '../../keys/src/service.ts'
import { serveKeys } from '../../keys/test/keys.ts'
import type { TestPlatform } from '../../../test/platform.ts'
import { runCtl } from '../src/cli/index.ts'
import { auditAddress } from '../src/cli/key-audit/key-audit.ts'
import type { Ask } from '../src/cli/key-audit/key-audit.ts'

const ADDRESS = 'owner@example.org'
const OTHER = 'other@example.org'

interface Server extends AsyncDisposable {
  readonly service: KeysService
  readonly origin: string
  /** With how many entries it ends. */
  publish(...changes: readonly (readonly [seed: number, address: string] | string)[]): Promise<void>
}

/** A witness of C2SP tlog-witness, without HTTP: it cosigns what has grown from what it has seen. */
class Witness {
  readonly #signer = signer('witness.example/w1', 6, SIGNATURE_TYPE.cosignature)
  readonly key = this.#signer.key
  #seen: TreeHead | undefined

  /** Asks the log for its newest checkpoint, and brings it the cosignature. */
  async visit(origin: string): Promise<number> {
    const request = await fetch(`${origin}/tlog/add-checkpoint/${String(this.#seen?.size ?? 0)}`)
    const body = await request.text()
    const [head = '', ...rest] = body.split('\n\n')
    const checkpoint = rest.join('\n\n')
    const { size, root, note } = openCheckpoint(Buffer.from(checkpoint), await logKey(origin))
    const proof = head
      .split('\n')
      .slice(1)
      .map((line) => Buffer.from(line, 'base64'))
    const { size: oldSize, root: oldRoot } = this.#seen ?? { size: 0, root: EMPTY_ROOT }
    expect(verifyConsistency({ oldSize, oldRoot, size, root, proof })).toBe(true)
    this.#seen = { origin, size, root }
    const line = formatSignature(cosign(note.text, 1_700_000_000 + size, this.key, this.#signer.secret))
    return (await bring(origin, checkpoint + line)).status
  }
}

const bring = (origin: string, body: string): Promise<Response> =>
  fetch(`${origin}/tlog/cosignatures`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body })

const logKey = async (origin: string): Promise<NoteKey> =>
  parseVerifierKey((await (await fetch(`${origin}/tlog/key`)).text()).trim())

async function serve(platform: TestPlatform, witnesses: readonly NoteKey[] = []): Promise<Server> {
  const served = await serveKeys(platform, { witnesses })
  const { service } = served
  return {
    service,
    origin: served.http,
    publish: async (...changes) => {
      for (const change of changes)
        if (typeof change === 'string') await service.directory.unpublish(change)
        else {
          const [seed, address] = change
          await service.directory.submit(sample(seed, { addresses: [ADDRESS, OTHER] }).bytes)
          await service.directory.publish(fingerprintOf(seed), address)
        }
    },
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  }
}

const fingerprintOf = (seed: number): string => ed25519(seed).key.fingerprint.toString('hex').toUpperCase()

const askOf =
  ({ origin }: Server): Ask =>
  async (path) => {
    const answer = await fetch(origin + path)
    return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) }
  }

type Lie = (path: string, body: Buffer) => Buffer | undefined | Promise<Buffer | undefined>

/** The server with one answer changed. */
const lying =
  (honest: Ask, lie: Lie): Ask =>
  async (path, bytesMax) => {
    const answer = await honest(path, bytesMax)
    const body = await lie(path, answer.body)
    return body === undefined ? answer : { status: 200, body }
  }

const audit = (
  ask: Ask,
  state?: Awaited<ReturnType<typeof auditAddress>>['state'],
  witnesses: readonly NoteKey[] = [],
) => auditAddress({ ask, address: ADDRESS, state, verifierKey: undefined, witnesses })

describe('an honest server', () => {
  let platform: TestPlatform
  let server: Server
  let folder: string
  beforeAll(async () => {
    platform = await createTestPlatform()
    server = await serve(platform)
    folder = await mkdtemp(join(tmpdir(), 'sealpost-audit-'))
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await platform[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  async function ctl(...words: string[]): Promise<{ code: number; out: string; err: string }> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const code = await runCtl([...words, '--url', server.origin, '--data-dir', folder], {
      dataDir: folder,
      stdin: Readable.from([]),
      stdout,
      stderr,
      localVerbs: [],
    })
    const read = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? ''
    return { code, out: read(stdout), err: read(stderr) }
  }

  test('nothing was ever logged: that is verified, too', async () => {
    const { code, out } = await ctl('key', 'audit', ADDRESS)
    expect([code, out]).toEqual([0, expect.stringContaining('Nothing was ever logged for this address.')])
    expect(out).toContain('All 0 entries of the log were verified')
  })

  test('every certificate is listed, and the next audit goes on from there', async () => {
    await server.publish([1, ADDRESS], [2, OTHER], [2, ADDRESS])
    const first = await ctl('key', 'audit', 'Owner@Example.org')
    expect([first.code, first.err]).toEqual([0, ''])
    const lines = first.out.split('\n')
    expect(lines[1]).toMatch(
      new RegExp(`^ +0  \\d{4}-\\d\\d-\\d\\d  ${fingerprintOf(1)}  User <${ADDRESS}>$`),
    )
    expect(lines[2]).toMatch(/^ +2 .*nothing: withdrawn/)
    expect(lines[3]).toContain(`${fingerprintOf(2)}  User <${OTHER}>  User <${ADDRESS}>`)
    expect(first.out).toContain('it had 0 entries')
    expect(await readFile(join(folder, 'key-audit.json'), 'utf8')).not.toContain('example.org')

    await server.publish(OTHER)
    const { code, out } = await ctl('key', 'audit', ADDRESS, '--json')
    const result = JSON.parse(out) as { size: number; compared_with: number; entries: { what: string }[] }
    expect([code, result.compared_with, result.size]).toEqual([0, 5, 7])
    expect(result.entries.map(({ what }) => what)).toEqual([
      'certificate',
      'withdrawn',
      'erased',
      'certificate',
    ])
  })

  test('a certificate of version 6 is audited as any other', async () => {
    const { bytes, primary } = sample(6, { version: 6, addresses: ['six@example.org'] })
    const fingerprint = primary.key.fingerprint.toString('hex').toUpperCase()
    await server.service.directory.submit(bytes)
    await server.service.directory.publish(fingerprint, 'six@example.org')
    const { code, out } = await ctl('key', 'audit', 'six@example.org')
    expect([code, out]).toEqual([0, expect.stringContaining(`${fingerprint}  User <six@example.org>`)])
    const lie: Lie = (path) => (path.includes('by-identity') ? sample(9).bytes : undefined)
    const ask = lying(askOf(server), lie)
    const options = { state: undefined, verifierKey: undefined, witnesses: [] }
    await expect(auditAddress({ ...options, ask, address: 'six@example.org' })).rejects.toThrow(
      /not in the log/,
    )
  })

  test('usage, another key, and a file that is none', async () => {
    expect(await ctl('key', 'audit')).toMatchObject({
      code: 2,
      err: expect.stringContaining('key audit ADDRESS') as string,
    })
    expect((await ctl('key', 'audit', ADDRESS, '--search', 'x')).code).toBe(2)
    expect(await ctl('key', 'audit', 'nobody')).toMatchObject({
      code: 1,
      err: 'Audit failed. This is no mail address\n',
    })
    expect((await ctl('key', 'audit', ADDRESS, '--log-key', 'x+y+z')).err).toMatch(
      /^Audit failed\. .*another key than the one/,
    )
    const file = join(folder, 'other.json')
    await writeFile(file, '{"size":"1"}')
    expect((await ctl('key', 'audit', ADDRESS, '--state-file', file)).err).toContain('is not of an audit')
    expect((await ctl('--help')).out).toContain(
      'key audit ADDRESS [--state-file FILE] [--witness KEYS] [--log-key KEY]',
    )
  })
})

describe('C2SP tlog-witness', () => {
  test('a witness cosigns, the checkpoint and the proof carry it, and an audit relies on it', async () => {
    const witness = new Witness()
    await using platform = await createTestPlatform()
    await using server = await serve(platform, [witness.key])
    const { origin } = server
    const honest = askOf(server)
    const get = async (path: string): Promise<Response> => fetch(origin + path)
    expect((await get('/tlog/witnessed')).status).toBe(404)
    await expect(audit(honest, undefined, [witness.key])).rejects.toThrow(/does not give \/tlog\/witnessed/)
    expect(await witness.visit(origin)).toBe(204)
    await server.publish([1, ADDRESS])
    expect(await witness.visit(origin)).toBe(204)
    const cosigned = await (await get('/tlog/checkpoint')).text()
    const log = await logKey(origin)
    expect(openCheckpoint(Buffer.from(cosigned), log, [witness.key]).cosignatures).toMatchObject([
      { time: 1_700_000_001 },
    ])
    expect(await (await get(`/keys/v1/proof/${ADDRESS}`)).text()).toContain('witness.example/w1')
    await server.publish([2, ADDRESS], [1, OTHER])
    expect(await (await get('/tlog/checkpoint')).text()).not.toContain('witness.example/w1')
    expect(await (await get('/tlog/witnessed')).text()).toBe(cosigned)
    const { report, state } = await audit(honest, undefined, [witness.key])
    expect(report.cosignatures).toEqual([{ witness: 'witness.example/w1', time: 1_700_000_001, size: 1 }])

    const other = signer('witness.example/w2', 7, SIGNATURE_TYPE.cosignature)
    await expect(audit(honest, undefined, [other.key])).rejects.toThrow(/not cosigned by witness.example\/w2/)
    const altered: Lie = (path, body) => (path.includes('tile/0/') ? Buffer.alloc(body.length) : undefined)
    await expect(audit(lying(honest, altered), state, [witness.key])).rejects.toThrow(
      /not the one that was witnessed/,
    )
  })

  test('what is no cosignature of a known witness on this log is not taken', async () => {
    const witness = new Witness()
    await using platform = await createTestPlatform()
    await using server = await serve(platform, [witness.key])
    const { origin } = server
    await server.publish([1, ADDRESS])
    const checkpoint = await (await fetch(`${origin}/tlog/checkpoint`)).text()
    const [text = ''] = checkpoint.split('\n\n')
    const stranger = signer('witness.example/w1', 8, SIGNATURE_TYPE.cosignature)
    const line = formatSignature(cosign(`${text}\n`, 1, stranger.key, stranger.secret))
    const forged = formatSignature({
      ...cosign(`${text}\n`, 1, stranger.key, stranger.secret),
      keyId: witness.key.id,
    })
    for (const body of [
      '',
      'x',
      checkpoint,
      checkpoint + line,
      checkpoint + forged,
      checkpoint.replace('\n1\n', '\n2\n') + line,
    ])
      expect((await bring(origin, body)).status).toBe(422)
    expect((await bring(origin, 'x'.repeat(300_000))).status).toBe(413)
    expect((await fetch(`${origin}/tlog/witnessed`)).status).toBe(404)
    expect((await fetch(`${origin}/tlog/add-checkpoint/2`)).status).toBe(404)
    // Signed with our key, but of another tree: what somebody gets who puts an old copy of the database back.
    await using elsewhere = await createTestPlatform()
    await copyFile(join(platform.dataDir, 'transparency.key'), join(elsewhere.dataDir, 'transparency.key'))
    await using fork = await serve(elsewhere, [witness.key])
    await fork.publish([2, ADDRESS])
    await witness.visit(fork.origin)
    const foreign = await (await fetch(`${fork.origin}/tlog/witnessed`)).text()
    const refused = await bring(origin, foreign)
    expect([refused.status, await refused.text()]).toEqual([
      422,
      expect.stringContaining('is not of its tree'),
    ])
  })

  test('of many cosigned sizes the newest 16 are kept', async () => {
    const witness = new Witness()
    await using platform = await createTestPlatform()
    await using server = await serve(platform, [witness.key])
    for (let turn = 0; turn < 9; turn += 1) {
      await server.publish([1, ADDRESS])
      await witness.visit(server.origin)
      await server.publish(ADDRESS)
      await witness.visit(server.origin)
    }
    await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_keys' })
    const rows = await db.query<{ size: number }>(sql`select size from keys.log_cosignature order by size`)
    expect(rows.map(({ size }) => size)).toEqual(Array.from({ length: 16 }, (_, index) => index + 3))
  })
})

describe('a lying server is caught', () => {
  let platform: TestPlatform
  let server: Server
  let honest: Ask
  beforeAll(async () => {
    platform = await createTestPlatform()
    server = await serve(platform)
    honest = askOf(server)
    await server.publish([1, ADDRESS], [2, OTHER], [2, ADDRESS])
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await platform[Symbol.asyncDispose]()
  })

  const flip = (body: Buffer, at: number): Buffer => {
    const changed = Buffer.from(body)
    changed[at] = (changed[at] ?? 0) ^ 1
    return changed
  }
  const on =
    (what: RegExp, change: (body: Buffer) => Buffer | Promise<Buffer>): Lie =>
    (path, body) =>
      what.test(path) ? change(body) : undefined
  interface Shown {
    vrf_proof: string
    entries: { index: number; certificate_hash: string }[]
  }
  const inHistory = (change: (shown: Shown) => unknown): Lie =>
    on(/history\/[^/]+\?/, (body) => {
      const shown = JSON.parse(body.toString()) as Shown
      change(shown)
      return Buffer.from(JSON.stringify(shown))
    })
  test.each<[string, Lie, RegExp]>([
    [
      'an entry that was changed',
      on(/tile\/entries/, (body) => flip(body, 40)),
      /not those that its checkpoint is signed for/,
    ],
    ['an entry that was dropped', on(/tile\/entries/, (body) => body.subarray(66)), /no bundle of entries/],
    [
      'a checkpoint that nobody signed',
      on(/checkpoint/, (body) => Buffer.from(body.toString().replace('\n5\n', '\n4\n'))),
      /not signed/,
    ],
    [
      'a history without an entry of the log',
      inHistory(({ entries }) => entries.splice(1, 1)),
      /conceals entry 2/,
    ],
    ['a history that is empty', inHistory(({ entries }) => entries.splice(0)), /conceals entry 0/],
    [
      'a history with another hash',
      inHistory(({ entries: [first] }) => first && (first.certificate_hash = '00'.repeat(32))),
      /conceals entry 0/,
    ],
    [
      'a history with an entry of somebody else',
      inHistory(({ entries }) => entries.push({ ...entries[0]!, index: 1 })),
      /tells of entry 1/,
    ],
    [
      'the VRF proof of another address',
      inHistory((shown) => (shown.vrf_proof = Buffer.alloc(80).toString('base64'))),
      /VRF output/,
    ],
    ['no VRF proof', inHistory((shown) => (shown.vrf_proof = '')), /VRF output/],
    ['no JSON', on(/history/, () => Buffer.from('{')), /as agreed/],
    [
      'another old certificate',
      on(/history\/[^/]+\/0/, () => sample(9).bytes),
      /entry 0 is not the one that was logged/,
    ],
    ['a lookup with another certificate', on(/by-identity/, () => sample(9).bytes), /not in the log/],
    [
      'a lookup that finds nothing',
      (path) => (path.includes('by-identity') ? Buffer.from('') : undefined),
      /does not answer a lookup/,
    ],
    [
      'another log key',
      on(/tlog\/key/, (body) => Buffer.from(body.toString().replace('localhost', 'localhosu'))),
      /no verifier key/,
    ],
  ])('%s', async (_, lie, message) => {
    await audit(honest)
    await expect(audit(lying(honest, lie))).rejects.toThrow(message)
  })

  test('the VRF proof of another address that exists', async () => {
    const { body } = await honest(`/keys/v1/history/${OTHER}?from=0`, 0)
    const lie: Lie = (path) => (path.includes('?from') ? body : undefined)
    await expect(audit(lying(honest, lie))).rejects.toThrow(/VRF output/)
  })

  test('an old answer, however well signed: the tree is rolled back', async () => {
    const old = (await honest('/tlog/checkpoint', 0)).body
    await server.publish([1, ADDRESS])
    const { state } = await audit(honest)
    await expect(
      audit(
        lying(
          honest,
          on(/checkpoint/, () => old),
        ),
        state,
      ),
    ).rejects.toThrow(/rolled back: it had 8 entries .* has 5/)
  })

  test('a fork: another history, signed with the same key', async () => {
    const { state } = await audit(honest)
    await using elsewhere = await createTestPlatform()
    await copyFile(join(platform.dataDir, 'transparency.key'), join(elsewhere.dataDir, 'transparency.key'))
    await using fork = await serve(elsewhere)
    await fork.publish([1, ADDRESS], [3, OTHER], [1, OTHER], [2, OTHER], [4, ADDRESS], [3, ADDRESS])
    await audit(askOf(fork))
    await expect(audit(askOf(fork), state)).rejects.toThrow(/rewritten since, or you are shown a fork/)
    // Also for an address that was never audited here.
    const rest = { ...state, addresses: {} }
    await expect(audit(askOf(fork), rest)).rejects.toThrow(/rewritten since, or you are shown a fork/)
  })

  test('a new key in place of the old', async () => {
    const { state } = await audit(honest)
    await using elsewhere = await createTestPlatform()
    await using other = await serve(elsewhere)
    await expect(audit(askOf(other), state)).rejects.toThrow(/another key than at the last audit/)
  })
})
