/**
 * Sealpost as an operator runs it: `scripts/start.ts` as a process with an environment and a data directory, `scripts/ctl.ts` for administration,
 * and from outside the looks into the data directory that prove what is kept. Used by the interop tests and by the benchmarks.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { namedInLog } from '../named-in-log.ts'
import { freePort } from './free-port.ts'
import { query } from './query.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** The command of `npm start`, without `node`: flags of Node, then the script. */
const START = await readStartCommand()
const READY = 'Sealpost is ready'
const READY_LIMIT_MS = 120_000
const STOP_LIMIT_MS = 15_000
/** Of the server's output, for the report of a failure. */
const OUTPUT_CHARACTERS_MAX = 20_000
/** The keyring file (packages/keyring): a page that says whose it is, then one slot of 64 bytes a key; a free slot is all zeros. */
const KEYRING_HEADER_BYTES = 4096
const KEYRING_SLOT_BYTES = 64
const KEYRING_KIND_AT = 56
const KEYRING_QUEUE_KIND = 0x80

const PORTS = [
  'XMPP_PORT',
  'XMPP_TLS_PORT',
  'HTTP_PORT',
  'HTTPS_PORT',
  'HKP_PORT',
  'SMTP_PORT',
  'SUBMISSION_PORT',
  'SUBMISSIONS_PORT',
] as const
type PortName = (typeof PORTS)[number]

export interface SealpostOptions {
  /** On top of the ports, the data directory and the domain. */
  readonly environment?: Readonly<Record<string, string>>
  /** Put before the command, such as `['taskset', '-c', '0']`; it must replace itself by the command. */
  readonly prefix?: readonly string[]
  /** Where the data directory is made; unless told, a new directory that is removed at the end. */
  readonly directory?: string
}

export interface CtlResult {
  readonly code: number | null
  readonly output: string
}

export class Sealpost implements AsyncDisposable {
  readonly #directory: string
  readonly #removes: boolean
  readonly #environment: NodeJS.ProcessEnv
  readonly #prefix: readonly string[]
  readonly #ports: Readonly<Record<PortName, number>>
  #process: ChildProcess | undefined
  #output = ''
  /** From the start of the process to the line that says it is ready, of the last start. */
  readyMs = 0

  private constructor(
    directory: string,
    ports: Readonly<Record<PortName, number>>,
    options: SealpostOptions,
  ) {
    this.#directory = directory
    this.#removes = options.directory === undefined
    this.#ports = ports
    this.#prefix = options.prefix ?? []
    const numbers = Object.fromEntries(PORTS.map((name) => [name, String(ports[name])]))
    this.#environment = {
      ...process.env,
      STATUS_PROBER: 'off', // begins after ten seconds, in the midst of what is tested or measured
      ...numbers,
      SEALPOST_DATA_DIR: join(directory, 'data'),
      ...options.environment,
    }
  }

  /** Starts on an empty data directory; resolves when it says that it is ready. */
  static async start(options: SealpostOptions = {}): Promise<Sealpost> {
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'sealpost-interop-')))
    await chmod(directory, 0o755) // Postgres runs as a user of its own when we are root
    const numbers = await Promise.all(PORTS.map(freePort))
    const ports = Object.fromEntries(PORTS.map((name, index) => [name, numbers[index]])) as Record<
      PortName,
      number
    >
    const sealpost = new Sealpost(directory, ports, options)
    try {
      await sealpost.restart()
    } catch (error) {
      await sealpost[Symbol.asyncDispose]()
      throw error
    }
    return sealpost
  }

  get dataDirectory(): string {
    return join(this.#directory, 'data')
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  /** STARTTLS. */
  get port(): number {
    return this.#ports.XMPP_PORT
  }

  /** The key directory. */
  get hkpPort(): number {
    return this.#ports.HKP_PORT
  }

  get directTlsPort(): number {
    return this.#ports.XMPP_TLS_PORT
  }

  /** Mail exchanger. */
  get mxPort(): number {
    return this.#ports.SMTP_PORT
  }

  /** Mail of users, STARTTLS. */
  get submissionPort(): number {
    return this.#ports.SUBMISSION_PORT
  }

  /** Mail of users, TLS from the first byte. */
  get submissionsPort(): number {
    return this.#ports.SUBMISSIONS_PORT
  }

  /** Plain, for a proxy on this machine. */
  get httpPort(): number {
    return this.#ports.HTTP_PORT
  }

  get httpsPort(): number {
    return this.#ports.HTTPS_PORT
  }

  /** The certificate that clients have to trust. */
  get caFile(): string {
    return join(this.dataDirectory, 'tls', 'ca.pem')
  }

  /** What the server has written to its two outputs. */
  get output(): string {
    return this.#output
  }

  /** Starts the process again on the same data directory and the same ports. */
  async restart(): Promise<void> {
    const began = performance.now()
    const command = [...this.#prefix, process.execPath]
    const child = spawn(command[0] ?? '', [...command.slice(1), ...START], {
      cwd: ROOT,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(
      () => reject(new Error(`not ready after ${READY_LIMIT_MS} ms:\n${this.#output}`)),
      READY_LIMIT_MS,
    )
    const read = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX)
      if (this.#output.includes(READY)) resolve()
    }
    this.#output = ''
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`Sealpost ended with ${code}:\n${this.#output}`)))
    try {
      await promise
    } finally {
      clearTimeout(timer)
    }
    this.readyMs = performance.now() - began
  }

  /** `kill -9` of the process; with `database`, of its Postgres in the same instant, as when the machine stops. */
  async kill({ database = false } = {}): Promise<void> {
    const child = this.#process
    if (child?.exitCode !== null || child.signalCode !== null) throw new Error('there is nothing to kill')
    const ended = once(child, 'exit')
    const postmaster = database ? (await this.#postmaster()).pid : undefined
    child.kill('SIGKILL')
    if (postmaster !== undefined) process.kill(postmaster, 'SIGKILL')
    await ended
  }

  /** Clean stop; returns the exit code, null when it had to be killed. */
  async stop(): Promise<number | null> {
    const child = this.#process
    if (child === undefined) return null
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
      await ended
      clearTimeout(timer)
    }
    return child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const code = await this.stop()
    if (code === null) await this.#stopOrphan()
    if (this.#removes) await rm(this.#directory, { recursive: true, force: true, maxRetries: 3 })
    const named = namedInLog(this.#output)
    if (named.length > 0) throw new Error(`the log names somebody:\n${named.join('\n')}`)
  }

  /** `npm run ctl -- ARGS`; `input` goes to its standard input. */
  async ctl(args: readonly string[], input = ''): Promise<CtlResult> {
    const child = spawn(process.execPath, [join(ROOT, 'scripts', 'ctl.ts'), ...args], {
      cwd: ROOT,
      env: this.#environment,
    })
    let output = ''
    const read = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.stdin.end(input)
    await once(child, 'close')
    return { code: child.exitCode, output }
  }

  /** Makes accounts on the first domain by `ctl account import`. */
  async importAccounts(
    accounts: readonly { readonly username: string; readonly password: string }[],
  ): Promise<void> {
    const file = join(this.#directory, 'accounts.csv')
    await writeFile(file, accounts.map(({ username, password }) => `${username},${password}\n`).join(''), {
      mode: 0o600,
    })
    const { code, output } = await this.ctl(['account', 'import', file])
    await rm(file)
    if (code !== 0) throw new Error(`ctl account import ended with ${code}: ${output}`)
  }

  /** Rows waiting for delivery. */
  async sealedRows(): Promise<number> {
    const [row] = await this.query<{ count: string }>('select count(*) as count from xmpp.sealed')
    return Number(row?.count)
  }

  /** The tables that hold `text` anywhere in a row, also inside of bytes. */
  async tablesHolding(text: string): Promise<string[]> {
    const tables = await this.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
    )
    const hex = Buffer.from(text).toString('hex')
    const holding: string[] = []
    for (const { name } of tables) {
      const statement = `select 1 from ${name} as r where r::text like '%' || $1 || '%' or r::text like '%' || $2 || '%' limit 1`
      if ((await this.query(statement, [text, hex])).length > 0) holding.push(name)
    }
    return holding
  }

  /** Slots in use in the relay's keyring file: keys of messages, and names of queues. */
  async keyringSlots(): Promise<{ readonly keys: number; readonly queues: number }> {
    const file = await readFile(join(this.dataDirectory, 'keyring', 'xmpp', 'keyring.slots'))
    let keys = 0
    let queues = 0
    for (let at = KEYRING_HEADER_BYTES; at + KEYRING_SLOT_BYTES <= file.length; at += KEYRING_SLOT_BYTES) {
      const slot = file.subarray(at, at + KEYRING_SLOT_BYTES)
      if (slot.every((byte) => byte === 0)) continue
      if (slot[KEYRING_KIND_AT] === KEYRING_QUEUE_KIND) queues++
      else keys++
    }
    return { keys, queues }
  }

  /** The embedded database, as its superuser. */
  async databaseUrl(): Promise<string> {
    const { host, port } = await this.#postmaster()
    const password = await readFile(join(this.dataDirectory, 'postgres', 'sealpost.password'), 'utf8')
    return `postgres://sealpost:${password.trim()}@localhost:${String(port)}/sealpost?host=${encodeURIComponent(host)}`
  }

  /** One statement on the embedded database, as its superuser. */
  async query<Row extends object>(statement: string, values: readonly unknown[] = []): Promise<Row[]> {
    return query<Row>(await this.databaseUrl(), statement, values)
  }

  /** Process ids of the server: ours, and of the Postgres that it has started. */
  async roots(): Promise<number[]> {
    return [this.pid, (await this.#postmaster()).pid]
  }

  /** What Postgres writes about itself into its directory: process id, port and directory of its socket. */
  async #postmaster(): Promise<{ pid: number; port: number; host: string }> {
    const lines = (await readFile(join(this.dataDirectory, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')
    return { pid: Number(lines[0]), port: Number(lines[3]), host: lines[4] ?? '' }
  }

  /** A killed Sealpost leaves its Postgres behind; the next start would end it, but there is none. */
  async #stopOrphan(): Promise<void> {
    const { pid } = await this.#postmaster().catch(() => ({ pid: 0 }))
    if (pid === 0) return
    try {
      process.kill(pid, 'SIGQUIT')
    } catch {
      return // it had ended already
    }
    for (let tries = 0; tries < 50 && isAlive(pid); tries++)
      await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function readStartCommand(): Promise<string[]> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { start: string }
  }
  const words = manifest.scripts.start.split(' ')
  const node = words.indexOf('node') // behind `exec`
  if (node < 0) throw new Error('npm start does not run node')
  return words.slice(node + 1)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
