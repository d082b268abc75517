/**
 * Debian's OpenStack Swift as a server of S3, in a directory of its own: one copy of everything on one disk, by its four servers and memcached, as the user of this process.
 * Over TLS, since it does not take the chunks that are signed one by one, as restic sends them without.
 */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { ensureCertificate } from '@sealpost/dev-env'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { freePorts } from '../../packages/dev-env/src/deployment/ports.ts'
import { startDaemon } from './daemon.ts'

export interface Swift extends AsyncDisposable {
  readonly url: string
  readonly caFile: string
  readonly id: string
  readonly key: string
}

const ID = 'backup:keeper'
const KEY = 'the-key-of-a-bucket'
const RINGS = ['account', 'container', 'object'] as const
/** The order matters: what comes later asks what comes before. */
const FILTERS = [
  'catch_errors',
  'gatekeeper',
  'healthcheck',
  'cache',
  'listing_formats',
  'bulk',
  's3api',
  'tempauth',
  'slo',
  'dlo',
]
/** Not one that stands before it in PATH. */
const PYTHON = '/usr/bin/python3'

/** The directory of its settings is no option of its own programs. Arguments: the directory; a server, or the ports of all that the rings lead to. */
const PROGRAM = `
import sys
from swift.common import utils
from swift.common.ring import RingBuilder
from swift.common.wsgi import run_wsgi
directory, what, *ports = sys.argv[1:]
utils.set_swift_dir(directory)
if what != 'rings':
    sys.exit(run_wsgi(directory + '/' + what + '.conf', what, verbose=True))
for name, port in zip(('account', 'container', 'object'), ports):
    ring = RingBuilder(4, 1, 0)
    ring.add_dev({'id': 0, 'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': int(port), 'device': 'disk', 'weight': 1})
    ring.rebalance()
    ring.get_ring().save(directory + '/' + name + '.ring.gz')
`

export async function startSwift(directory: string): Promise<Swift> {
  await using stack = new AsyncDisposableStack()
  const [cache = 0, proxy = 0, ...stores] = await freePorts(5)
  await mkdir(join(directory, 'disks/disk'), { recursive: true })
  const tls = join(directory, 'tls')
  await ensureCertificate({
    directory: tls,
    domains: ['localhost'],
    clock: systemClock,
    random: systemRandom,
  })
  await writeSettings(directory, { cache, proxy, stores })
  await promisify(execFile)(PYTHON, ['-c', PROGRAM, directory, 'rings', ...stores.map(String)])
  const user = userInfo().username
  const memcached = ['memcached', '-v', '-l', '127.0.0.1', '-p', String(cache), '-u', user] as const
  stack.use(await startDaemon(memcached, { isReady: () => true }))
  const server = (what: string, isReady: () => Promise<boolean>) =>
    startDaemon([PYTHON, '-c', PROGRAM, directory, what], { isReady })
  const answers = (port: number) => () => isHealthy(`http://127.0.0.1:${String(port)}/healthcheck`)
  const starting = RINGS.map((name, index) => server(`${name}-server`, answers(stores[index] ?? 0)))
  for (const each of await Promise.all([...starting, server('proxy-server', () => speaksTls(proxy))]))
    stack.use(each)
  const held = stack.move()
  return {
    url: `https://localhost:${String(proxy)}`,
    caFile: join(tls, 'ca.pem'),
    id: ID,
    key: KEY,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

interface SwiftPorts {
  readonly cache: number
  readonly proxy: number
  readonly stores: readonly number[]
}

async function writeSettings(directory: string, { cache, proxy, stores }: SwiftPorts): Promise<void> {
  const write = (name: string, lines: readonly string[]): Promise<void> =>
    writeFile(join(directory, name), `${lines.join('\n')}\n`)
  const server = (port: number): readonly string[] => [
    '[DEFAULT]',
    'bind_ip = 127.0.0.1',
    `bind_port = ${String(port)}`,
    'workers = 0',
    `user = ${userInfo().username}`,
    `swift_dir = ${directory}`,
  ]
  await write('swift.conf', ['[swift-hash]', 'swift_hash_path_suffix = test'])
  for (const [index, name] of RINGS.entries())
    await write(`${name}-server.conf`, [
      ...server(stores[index] ?? 0),
      `devices = ${directory}/disks`,
      'mount_check = false',
      'fallocate_reserve = 0',
      '[pipeline:main]',
      `pipeline = healthcheck ${name}-server`,
      '[filter:healthcheck]',
      'use = egg:swift#healthcheck',
      `[app:${name}-server]`,
      `use = egg:swift#${name}`,
    ])
  const own: Readonly<Record<string, readonly string[]>> = {
    cache: [`memcache_servers = 127.0.0.1:${String(cache)}`],
    tempauth: [`user_${ID.replace(':', '_')} = ${KEY} .admin`],
  }
  await write('proxy-server.conf', [
    ...server(proxy),
    `cert_file = ${directory}/tls/cert.pem`,
    `key_file = ${directory}/tls/key.pem`,
    '[pipeline:main]',
    `pipeline = ${FILTERS.join(' ')} proxy-server`,
    '[app:proxy-server]',
    'use = egg:swift#proxy',
    'account_autocreate = true',
    ...FILTERS.flatMap((name) => [
      `[filter:${name}]`,
      `use = egg:swift#${name === 'cache' ? 'memcache' : name}`,
      ...(own[name] ?? []),
    ]),
  ])
}

function isHealthy(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}

function speaksTls(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => end(true))
    const end = (spoke: boolean): void => {
      socket.destroy()
      resolve(spoke)
    }
    socket.on('error', () => end(false))
  })
}
