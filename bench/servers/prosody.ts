/**
 * Debian's Prosody as a peer. Beyond its defaults: epoll, Lua's generational collector (its own advice for busy servers), no traffic limits,
 * no server-to-server, warnings only in the log, and only the modules that a chat of ours needs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../test/interop/free-port.ts'
import {
  identityOf,
  spawnPinned,
  stop,
  untilListening,
  type RunningServer,
  type ServerOptions,
} from './server.ts'

function configuration(options: ServerOptions, port: number): string {
  const { directory, domain, certificate } = options
  return `
pidfile = "${directory}/prosody.pid"
data_path = "${directory}/data"
certificates = "${directory}/data"
admin_socket = "${directory}/shell.sock"
log = { warn = "*console" }
daemonize = false
modules_enabled = { "roster", "saslauth", "tls", "disco", "carbons", "pep", "ping", "smacks", "offline", "admin_shell" }
modules_disabled = { "s2s" }
authentication = "internal_hashed"
password_hash = "SHA-256"
storage = "internal"
interfaces = { "127.0.0.1" }
c2s_ports = {}
c2s_direct_tls_ports = { ${port} }
s2s_ports = {}
network_backend = "epoll"
network_settings = { tcp_backlog = 1024 }
gc = { mode = "generational" }
ssl = { certificate = "${certificate.certFile}", key = "${certificate.keyFile}" }
VirtualHost "${domain}"
Component "groups.${domain}" "muc"
max_history_messages = 0
`
}

/** Makes the accounts through the administration shell, as `prosodyctl shell` would be used by hand. */
async function createAccounts(options: ServerOptions, configFile: string, identity: object): Promise<void> {
  const shell = spawn('prosodyctl', ['--config', configFile, 'shell'], {
    ...identity,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let created = 0
  shell.stdout.on('data', (chunk: Buffer) => {
    created += chunk.toString().split('OK: User created').length - 1
  })
  for (const { username, password } of options.accounts)
    shell.stdin.write(`user:create("${username}@${options.domain}", "${password}")\n`)
  shell.stdin.end()
  await once(shell, 'close')
  if (created !== options.accounts.length)
    throw new Error(`prosodyctl made ${created} of ${options.accounts.length} accounts`)
}

export async function startProsody(options: ServerOptions): Promise<RunningServer> {
  const { directory, core } = options
  const identity = await identityOf('prosody')
  const port = await freePort()
  const configFile = join(directory, 'prosody.cfg.lua')
  await mkdir(join(directory, 'data'))
  await writeFile(configFile, configuration(options, port))
  if (identity.uid !== undefined) {
    await Promise.all(
      [directory, join(directory, 'data')].map((path) => chown(path, identity.uid ?? 0, identity.gid ?? 0)),
    )
  }
  const child = spawnPinned(core, 'prosody', ['--config', configFile, '-F'], identity)
  const server = {
    name: 'Prosody',
    port,
    roots: () => [child.pid ?? 0],
    [Symbol.asyncDispose]: () => stop(child),
  }
  await using stack = new AsyncDisposableStack()
  stack.use(server)
  await untilListening(port, child)
  await createAccounts(options, configFile, identity)
  stack.move()
  return server
}
