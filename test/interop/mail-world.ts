/**
 * An internet of one machine: a network namespace whose loopback has public addresses, unbound with signed and unsigned zones as its only DNS, and HTTPS servers
 * for MTA-STS. What runs inside (`run`, `prefix`) reaches nothing else. Needs root.
 */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** `signed`: with a trust anchor in unbound. `altered`: records of this type were changed then, as by somebody on the way. */
export interface WorldZone {
  readonly name: string
  /** Lines of a zone file behind SOA and NS; names without a dot at the end are inside. */
  readonly records: readonly string[]
  readonly kind: 'unsigned' | 'signed'
  readonly altered?: 'MX' | 'TLSA'
}

/** Of `mta-sts.NAME`, which the zone has to lead to POLICY_ADDRESS. */
export interface WorldPolicy {
  readonly domain: string
  readonly text: string
  readonly cert: string
  readonly key: string
}

export interface MailWorldOptions {
  readonly zones: readonly WorldZone[]
  readonly policies: readonly WorldPolicy[]
  /** Of mail servers. */
  readonly addresses: readonly string[]
}

export const POLICY_ADDRESS = '11.11.11.1'

export class MailWorld implements AsyncDisposable {
  /** Domains whose policies were fetched, one for each time. */
  readonly fetched: string[] = []
  readonly #stack: AsyncDisposableStack
  readonly #pid: number

  private constructor(stack: AsyncDisposableStack, pid: number) {
    this.#stack = stack
    this.#pid = pid
  }

  static async create({ zones, policies, addresses }: MailWorldOptions): Promise<MailWorld> {
    await using stack = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), 'mail-world-'))
    await chmod(directory, 0o755)
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    const lines = [
      'ip link set lo up',
      ...[POLICY_ADDRESS, ...addresses].map(
        (one) => `ip addr add ${one}/${one.includes(':') ? '128' : '32'} dev lo`,
      ),
      'echo ready',
      'exec sleep infinity',
    ]
    const holder = await start(stack, 'unshare', ['--net', 'sh', '-euc', lines.join('\n')])
    const held = new AsyncDisposableStack()
    const world = new MailWorld(held, holder.pid ?? 0)
    await world.#resolve(stack, directory, zones)
    await world.#serve(stack, join(directory, 'https.sock'), policies)
    held.use(stack.move())
    return world
  }

  /** To be put before a command. */
  get prefix(): readonly string[] {
    return ['nsenter', '--target', String(this.#pid), '--net']
  }

  async run(command: string, args: readonly string[], input = ''): Promise<string> {
    const [enter = '', ...rest] = [...this.prefix, command, ...args]
    const running = run(enter, rest, { timeout: 30_000 })
    running.child.stdin?.end(input)
    const { stdout, stderr } = await running
    return stdout + stderr
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  async #resolve(stack: AsyncDisposableStack, directory: string, zones: readonly WorldZone[]): Promise<void> {
    const anchors = (await Promise.all(zones.map((zone) => writeZone(directory, zone)))).join('')
    await writeFile(join(directory, 'anchors'), anchors)
    await writeFile(join(directory, 'unbound.conf'), unboundConfig(directory, zones))
    const [enter, ...rest] = [...this.prefix, 'unbound', '-d', '-c', join(directory, 'unbound.conf')]
    await start(stack, enter, rest, /start of service/)
  }

  async #serve(stack: AsyncDisposableStack, path: string, policies: readonly WorldPolicy[]): Promise<void> {
    const named = new Map(policies.map((policy) => [`mta-sts.${policy.domain}`, policy]))
    const server: Server = createServer(
      {
        SNICallback: (name, done) => {
          const policy = named.get(name)
          done(null, policy === undefined ? undefined : createSecureContext(policy))
        },
      },
      ({ headers: { host = '' }, url }, response) => {
        const policy = named.get(host)
        const isThere = policy !== undefined && url === '/.well-known/mta-sts.txt'
        if (isThere) this.fetched.push(policy.domain)
        response.writeHead(isThere ? 200 : 404, { 'content-type': 'text/plain' })
        response.end(isThere ? policy.text : '')
      },
    ).listen(path)
    await once(server, 'listening')
    stack.defer(() => {
      server.closeAllConnections()
      server.close()
    })
    const script = join(import.meta.dirname, 'forward.ts')
    const [enter, ...rest] = [...this.prefix, process.execPath, script, path, POLICY_ADDRESS]
    await start(stack, enter, rest)
  }
}

/** Runs until the stack is disposed; resolves when it has said that it is ready. */
async function start(
  stack: AsyncDisposableStack,
  command: string,
  args: readonly string[],
  ready = /ready/,
): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  stack.defer(async () => {
    const gone = once(child, 'exit')
    if (child.exitCode === null && child.kill('SIGTERM')) await gone
  })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      said += chunk.toString()
      if (ready.test(said)) resolve()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`${command} ended: ${said}`)))
  })
  return child
}

/** Returns its trust anchor, empty when it has none. */
async function writeZone(directory: string, { name, records, kind, altered }: WorldZone): Promise<string> {
  const file = join(directory, name)
  const head = [`$ORIGIN ${name}.`, '$TTL 300', '@ SOA ns hostmaster 1 3600 600 86400 300', '@ NS ns']
  await writeFile(file, `${[...head, `ns A ${POLICY_ADDRESS}`, ...records].join('\n')}\n`)
  if (kind === 'unsigned') return ''
  const makeKey = async (...flags: readonly string[]): Promise<string> =>
    (await run('ldns-keygen', ['-a', 'ECDSAP256SHA256', ...flags, name], { cwd: directory })).stdout.trim()
  const [ksk, zsk] = [await makeKey('-k'), await makeKey()]
  await run('ldns-signzone', ['-f', file, file, ksk, zsk], { cwd: directory })
  if (altered !== undefined) {
    const signed = await readFile(file, 'utf8')
    await writeFile(
      file,
      signed.replaceAll(new RegExp(`^(\\S+\\t\\d+\\tIN\\t${altered}\\t)\\d+`, 'gm'), '$17'),
    )
  }
  return await readFile(join(directory, `${ksk}.ds`), 'utf8')
}

function unboundConfig(directory: string, zones: readonly WorldZone[]): string {
  const server = [
    'interface: 127.0.0.1',
    'username: ""',
    'chroot: ""',
    `directory: "${directory}"`,
    'pidfile: ""',
    'use-syslog: no',
    'verbosity: 1',
    'module-config: "validator iterator"',
    `trust-anchor-file: "${directory}/anchors"`,
  ]
  const own = zones.map(
    ({ name }) =>
      `auth-zone:\n  name: "${name}."\n  zonefile: "${directory}/${name}"\n  for-downstream: no\n  for-upstream: yes\n  fallback-enabled: no\n`,
  )
  return `server:\n${server.map((line) => `  ${line}\n`).join('')}remote-control:\n  control-enable: no\n${own.join('')}`
}
