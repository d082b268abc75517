/** Debian's Dovecot with the configuration of infra/dovecot, in a directory of its own, on accounts of a test. Needs root. */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { vi } from 'vitest'
import { freePort } from './free-port.ts'

const INFRA = join(import.meta.dirname, '../../infra/dovecot')
const run = promisify(execFile)
const DATABASE_ROLE = `dovecot_${String(process.pid)}`
const DATABASE_PASSWORD = 'pass-word'
const NOBODY = 65_534

export interface DovecotPorts {
  readonly lmtp: number
  /** STARTTLS, and TLS from the first byte. */
  readonly imap: number
  readonly imaps: number
  readonly pop3: number
  readonly pop3s: number
  /** doveadm over HTTP. */
  readonly http: number
}

export interface DovecotOptions {
  readonly ports: DovecotPorts
  readonly databaseUrl: string
  /** Of `tls/cert.pem` and `tls/key.pem`. */
  readonly dataDir: string
}

export const DOVEADM_KEY = 'a-key-for-doveadm'

export async function dovecotPorts(): Promise<DovecotPorts> {
  const names = ['lmtp', 'imap', 'imaps', 'pop3', 'pop3s', 'http'] as const
  const ports = await Promise.all(names.map(async (name) => [name, await freePort()] as const))
  return Object.fromEntries(ports) as unknown as DovecotPorts
}

export class Dovecot implements AsyncDisposable {
  readonly #directory: string
  #process: ChildProcess | undefined

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async start(options: DovecotOptions): Promise<Dovecot> {
    const directory = await mkdtemp(join(tmpdir(), 'dovecot-'))
    await chmod(directory, 0o755)
    const dovecot = new Dovecot(directory)
    await dovecot.setForward(0)
    await dovecot.#configure(options)
    dovecot.#process = spawn('dovecot', ['-F', '-c', dovecot.#file], {
      env: await dovecot.#environment(),
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const isUp = async (): Promise<boolean> => (await dovecot.log()).includes('starting up')
    await vi.waitUntil(isUp, { timeout: 30_000 })
    return dovecot
  }

  get #file(): string {
    return join(this.#directory, 'dovecot.conf')
  }

  get #clock(): string {
    return join(this.#directory, 'clock')
  }

  log(): Promise<string> {
    return readFile(join(this.#directory, 'log'), 'utf8').catch(() => '')
  }

  async doveadm(...args: readonly string[]): Promise<string> {
    const command = ['-c', this.#file, ...args]
    return (await run('doveadm', command, { env: await this.#environment() })).stdout
  }

  /** Files of mails that hold a text. */
  async mailsHolding(text: string): Promise<string[]> {
    const mails = join(this.#directory, 'vmail')
    const names = await readdir(mails, { recursive: true, withFileTypes: true })
    const files = names.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
    const holding = await Promise.all(files.map(async (file) => (await readFile(file)).includes(text)))
    return files.filter((_, index) => holding[index])
  }

  /** Sets its clock forward: so many days from now. */
  async setForward(days: number): Promise<void> {
    await writeFile(this.#clock, `+${String(days)}d`)
  }

  /** Its own idea of time: faketime(1), by a file. */
  async #environment(): Promise<NodeJS.ProcessEnv> {
    const { stdout } = await run('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'])
    return {
      ...process.env,
      LD_PRELOAD: stdout.trim(),
      FAKETIME_TIMESTAMP_FILE: this.#clock,
      FAKETIME_NO_CACHE: '1',
      NO_FAKE_STAT: '1', // Files have the times that they have.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process
    if (child !== undefined) {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    }
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** The files of infra/dovecot, with the paths, ports and users of this test. */
  async #configure({ ports, databaseUrl, dataDir }: DovecotOptions): Promise<void> {
    const directory = this.#directory
    const mails = join(directory, 'vmail')
    await mkdir(mails)
    await chown(mails, NOBODY, NOBODY)
    for (const name of ['cert.pem', 'key.pem'])
      await writeFile(join(directory, name), await readFile(join(dataDir, 'tls', name)))
    await writeFile(join(directory, 'doveadm.conf'), `doveadm_api_key = ${DOVEADM_KEY}\n`, { mode: 0o600 })
    await writeFile(join(directory, 'sql.conf.ext'), await sqlSettings(databaseUrl, mails))
    const shipped = (await readFile(join(INFRA, 'dovecot.conf'), 'utf8'))
      .replaceAll('/etc/dovecot/private/', `${directory}/`)
      .replaceAll('/etc/dovecot/sealpost-sql.conf.ext', join(directory, 'sql.conf.ext'))
      .replace('port = 24', `port = ${String(ports.lmtp)}`)
      .replace('port = 8081', `port = ${String(ports.http)}`)
      .replace('listen = *, ::', 'listen = 127.0.0.1')
    await writeFile(this.#file, `${shipped}\n${settingsOf(directory, ports)}`)
  }
}

/** How Dovecot connects to the database of a test. */
export function asDovecot(databaseUrl: string) {
  const { hostname, port, pathname, searchParams } = new URL(databaseUrl)
  return {
    host: searchParams.get('host') ?? hostname,
    port: Number(searchParams.get('port') ?? (port === '' ? '5432' : port)),
    database: pathname.slice(1),
    user: DATABASE_ROLE,
    password: DATABASE_PASSWORD,
  }
}

/** With a role of its own, which sees the view of `grant.sql` only. */
async function sqlSettings(databaseUrl: string, mails: string): Promise<string> {
  const grant = await readFile(join(INFRA, 'grant.sql'), 'utf8')
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(
    grant.replaceAll('sealpost_dovecot', DATABASE_ROLE).replace('CHANGE-ME', DATABASE_PASSWORD),
  )
  await client.end()
  const { host, port, database, user, password } = asDovecot(databaseUrl)
  const where = `host=${host} port=${String(port)} dbname=${database}`
  return (await readFile(join(INFRA, 'sealpost-sql.conf.ext'), 'utf8'))
    .replace(/^connect = .*$/m, `connect = ${where} user=${user} password=${password}`)
    .replace('/var/vmail', mails)
    .replaceAll("'vmail'", String(NOBODY))
}

function settingsOf(directory: string, { imap, imaps, pop3, pop3s }: DovecotPorts): string {
  return [
    `base_dir = ${join(directory, 'run')}`,
    `state_dir = ${join(directory, 'state')}`,
    `log_path = ${join(directory, 'log')}`,
    'first_valid_uid = 1',
    'import_environment = $import_environment LD_PRELOAD FAKETIME_TIMESTAMP_FILE FAKETIME_NO_CACHE NO_FAKE_STAT',
    // Wrong passwords are slowed down by address, and all of a test come from one.
    'service anvil {\n unix_listener anvil-auth-penalty {\n mode = 0\n }\n}',
    // The socket of the tests' Postgres is in a directory of root's.
    'service auth {\n user = root\n}',
    `service imap-login {\n inet_listener imap {\n port = ${String(imap)}\n }\n inet_listener imaps {\n port = ${String(imaps)}\n }\n}`,
    `service pop3-login {\n inet_listener pop3 {\n port = ${String(pop3)}\n }\n inet_listener pop3s {\n port = ${String(pop3s)}\n }\n}`,
    'service stats {\n unix_listener stats-writer {\n mode = 0666\n }\n}',
  ].join('\n')
}
