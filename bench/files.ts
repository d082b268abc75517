/**
 * Benchmark `files`: files up and down over HTTPS, beside nginx with the same certificate, which takes PUT and serves files. How servers and load are run:
 * bench/rounds.ts; ours is the whole of `npm start` on one core. Slots are asked for before it is measured.
 *
 * What differs: ours seals each file, and answers when it is synced and recorded; nginx answers when it is in the page cache. Downloads come from the page cache with both.
 * What is measured: bytes a second of all connections together, and bytes for each second that the server's processor worked. Where the load is the limit, as it says
 * then, the second is the one to compare.
 * The third is Node doing nothing but that (bench/bare/files.ts): the most that what stands beneath us can do. And each round says what the disk takes: the same files,
 * as many at a time, written and synced by nobody's server. Uploads that are safe when they are answered cannot be faster; with `TMPDIR=/dev/shm` it is not the disk that
 * is measured.
 * Needs nginx with DAV (Debian's nginx). Options: --kib N (size of a file) --files N (of a round, 50 at most) --connections N --seconds N (of downloads) --rounds N
 */
import { chmod, mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestClient } from '../services/xmpp/test/client.ts'
import { getSlot } from '../services/xmpp/test/upload-client.ts'
import { Sealpost } from '../test/interop/sealpost.ts'
import type { FilePlace, FilesOrders, FilesReport } from './load/files.ts'
import { describeShares, median, printTable, readSettings, runLoad, type Figure } from './rounds.ts'
import { startBare } from './servers/bare.ts'
import { startNginx, type StaticServer } from './servers/nginx.ts'
import { makeCertificate, pinned, type Certificate } from './servers/server.ts'

const DEFAULTS = { kib: 16_384, files: 32, connections: 4, seconds: 10, rounds: 3 }
type Numbers = typeof DEFAULTS

const CORE = 0
const DOMAIN = 'localhost'
const ACCOUNT = { username: 'files', password: 'of the benchmark' }
const GOAL = 0.8
const MIB = 2 ** 20

const FIGURES: readonly Figure<FilesReport>[] = [
  ['up, MiB a second', 0, ({ uploadedBytes, upload }) => uploadedBytes / MIB / upload.seconds],
  [
    'up, MiB a processor second',
    0,
    ({ uploadedBytes, upload }) => uploadedBytes / MIB / upload.serverCpuSeconds,
  ],
  ['down, MiB a second', 0, ({ downloadedBytes, download }) => downloadedBytes / MIB / download.seconds],
  [
    'down, MiB a processor second',
    0,
    ({ downloadedBytes, download }) => downloadedBytes / MIB / download.serverCpuSeconds,
  ],
]

/** One of the two, as a round needs it. */
interface Target {
  readonly name: string
  readonly port: number
  readonly roots: readonly number[]
  /** Where the files of a round go. */
  makeRoom(): Promise<FilePlace[]>
  clear(files: readonly FilePlace[]): Promise<void>
}

export async function files(args: readonly string[]): Promise<void> {
  const { numbers } = readSettings(args, DEFAULTS)
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await chmod(directory, 0o755) // nginx works as a user of its own when we are root
  const certificate = await makeCertificate(join(directory, 'tls'), DOMAIN)
  const targets = [
    await ours(certificate, numbers, stack),
    await theirs(directory, certificate, numbers, stack),
    await bare(directory, certificate, numbers, stack),
  ]
  const reports = new Map(targets.map(({ name }) => [name, [] as FilesReport[]]))
  const disk: number[] = []
  for (let round = 1; round <= numbers.rounds; round += 1) {
    disk.push(await diskRate(join(directory, 'disk'), numbers))
    console.log(`round ${round}  the disk  ${disk.at(-1)?.toFixed(0) ?? ''} MiB a second, written and synced`)
    for (const target of targets) {
      const report = await load(target, numbers)
      reports.get(target.name)?.push(report)
      const [up, , down] = FIGURES.map(([, , of]) => of(report).toFixed(0))
      console.log(
        `round ${round}  ${target.name.padEnd(9)} up ${up ?? ''} MiB a second  ${describeShares(report.upload)}`,
      )
      console.log(`${' '.repeat(18)} down ${down ?? ''} MiB a second  ${describeShares(report.download)}`)
    }
  }
  console.log(
    `\nmedians of ${numbers.rounds} rounds, ${numbers.files} files of ${numbers.kib} KiB, ${numbers.connections} connections\n`,
  )
  printTable(
    reports,
    FIGURES,
    FIGURES.map(([label]) => label),
  )
  console.log(goals(reports))
  console.log(`the disk alone: ${median(disk).toFixed(0)} MiB a second\n`)
}

/** MiB a second of files that are written and synced, and nothing else is done with them. */
async function diskRate(directory: string, { kib, files: count, connections }: Numbers): Promise<number> {
  await mkdir(directory)
  const piece = Buffer.alloc(256 * 1024, 1)
  const started = performance.now()
  let made = 0
  const writer = async (): Promise<void> => {
    while (made < count) {
      await using handle = await open(join(directory, String(made++)), 'wx')
      for (let at = 0; at < kib * 1024; at += piece.length)
        await handle.write(piece, 0, Math.min(piece.length, kib * 1024 - at), at)
      await handle.datasync()
    }
  }
  await Promise.all(Array.from({ length: connections }, writer))
  const seconds = (performance.now() - started) / 1_000
  await rm(directory, { recursive: true })
  return (count * kib) / 1024 / seconds
}

async function load(target: Target, { kib, connections, seconds }: Numbers): Promise<FilesReport> {
  const places = await target.makeRoom()
  const report = await runLoad<FilesReport>('files.ts', {
    port: target.port,
    domain: DOMAIN,
    accounts: [],
    serverRoots: target.roots,
    serverCore: CORE,
    files: places,
    bytes: kib * 1024,
    connections,
    seconds,
  } satisfies FilesOrders)
  await target.clear(places)
  return report
}

async function ours(
  { certFile, keyFile }: Certificate,
  { kib, files: count }: Numbers,
  stack: AsyncDisposableStack,
): Promise<Target> {
  const environment = {
    SEALPOST_DOMAIN: DOMAIN,
    TLS_CERT: certFile,
    TLS_KEY: keyFile,
    UPLOAD_FILE_MIB: '10240',
    UPLOAD_SPACE_MIB: '1048576',
    UPLOADS_PER_HOUR: '100000',
    LOG_LEVEL: 'error',
  }
  const sealpost = stack.use(await Sealpost.start({ environment, prefix: pinned(CORE) }))
  await sealpost.importAccounts([ACCOUNT])
  const client = stack.use(await TestClient.signIn({ port: sealpost.port, ...ACCOUNT }))
  const origin = `https://127.0.0.1:${String(sealpost.httpsPort)}`
  const makeRoom = async (): Promise<FilePlace[]> => {
    const places: FilePlace[] = []
    for (let index = 0; index < count; index += 1) {
      const { at, authorization } = await getSlot(client, origin, { size: kib * 1024 })
      places.push({ path: new URL(at).pathname, authorization })
    }
    return places
  }
  const clear = async (places: readonly FilePlace[]): Promise<void> => {
    for (const { path, authorization = '' } of places)
      await fetch(`http://127.0.0.1:${String(sealpost.httpPort)}${path}`, {
        method: 'DELETE',
        headers: { authorization },
      })
  }
  return { name: 'Sealpost', port: sealpost.httpsPort, roots: await sealpost.roots(), makeRoom, clear }
}

async function theirs(
  directory: string,
  certificate: Certificate,
  { files: count }: Numbers,
  stack: AsyncDisposableStack,
): Promise<Target> {
  const home = join(directory, 'nginx')
  const nginx: StaticServer = stack.use(await startNginx(home, CORE, [], certificate))
  return numbered('nginx', nginx, join(home, 'files'), count)
}

async function bare(
  directory: string,
  { certFile, keyFile }: Certificate,
  { files: count }: Numbers,
  stack: AsyncDisposableStack,
): Promise<Target> {
  const home = join(directory, 'bare')
  await mkdir(home)
  const server = stack.use(await startBare(CORE, 'files.ts', [home, certFile, keyFile]))
  return numbered('bare', server, home, count)
}

/** A server that takes files by any name into `home`. */
function numbered(
  name: string,
  { port, roots }: Pick<Target, 'port' | 'roots'>,
  home: string,
  count: number,
): Target {
  let made = 0
  const makeRoom = (): Promise<FilePlace[]> =>
    Promise.resolve(
      Array.from({ length: count }, () => ({ path: `/${String(made++)}`, authorization: undefined })),
    )
  const clear = async (places: readonly FilePlace[]): Promise<void> => {
    for (const { path } of places) await rm(join(home, path))
  }
  return { name, port, roots, makeRoom, clear }
}

function goals(reports: ReadonlyMap<string, readonly FilesReport[]>): string {
  const ratio = ([, , of]: Figure<FilesReport>): number =>
    median((reports.get('Sealpost') ?? []).map(of)) / median((reports.get('nginx') ?? []).map(of))
  const verdicts = FIGURES.map((figure) => {
    const is = ratio(figure)
    return `${figure[0]}: ${is.toFixed(2)}, ${is >= GOAL ? 'met' : 'MISSED'}`
  })
  return `goal: ${String(GOAL)} of nginx; ${verdicts.join('; ')}\n`
}
