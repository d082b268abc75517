/** `ctl key import` against a directory over its control socket: what is taken, what is published, and what happens when it is ended midway. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { createHttp } from '@sealpost/http'
import { writeArmor } from '@sealpost/openpgp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { certify, direct, ed25519, reason, sample } from '../../../packages/openpgp/test/maker.ts'
import { framePacket } from '../../../packages/openpgp/src/packet-sequence.ts'
import { createTestPlatform } from '../../../test/platform.ts'
import type { TestPlatform } from '../../../test/platform.ts'
import { startKeys } from '../../keys/test/keys.ts'
import type { KeysService } from '../../keys/src/service.ts'
import { runCtl } from '../src/cli/index.ts'

const stack = new AsyncDisposableStack()
let platform: TestPlatform
let service: KeysService
let folder: string
/** Requests after which the server is away. */
let left = Infinity

beforeAll(async () => {
  platform = stack.use(await createTestPlatform())
  service = stack.use(await startKeys(platform))
  const server = stack.use(await createHttp({ log: platform.log, metrics: platform.metrics, title: 'Test' }))
  server.app.addHook('onRequest', async (request) => {
    left -= 1
    if (left < 0) request.raw.socket.destroy()
    await Promise.resolve()
  })
  await server.app.register(service.http)
  await server.listen({ socketPath: join(platform.dataDir, 'ctl.sock') })
  folder = join(platform.dataDir, 'dump')
  await mkdir(folder)
})
afterAll(() => stack.disposeAsync())

interface Done {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function ctl(...args: readonly string[]): Promise<Done> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const terminal = Object.assign(stderr, { isTTY: true })
  const env = {
    dataDir: platform.dataDir,
    stdin: Readable.from([]),
    stdout,
    stderr: terminal,
    localVerbs: [],
  }
  const code = await runCtl(['key', 'import', ...args], env)
  const read = (stream: PassThrough): string => String(stream.read() ?? '')
  return { code, out: read(stdout), err: read(stderr) }
}

const counts = async (...args: readonly string[]): Promise<Record<string, number>> => {
  const { code, out, err } = await ctl(...args, '--json')
  expect([code, err.includes('The server')]).toEqual([0, false])
  return JSON.parse(out) as Record<string, number>
}

const fingerprintOf = (seed: number): string => ed25519(seed).key.fingerprint.toString('hex').toUpperCase()
const at = (seed: number, address: string): Buffer => sample(seed, { addresses: [address] }).bytes

async function isHere(seed: number): Promise<boolean> {
  return (await service.directory.find({ kind: 'fingerprint', value: fingerprintOf(seed) })).length > 0
}

test('a dump in many files: what is new, known, removed, and not taken; nothing is published', async () => {
  await service.directory.submit(sample(401).bytes)
  await service.directory.submit(sample(402).bytes)
  await service.directory.remove(fingerprintOf(402))
  const { primary, bytes } = sample(403)
  const byOther = certify(primary, 'User <user403@example.org>', { by: ed25519(999) })
  const unsigned = ed25519(404).key.packet.bytes
  const secret = framePacket(5, Buffer.alloc(90, 4)).bytes
  await writeFile(
    join(folder, 'dump-0000.pgp'),
    Buffer.concat([
      sample(401).bytes,
      sample(402).bytes,
      bytes,
      byOther,
      unsigned,
      secret,
      sample(405).bytes,
    ]),
  )
  await writeFile(join(folder, 'dump-0001.pgp'), sample(406, { version: 6 }).bytes)
  await writeFile(
    join(folder, 'dump-0002.asc'),
    writeArmor('PUBLIC KEY BLOCK', sample(407).bytes, { checksum: true }),
  )
  await writeFile(join(folder, 'notes.txt'), 'notes')
  const { code, out, err } = await ctl(folder)
  expect(code).toBe(0)
  for (const line of [
    '4 files',
    '4 certificates are new',
    '1 were here as they are',
    '1 were not taken: their owner had them removed',
    '1 were not taken: nothing in them is signed',
    '1 were not taken: they hold a secret key',
    '1 files are of no format that is known',
    '1 signatures by others were dropped',
  ])
    expect(out).toMatch(new RegExp(`^ *${line}`, 'm'))
  expect(out).not.toContain('published')
  expect(err).toMatch(/\d+ inserted.*\d+ percent/)
  expect(await Promise.all([402, 403, 405, 407].map(isHere))).toEqual([false, true, true, true])
  expect(await service.directory.find({ kind: 'address', value: 'user405@example.org' })).toEqual([])
  expect(existsSync(join(platform.dataDir, 'key-import.json'))).toBe(false)
  expect(await counts(folder)).toMatchObject({ inserted: 0, unchanged: 5, files: 4 })
})

test('addresses of a domain that the operator vouches for are published, unless somebody has them or the key is revoked', async () => {
  await service.directory.submit(at(410, 'taken@vouched.example'))
  await service.directory.publish(fingerprintOf(410), 'taken@vouched.example')
  const { primary, bytes } = sample(413, { addresses: ['revoked@vouched.example'] })
  const size = primary.key.packet.bytes.length
  const revocation = direct(primary, { type: 0x20, hashed: [reason(2)] })
  const file = join(platform.dataDir, 'ring.gpg')
  await writeFile(
    file,
    Buffer.concat([
      at(411, 'one@vouched.example'),
      at(412, 'taken@vouched.example'),
      Buffer.concat([bytes.subarray(0, size), revocation, bytes.subarray(size)]),
      at(414, 'one@not-vouched.example'),
    ]),
  )
  expect(await counts(file, '--publish', 'Vouched.example,other.example')).toMatchObject({
    inserted: 4,
    published: 1,
  })
  expect(await service.directory.ownerOf('one@vouched.example')).toBe(fingerprintOf(411))
  expect(await service.directory.ownerOf('taken@vouched.example')).toBe(fingerprintOf(410))
  for (const address of ['revoked@vouched.example', 'one@not-vouched.example'])
    expect(await service.directory.ownerOf(address)).toBeUndefined()
})

test('what mailvelope/keyserver has verified is published when the operator says so, each for its own certificate', async () => {
  const document = (seed: number, address: string, verified: boolean): string =>
    JSON.stringify({
      userIds: [{ name: 'User', email: address, verified }],
      publicKeyArmored: writeArmor('PUBLIC KEY BLOCK', at(seed, address), { checksum: true }),
    })
  const file = join(platform.dataDir, 'publickey.json')
  const lines = [document(420, 'm@example.org', false), document(421, 'm@example.org', true)]
  await writeFile(file, `${lines.join('\n')}\n`)
  expect(await counts(file)).toMatchObject({ inserted: 2, published: 0 })
  expect(await counts(file, '--verified', 'publish')).toMatchObject({ unchanged: 2, published: 1 })
  expect(await service.directory.ownerOf('m@example.org')).toBe(fingerprintOf(421))
  expect((await ctl(file, '--verified', 'yes')).code).toBe(1)
})

test('one that breaks off goes on where it was', async () => {
  const many = Array.from({ length: 200 }, (_, index) => sample(1_000 + index).bytes)
  const file = join(platform.dataDir, 'many.pgp')
  await writeFile(file, Buffer.concat(many))
  left = 2
  expect((await ctl(file)).code).toBe(1)
  left = Infinity
  const state = JSON.parse(await readFile(join(platform.dataDir, 'key-import.json'), 'utf8')) as {
    current: { end: number }
    counts: { inserted: number }
  }
  expect(state.counts.inserted).toBeGreaterThan(0)
  expect(state.current.end).toBeGreaterThan(0)
  const { inserted = 0, unchanged = 0 } = await counts(file)
  expect(inserted + unchanged).toBe(200)
  expect(unchanged).toBeLessThan(100) // What was kept before it broke off is not sent again, but for what was under way.
  expect(await isHere(1_199)).toBe(true)
})

test('it is for the operator alone, and for files that can be read', async () => {
  const served = stack.use(await createHttp({ log: platform.log, metrics: platform.metrics, title: 'Test' }))
  await served.app.register(service.http)
  const { port } = await served.listen({ host: '127.0.0.1', port: 0 })
  const answer = await fetch(`http://127.0.0.1:${String(port)}/internal/keys/import`, { method: 'POST' })
  expect(answer.status).toBe(401)
  expect((await ctl(join(folder, 'nowhere'))).code).toBe(1)
  expect((await ctl()).code).toBe(2)
})
