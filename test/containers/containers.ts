/**
 * docker-compose.yml by an engine, as an operator starts it, for tests from outside: our image is built, all others are those that the file names. Only what a test must reach
 * or look at is changed: ports of the loopback that are free, and directories of the host in place of some volumes.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import type { CommandResult, Ports, ServiceName } from '@sealpost/dev-env'
import {
  DockerComposeEnvironment,
  getContainerRuntimeClient,
  type ContainerRuntimeClient,
  type StartedDockerComposeEnvironment,
} from 'testcontainers'
import { vi } from 'vitest'
import { freePorts } from '../../packages/dev-env/src/deployment/ports.ts'
import { ROOT } from '../stack/compose-file.ts'
import type { Running } from '../stack/stack.ts'

const SERVICES = ['api', 'xmpp', 'keys', 'smtp'] as const
/** Not coturn, which takes ports of the host. */
const OTHERS = ['caddy', 'dovecot']
/** What is for the inside: the edge does not let it through. */
const INSIDE = /^\/(?:livez|readyz|metrics|internal\/)/
/** Images are built and fetched. */
const STARTED_MS_MAX = 1_800_000
const READY_MS_MAX = 60_000
/** In place of volumes: what tests look into. */
const PLACES = {
  data: 'data',
  'keyring-xmpp': 'data/keyring/xmpp',
  'keyring-smtp': 'data/keyring/smtp',
  caddy: 'caddy',
  'secrets-migrate': 'secrets',
}

type Container = ReturnType<ContainerRuntimeClient['container']['getById']>

export interface ContainersOptions {
  readonly domains?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

interface AllPorts extends Ports {
  readonly postgres: number
}

export class Containers implements Running {
  readonly shape = 'four-processes'
  readonly domains: readonly string[]
  readonly ports: AllPorts
  readonly #directory: string
  readonly #environment: StartedDockerComposeEnvironment
  #output = ''

  private constructor(
    directory: string,
    domains: readonly string[],
    started: { readonly ports: AllPorts; readonly environment: StartedDockerComposeEnvironment },
  ) {
    this.#directory = directory
    this.domains = domains
    this.ports = started.ports
    this.#environment = started.environment
  }

  /** Resolves when all of it is ready, and Caddy's certificates are in force. */
  static async start({ domains = ['localhost'], env = {} }: ContainersOptions = {}): Promise<Containers> {
    const directory = await mkdtemp(join(tmpdir(), 'sealpost-containers-'))
    for (const place of Object.values(PLACES)) await mkdir(join(directory, place), { recursive: true })
    const ports = await choosePorts()
    const override = join(directory, 'override.yml')
    const variables = { SEALPOST_DOMAIN: domains.join(','), HTTPS_PORT: String(ports.https), ...env }
    await writeFile(override, overrideFile(directory, ports, variables))
    const environment = await new DockerComposeEnvironment(ROOT, ['docker-compose.yml', override])
      .withBuild()
      .withEnvironment({ SEALPOST_DOMAIN: 'localhost', ACME_NAME: 'local', MAILBOX_LMTP: '' })
      .withStartupTimeout(STARTED_MS_MAX)
      .up([...SERVICES, ...OTHERS])
    const containers = new Containers(directory, domains, { ports, environment })
    try {
      for (const service of SERVICES) await containers.#listen(service)
      await containers.#untilReady()
      setDefaultCACertificates([...getCACertificates(), await readFile(containers.caFile, 'utf8')])
      return containers
    } catch (error) {
      await containers[Symbol.asyncDispose]()
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

  get output(): string {
    return this.#output
  }

  /** They are the engine's. */
  get pids(): Readonly<Record<string, number>> {
    return {}
  }

  async databaseUrl(): Promise<string> {
    const url = new URL((await readFile(join(this.#directory, 'secrets/database-url'), 'utf8')).trim())
    url.host = `127.0.0.1:${String(this.ports.postgres)}`
    return url.href
  }

  /** Through the edge, but for what it keeps to the inside. */
  url(service: ServiceName, path: string): string {
    if (INSIDE.test(path)) return `http://127.0.0.1:${String(this.ports.http[service])}${path}`
    return `https://localhost:${String(this.ports.https)}${path}`
  }

  async start(): Promise<void> {
    await Promise.all(SERVICES.map((service) => this.startService(service)))
  }

  async startService(service: ServiceName): Promise<void> {
    const container = await this.#container(service)
    if ((await container.inspect()).State.Running) return
    await container.start()
    await this.#listen(service)
    await vi.waitUntil(() => answers(this.#readyUrl(service)), { timeout: READY_MS_MAX, interval: 100 })
  }

  async kill(service?: ServiceName): Promise<void> {
    await this.#forEach(service, (container) => container.kill({ signal: 'SIGKILL' }))
  }

  stop(service?: ServiceName): Promise<(number | NodeJS.Signals)[]> {
    return this.#forEach(service, async (container) => {
      await container.stop()
      return (await container.inspect()).State.ExitCode
    })
  }

  /** In the container of the API; by its public address from here. */
  async ctl(args: readonly string[], input = ''): Promise<CommandResult> {
    if (args.includes('--url')) return this.#ctlHere(args, input)
    const line = `printf %s "$0" | base64 -d | node /app/scripts/ctl.ts "$@"`
    const encoded = Buffer.from(input).toString('base64')
    const api = this.#environment.getContainer('api-1')
    const { exitCode, output } = await api.exec(['sh', '-c', line, encoded, ...args])
    return { code: exitCode, output }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#environment.down({ removeVolumes: true })
    await rm(this.#directory, { recursive: true, force: true })
  }

  #ctlHere(args: readonly string[], input: string): Promise<CommandResult> {
    const running = promisify(execFile)(process.execPath, ['scripts/ctl.ts', ...args], { cwd: ROOT })
    running.child.stdin?.end(input)
    return running.then(
      ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
        code,
        output: stdout + stderr,
      }),
    )
  }

  async #container(service: ServiceName): Promise<Container> {
    const { container } = await getContainerRuntimeClient()
    return container.getById(this.#environment.getContainer(`${service}-1`).getId())
  }

  async #forEach<T>(
    chosen: ServiceName | undefined,
    work: (container: Container) => Promise<T>,
  ): Promise<T[]> {
    const services = SERVICES.filter((service) => chosen === undefined || service === chosen)
    return Promise.all(services.map(async (service) => work(await this.#container(service))))
  }

  /** To what a container says since it was started. */
  async #listen(service: ServiceName): Promise<void> {
    const { container } = await getContainerRuntimeClient()
    const own = await this.#container(service)
    const since = Math.floor(Date.parse((await own.inspect()).State.StartedAt) / 1000)
    const said = await container.logs(own, { since, follow: true, stdout: true, stderr: true })
    said.on('data', (chunk: Buffer) => (this.#output += chunk.toString()))
  }

  async #untilReady(): Promise<void> {
    const all = SERVICES.map((service) => this.#readyUrl(service))
    const isReady = async (): Promise<boolean> =>
      (await Promise.all(all.map(answers))).every(Boolean) &&
      (await readFile(this.caFile).then(
        () => true,
        () => false,
      ))
    await vi.waitUntil(isReady, { timeout: READY_MS_MAX, interval: 500 })
  }

  #readyUrl(service: ServiceName): string {
    return `http://127.0.0.1:${String(this.ports.http[service])}/readyz`
  }
}

/** With the tags of Compose 2.24 and later that replace a list instead of adding to it. */
function overrideFile(
  directory: string,
  ports: AllPorts,
  variables: Readonly<Record<string, string>>,
): string {
  const published: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
    api: [],
    xmpp: [
      [ports.xmpp, 5222],
      [ports.xmpps, 5223],
    ],
    keys: [],
    smtp: [
      [ports.smtp, 2525],
      [ports.submission, 2587],
      [ports.submissions, 2465],
    ],
    caddy: [
      [ports.https, 443],
      [ports.hkp, 11_371],
    ],
    dovecot: [],
    postgres: [[ports.postgres, 5432]],
  }
  const lines = Object.entries(published).flatMap(([service, pairs]) => {
    const own = SERVICES.find((name) => name === service)
    const all = own === undefined ? pairs : [...pairs, [ports.http[own], 8080] as const]
    return [
      `  ${service}:`,
      `    ports: !override ${JSON.stringify(all.map(([here, there]) => `127.0.0.1:${String(here)}:${String(there)}`))}`,
      '    networks: !override [inside, outside]',
      ...(own === undefined ? [] : [`    environment: ${JSON.stringify(variables)}`]),
    ]
  })
  const volumes = Object.entries(PLACES).map(([volume, place]) => {
    const device = join(directory, place)
    return `  ${volume}: ${JSON.stringify({ driver: 'local', driver_opts: { type: 'none', o: 'bind', device } })}`
  })
  return ['services:', ...lines, 'volumes:', ...volumes, ''].join('\n')
}

async function choosePorts(): Promise<AllPorts> {
  const [xmpp = 0, xmpps = 0, https = 0, hkp = 0, smtp = 0, submission = 0, submissions = 0, ...rest] =
    await freePorts(12)
  const [postgres = 0, api = 0, relay = 0, keys = 0, mail = 0] = rest
  const http = { api, xmpp: relay, keys, smtp: mail }
  return { xmpp, xmpps, https, hkp, smtp, submission, submissions, postgres, http }
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}
