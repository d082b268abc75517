/**
 * Debian's ejabberd as a peer, started as ejabberdctl starts it but without its `su` and without epmd. Beyond its defaults: one scheduler without
 * busy waiting (it has one core), no shaper, SCRAM-SHA-256, errors only in the log, and only the modules that a chat of ours needs.
 */
import { execFile } from 'node:child_process'
import { chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../test/interop/free-port.ts'
import {
  identityOf,
  spawnPinned,
  stop,
  untilListening,
  type Account,
  type RunningServer,
  type ServerOptions,
} from './server.ts'

const exec = promisify(execFile)
const NODE = 'sealpost-bench@localhost'
const IMPORTED_AT_ONCE = 1_000

function configuration(options: ServerOptions, port: number): string {
  return `
loglevel: error
hosts: ["${options.domain}"]
certfiles: ["${options.directory}/pair.pem"]
auth_method: internal
auth_password_format: scram
auth_scram_hash: sha256
disable_sasl_mechanisms: [plain, digest-md5, x-oauth2, scram-sha-1]
listen:
  - port: ${port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    backlog: 1024
    max_stanza_size: 1048576
    shaper: none
    access: c2s
    tls: true
    protocol_options: [no_sslv3, no_tlsv1, no_tlsv1_1, no_tlsv1_2, no_compression]
access_rules: { c2s: { allow: all } }
api_permissions: { "console commands": { from: [ejabberd_ctl], who: all, what: "*" } }
shaper_rules: { max_user_sessions: 10, max_user_offline_messages: { 100000: all } }
modules:
  mod_admin_extra: {}
  mod_caps: {}
  mod_carboncopy: {}
  mod_disco: {}
  mod_muc:
    hosts: ["groups.@HOST@"]
    max_users: 10000
    history_size: 0
    default_room_options: { max_users: 10000 }
  mod_offline: { access_max_user_messages: max_user_offline_messages }
  mod_ping: {}
  mod_pubsub: { plugins: [pep] }
  mod_roster: {}
  mod_stream_mgmt: {}
`
}

/** The environment ejabberdctl would set; where Debian keeps the libraries is read from it. */
async function environment(directory: string): Promise<NodeJS.ProcessEnv> {
  const script = await readFile('/usr/sbin/ejabberdctl', 'utf8')
  return {
    PATH: process.env['PATH'],
    HOME: directory,
    ERL_LIBS: /^ERL_LIBS='(.+)'$/m.exec(script)?.[1] ?? '/usr/lib',
    ERL_MAX_PORTS: '32000',
    ERL_CRASH_DUMP_BYTES: '0',
    EJABBERD_CONFIG_PATH: join(directory, 'ejabberd.yml'),
    EJABBERD_LOG_PATH: join(directory, 'logs', 'ejabberd.log'),
  }
}

/** Writes some of the accounts into a file of XEP-0227. */
async function writeAccounts(file: string, domain: string, accounts: readonly Account[]): Promise<void> {
  const users = accounts.map(({ username, password }) => `<user name='${username}' password='${password}'/>`)
  await writeFile(
    file,
    `<server-data xmlns='urn:xmpp:pie:0'><host jid='${domain}'>\n${users.join('\n')}\n</host></server-data>\n`,
  )
}

/** Imports the accounts as `ejabberdctl import_piefxis` does, so many at a time that its call does not time out. */
async function createAccounts(
  options: ServerOptions,
  distribution: readonly string[],
  how: object,
): Promise<void> {
  const control = [
    '-sname',
    'sealpost-ctl@localhost',
    ...distribution,
    '-dist_listen',
    'false',
    '-hidden',
    '-noinput',
    '-s',
    'ejabberd_ctl',
    '-extra',
    NODE,
  ]
  for (let attempt = 0; ; attempt++) {
    const started = await exec('erl', [...control, 'status'], how).catch((error: unknown) => error)
    if (!(started instanceof Error)) break
    if (attempt === 20) throw started
  }
  const file = join(options.directory, 'users.xml')
  for (let first = 0; first < options.accounts.length; first += IMPORTED_AT_ONCE) {
    await writeAccounts(file, options.domain, options.accounts.slice(first, first + IMPORTED_AT_ONCE))
    await exec('erl', [...control, 'import_piefxis', file], how)
  }
  const { stdout } = await exec('erl', [...control, 'registered_users', options.domain], {
    ...how,
    maxBuffer: 16_777_216,
  })
  const created = stdout.split('\n').filter((line) => line !== '').length
  if (created !== options.accounts.length)
    throw new Error(`ejabberd imported ${created} of ${options.accounts.length} accounts`)
}

export async function startEjabberd(options: ServerOptions): Promise<RunningServer> {
  const { directory, certificate, core } = options
  const identity = await identityOf('ejabberd')
  const [port, distributionPort] = [await freePort(), await freePort()]
  await mkdir(join(directory, 'spool'))
  await mkdir(join(directory, 'logs'))
  await writeFile(join(directory, 'ejabberd.yml'), configuration(options, port))
  await writeFile(
    join(directory, 'pair.pem'),
    certificate.pem + (await readFile(certificate.keyFile, 'utf8')),
  )
  if (identity.uid !== undefined) {
    const paths = [directory, ...(await readdir(directory)).map((name) => join(directory, name))]
    await Promise.all(paths.map((path) => chown(path, identity.uid ?? 0, identity.gid ?? 0)))
  }
  const how = { ...identity, cwd: directory, env: await environment(directory) }
  const distribution = [
    '-setcookie',
    'benchmark',
    '-erl_epmd_port',
    String(distributionPort),
    '-start_epmd',
    'false',
  ]
  const machine = [
    '+K',
    'true',
    '+P',
    '250000',
    '+S',
    '1',
    '+sbwt',
    'none',
    '+sbwtdcpu',
    'none',
    '+sbwtdio',
    'none',
  ]
  const store = [
    '-kernel',
    'inet_dist_use_interface',
    '{127,0,0,1}',
    '-mnesia',
    'dir',
    `"${directory}/spool"`,
  ]
  const child = spawnPinned(
    core,
    'erl',
    ['-sname', NODE, ...distribution, ...machine, ...store, '-s', 'ejabberd', '-noinput'],
    how,
  )
  const server = {
    name: 'ejabberd',
    port,
    roots: () => [child.pid ?? 0],
    [Symbol.asyncDispose]: () => stop(child),
  }
  await using stack = new AsyncDisposableStack()
  stack.use(server)
  await untilListening(port, child)
  await createAccounts(options, distribution, how)
  stack.move()
  return server
}
