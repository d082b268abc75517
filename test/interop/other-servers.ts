/** Debian's ejabberd and Prosody with people in them, and what they export of these. Each runs as its own user where we are root. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startDaemon } from './daemon.ts'
import { freePort } from './free-port.ts'

const exec = promisify(execFile)
const isRoot = process.getuid?.() === 0

/** To be put before a command. */
function as(user: string): string[] {
  return isRoot ? ['setpriv', '--reuid', user, '--regid', user, '--clear-groups'] : ['env']
}

export interface Directory extends AsyncDisposable {
  readonly path: string
}

/** A new directory that belongs to the user, with these files in it. */
async function directoryOf(
  user: string,
  files: (path: string) => Readonly<Record<string, string>>,
): Promise<Directory> {
  const path = await mkdtemp(join(tmpdir(), `sealpost-${user}-`))
  for (const [name, content] of Object.entries(files(path))) await writeFile(join(path, name), content)
  for (const name of ['data', 'export']) await mkdir(join(path, name))
  if (isRoot) await exec('chown', ['-R', `${user}:`, path])
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export class Ejabberd implements AsyncDisposable {
  readonly #directory: string
  readonly #environment: NodeJS.ProcessEnv
  readonly #distribution: readonly string[]
  readonly #stack: AsyncDisposableStack

  private constructor(
    directory: string,
    environment: NodeJS.ProcessEnv,
    distribution: readonly string[],
    stack: AsyncDisposableStack,
  ) {
    this.#directory = directory
    this.#environment = environment
    this.#distribution = distribution
    this.#stack = stack
  }

  /** With its own defaults for passwords: SCRAM-SHA-1, 4,096 iterations. */
  static async start(domain: string): Promise<Ejabberd> {
    const stack = new AsyncDisposableStack()
    const settings = `
loglevel: error
hosts: ["${domain}"]
auth_method: internal
auth_password_format: scram
listen:
  - { port: ${String(await freePort())}, ip: "127.0.0.1", module: ejabberd_c2s }
api_permissions: { "console commands": { from: [ejabberd_ctl], who: all, what: "*" } }
modules: { mod_admin_extra: {}, mod_offline: {}, mod_privacy: {}, mod_private: {}, mod_roster: {}, mod_vcard: { search: false } }
`
    const { path } = stack.use(await directoryOf('ejabberd', () => ({ 'ejabberd.yml': settings })))
    const script = await readFile('/usr/sbin/ejabberdctl', 'utf8')
    const environment = {
      PATH: process.env['PATH'],
      HOME: path,
      ERL_LIBS: /^ERL_LIBS='(.+)'$/m.exec(script)?.[1] ?? '/usr/lib',
      ERL_CRASH_DUMP_BYTES: '0',
      EJABBERD_CONFIG_PATH: join(path, 'ejabberd.yml'),
      EJABBERD_LOG_PATH: join(path, 'ejabberd.log'),
    }
    const epmd = ['-start_epmd', 'false', '-erl_epmd_port', String(await freePort())]
    const distribution = ['-setcookie', 'interop', ...epmd]
    const store = ['-mnesia', 'dir', `"${path}/data"`, '-kernel', 'inet_dist_use_interface', '{127,0,0,1}']
    const ejabberd = new Ejabberd(path, environment, distribution, stack)
    const [program = '', ...before] = as('ejabberd')
    stack.use(
      await startDaemon(
        [
          program,
          ...before,
          'erl',
          '-sname',
          NODE,
          ...distribution,
          '+S',
          '1',
          ...store,
          '-s',
          'ejabberd',
          '-noinput',
        ],
        {
          cwd: path,
          env: environment,
          isReady: async () => (await ejabberd.control('status').catch(() => '')).includes('is running'),
        },
      ),
    )
    return ejabberd
  }

  /** As `ejabberdctl` does it. */
  async control(...words: readonly string[]): Promise<string> {
    const [program = '', ...before] = as('ejabberd')
    const hidden = ['-dist_listen', 'false', '-hidden', '-noinput', '-s', 'ejabberd_ctl', '-extra', NODE]
    const name = ['-sname', 'interop-ctl@localhost']
    const how = { cwd: this.#directory, env: this.#environment }
    return (await exec(program, [...before, 'erl', ...name, ...this.#distribution, ...hidden, ...words], how))
      .stdout
  }

  /** The directory with its export. */
  async export(): Promise<string> {
    const path = join(this.#directory, 'export')
    await this.control('export_piefxis', path)
    return path
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }
}

const NODE = 'sealpost-interop@localhost'

export class Prosody implements AsyncDisposable {
  /** Direct TLS. */
  readonly port: number
  readonly #path: string
  readonly #stack: AsyncDisposableStack
  #stop: () => Promise<unknown> = async () => undefined

  private constructor(path: string, port: number, stack: AsyncDisposableStack) {
    this.#path = path
    this.port = port
    this.#stack = stack
  }

  /** With its own defaults for passwords, and accounts of these names. */
  static async start(domain: string, accounts: Readonly<Record<string, string>>): Promise<Prosody> {
    const stack = new AsyncDisposableStack()
    const port = await freePort()
    const directory = await directoryOf('prosody', (path) => ({
      'prosody.cfg.lua': configuration(path, domain, port),
      'migrator.cfg.lua': migration(path, domain),
    }))
    const { path } = stack.use(directory)
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      join(path, 'key.pem'),
    ]
    await exec('openssl', ['req', '-x509', ...key, '-out', join(path, 'cert.pem'), '-subj', `/CN=${domain}`])
    if (isRoot) await exec('chown', ['-R', 'prosody:', path])
    const prosody = new Prosody(path, port, stack)
    const config = ['--config', join(path, 'prosody.cfg.lua')]
    for (const [name, password] of Object.entries(accounts))
      await prosody.#run('prosodyctl', ...config, 'register', name, domain, password)
    const [program = '', ...before] = as('prosody')
    const daemon = stack.use(
      await startDaemon([program, ...before, 'prosody', ...config, '-F'], {
        cwd: path,
        isReady: () => answers(port),
      }),
    )
    prosody.#stop = () => daemon.end('SIGTERM')
    return prosody
  }

  async #run(...command: readonly string[]): Promise<void> {
    const [program = '', ...before] = as('prosody')
    await exec(program, [...before, ...command], { cwd: this.#path })
  }

  /** Stops it, and has its migrator write the files of XEP-0227: the directory with them. */
  async export(): Promise<string> {
    await this.#stop()
    const migrator = await readFile('/usr/bin/prosody-migrator', 'utf8')
    const own = migrator.replace(/^CFG_DATADIR=.*$/m, `CFG_DATADIR='${this.#path}/data';`)
    await writeFile(join(this.#path, 'migrator.lua'), own)
    await this.#run(
      'lua5.4',
      join(this.#path, 'migrator.lua'),
      '--config',
      join(this.#path, 'migrator.cfg.lua'),
    )
    return join(this.#path, 'data')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }
}

function configuration(path: string, domain: string, port: number): string {
  return `
pidfile = "${path}/prosody.pid"
data_path = "${path}/data"
certificates = "${path}/data"
log = { warn = "*console" }
daemonize = false
modules_enabled = { "roster", "saslauth", "tls", "disco", "pep", "private", "vcard_legacy" }
modules_disabled = { "s2s" }
authentication = "internal_hashed"
storage = "internal"
interfaces = { "127.0.0.1" }
c2s_ports = {}
c2s_direct_tls_ports = { ${String(port)} }
s2s_ports = {}
ssl = { certificate = "${path}/cert.pem", key = "${path}/key.pem" }
VirtualHost "${domain}"
`
}

/** As docs/importing.md has it. */
function migration(path: string, domain: string): string {
  return `
local stores = { "accounts", "roster", "vcard", "private", "pep-pubsub" }
input { hosts = { ["${domain}"] = stores }; type = "internal"; path = "${path}/data" }
output { type = "xep0227"; path = "${path}/data" }
`
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
  } finally {
    socket.destroy()
  }
}
