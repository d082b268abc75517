/**
 * Sealpost as an operator runs it, in processes of its own, for tests that kill and restart it: all in one process on the embedded
 * Postgres, or one process for each service on a shared Postgres and data directory.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Secret } from '@sealpost/config'
import { OperationalError } from '@sealpost/errors'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { locate } from '../data-directory/data-directory.ts'
import { ensureCertificate } from '../local-ca/local-ca.ts'
import { embeddedDatabaseUrl } from '../postgres/embedded-postgres.ts'
import { nodeEnvironment } from './config.ts'
import { ManagedProcess } from './managed-process.ts'
import { freePorts } from './ports.ts'

export const SHAPES = ['all-in-one', 'four-processes'] as const
export type Shape = (typeof SHAPES)[number]

const SERVICES = ['api', 'xmpp', 'keys', 'smtp'] as const
export type ServiceName = (typeof SERVICES)[number]

export interface DeploymentOptions {
  readonly shape: Shape
  /** Absolute; made if missing, not removed. */
  readonly dataDir: string
  /** Needed by four processes; unset, all-in-one uses the embedded Postgres. */
  readonly databaseUrl?: string
  readonly domains?: readonly string[]
  /** Further variables of all processes. */
  readonly env?: Readonly<Record<string, string>>
  /** Of Node, for those that stay. */
  readonly flags?: readonly string[]
}

export interface Ports {
  readonly xmpp: number
  readonly xmpps: number
  /** All-in-one only: an HTTPS edge belongs in front of four processes. */
  readonly https: number
  readonly hkp: number
  readonly smtp: number
  readonly submission: number
  readonly submissions: number
  /** Plain HTTP of each service: the same port for all in the all-in-one. */
  readonly http: Readonly<Record<ServiceName, number>>
}

export interface CommandResult {
  readonly code: number | NodeJS.Signals
  /** Standard output and error. */
  readonly output: string
}

const ROOT = join(import.meta.dirname, '../../../..')

export class Deployment implements AsyncDisposable {
  readonly shape: Shape
  readonly domains: readonly string[]
  readonly dataDir: string
  readonly ports: Ports
  readonly #databaseUrl: Secret | undefined
  readonly #env: Readonly<Record<string, string>>
  readonly #flags: readonly string[]
  readonly #processes = new Map<string, ManagedProcess>()
  #earlierOutput = ''

  private constructor(options: DeploymentOptions, ports: Ports) {
    this.shape = options.shape
    this.domains = options.domains ?? ['localhost']
    this.dataDir = options.dataDir
    this.ports = ports
    this.#databaseUrl = options.databaseUrl === undefined ? undefined : Secret.of(options.databaseUrl)
    this.#env = options.env ?? {}
    this.#flags = options.flags ?? []
  }

  /** Resolves when all of it is ready. */
  static async start(options: DeploymentOptions): Promise<Deployment> {
    const deployment = new Deployment(options, await choosePorts(options.shape))
    await deployment.start()
    return deployment
  }

  /** Starts what does not run, at the same ports. */
  async start(): Promise<void> {
    await mkdir(this.dataDir, { recursive: true })
    if (this.shape === 'all-in-one') return await this.#startAllInOne()
    await this.#prepare()
    await Promise.all(SERVICES.map((service) => this.startService(service)))
  }

  /** Four processes only: starts one of them, or does nothing if it runs. */
  async startService(service: ServiceName): Promise<void> {
    const process = this.#spawn(service, `services/${service}/src/main.ts`, this.ports.http[service])
    await process?.until(() => answers(`http://127.0.0.1:${String(this.ports.http[service])}/readyz`))
  }

  /** kill -9 of everything, or of one service of four. */
  async kill(service?: ServiceName): Promise<void> {
    await this.#end('SIGKILL', service)
  }

  /** SIGTERM to everything, or to one service of four. The exit codes, in no order. */
  async stop(service?: ServiceName): Promise<(number | NodeJS.Signals)[]> {
    return await this.#end('SIGTERM', service)
  }

  /** What all processes have ever said, those that ended included. */
  get output(): string {
    return this.#earlierOutput + [...this.#processes.values()].map((process) => process.output).join('')
  }

  /** Process ids by service; the all-in-one has one, under `all`. */
  get pids(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#processes].map(([name, process]) => [name, process.pid]))
  }

  /** Superuser of the database; holds its password. */
  async databaseUrl(): Promise<string> {
    return this.#databaseUrl?.reveal() ?? (await embeddedDatabaseUrl(locate(this.dataDir)))
  }

  /** The CA that clients of this deployment trust, in a file. */
  get caFile(): string {
    return join(locate(this.dataDir).tls, 'ca.pem')
  }

  url(service: ServiceName, path: string): string {
    return `http://127.0.0.1:${String(this.ports.http[service])}${path}`
  }

  /** `npm run ctl -- …` against this deployment. */
  async ctl(args: readonly string[], input = ''): Promise<CommandResult> {
    const command = new ManagedProcess({
      args: ['scripts/ctl.ts', ...args],
      cwd: ROOT,
      env: this.#environment(0),
    })
    command.write(input)
    const code = await command.ended
    return { code, output: command.output }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #startAllInOne(): Promise<void> {
    const process = this.#spawn('all', 'scripts/start.ts', this.ports.http.api)
    await process?.until(() => /^Sealpost is ready$/m.test(process.output))
  }

  /** What an operator of several processes does before: migrations, and a certificate. */
  async #prepare(): Promise<void> {
    const { tls } = locate(this.dataDir)
    await ensureCertificate({
      directory: tls,
      domains: this.domains,
      clock: systemClock,
      random: systemRandom,
    })
    const migration = new ManagedProcess({
      args: ['scripts/migrate.ts'],
      cwd: ROOT,
      env: this.#environment(0),
    })
    if ((await migration.ended) !== 0)
      throw new OperationalError('MIGRATION_FAILED', `The migration failed:\n${migration.output}`)
  }

  #spawn(name: string, script: string, httpPort: number): ManagedProcess | undefined {
    const before = this.#processes.get(name)
    if (before?.running === true) return undefined
    this.#earlierOutput += before?.output ?? ''
    const process = new ManagedProcess({
      args: [...this.#flags, script],
      cwd: ROOT,
      env: this.#environment(httpPort),
    })
    this.#processes.set(name, process)
    return process
  }

  async #end(signal: NodeJS.Signals, service?: ServiceName): Promise<(number | NodeJS.Signals)[]> {
    const chosen = [...this.#processes].filter(([name]) => service === undefined || name === service)
    return await Promise.all(chosen.map(([, process]) => process.end(signal)))
  }

  #environment(httpPort: number): Record<string, string> {
    const { ports } = this
    return {
      ...nodeEnvironment(),
      SEALPOST_DATA_DIR: this.dataDir,
      SEALPOST_DOMAIN: this.domains.join(','),
      XMPP_PORT: String(ports.xmpp),
      XMPP_TLS_PORT: String(ports.xmpps),
      HTTP_PORT: String(httpPort),
      HTTPS_PORT: String(ports.https),
      HKP_PORT: String(ports.hkp),
      SMTP_PORT: String(ports.smtp),
      SUBMISSION_PORT: String(ports.submission),
      SUBMISSIONS_PORT: String(ports.submissions),
      STATUS_PROBER: 'off',
      ...(this.shape === 'four-processes'
        ? {
            EVENT_BUS: 'postgres',
            RELAY_URL: this.url('xmpp', ''),
            MAIL_URL: this.url('smtp', ''),
            KEYS_URL: this.url('keys', ''),
            API_URL: this.url('api', ''),
          }
        : {}),
      ...(this.#databaseUrl === undefined ? {} : { DATABASE_URL: this.#databaseUrl.reveal() }),
      ...this.#env,
    }
  }
}

async function choosePorts(shape: Shape): Promise<Ports> {
  const [xmpp = 0, xmpps = 0, https = 0, hkp = 0, smtp = 0, submission = 0, submissions = 0, ...http] =
    await freePorts(7 + SERVICES.length)
  const portOf = (index: number): number => http[shape === 'all-in-one' ? 0 : index] ?? 0
  const byService = Object.fromEntries(SERVICES.map((service, index) => [service, portOf(index)]))
  return {
    xmpp,
    xmpps,
    https,
    hkp,
    smtp,
    submission,
    submissions,
    http: byService as Record<ServiceName, number>,
  }
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    (response) => response.ok,
    () => false,
  )
}
