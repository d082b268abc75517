/**
 * Debian's coturn with the configuration of infra/coturn, in a network of its own (network_namespaces(7)) where addresses look public: one of the relay, one of a peer that sends back
 * what it gets, one of a client. coturn's own client asks for a relayed address and sends through it. Needs root, or user namespaces.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const START = join(import.meta.dirname, '../../infra/coturn/start.sh')
const [RELAY, PEER, CLIENT] = ['11.0.0.1', '11.0.0.2', '11.0.0.3'] as const

export interface Attempt {
  readonly username: string
  readonly password: string
  /** Where the packets are to go; the peer unless told. */
  readonly peer?: string
}

export interface Relayed {
  /** Packets that came back from the peer. */
  readonly received: number
  readonly output: string
  /** All that coturn said, wherever. */
  readonly log: string
}

export class Coturn implements AsyncDisposable {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** `secrets`: as in the file that Sealpost reads. */
  static async create(secrets: string): Promise<Coturn> {
    const directory = await mkdtemp(join(tmpdir(), 'coturn-'))
    await chmod(directory, 0o755)
    await writeFile(join(directory, 'secret'), secrets, { mode: 0o600 })
    await writeFile(join(directory, 'try.sh'), script(directory))
    return new Coturn(directory)
  }

  /** Starts everything, sends three packets, and stops it. */
  async relay({ username, password, peer = PEER }: Attempt): Promise<Relayed> {
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
    const args = [...user, '--net', 'sh', join(this.#directory, 'try.sh'), username, password, peer]
    const { stdout: output } = await promisify(execFile)('unshare', args, { timeout: 30_000 })
    const received = [...output.matchAll(/tot_recv_msgs=(\d+)/g)].map(([, count]) => Number(count))
    return {
      received: Math.max(0, ...received),
      output,
      log: await readFile(join(this.#directory, 'log'), 'utf8'),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }
}

function script(directory: string): string {
  return `set -eu
ip link set lo up
for address in ${RELAY} ${PEER} ${CLIENT}; do ip address add "$address/32" dev lo; done
export TURN_SECRET_FILE=${directory}/secret TURN_REALM=localhost TMPDIR=${directory}
sh ${START} --listening-ip=${RELAY} --relay-ip=${RELAY} --pidfile=${directory}/pid --userdb=${directory}/db > ${directory}/log 2>&1 &
relay=$!
turnutils_peer -L ${PEER} > /dev/null 2>&1 &
peer=$!
trap 'kill $relay $peer' EXIT
tries=0
until [ "$(ss -Hlun sport = :3478 or sport = :3480 | wc -l)" -ge 2 ]; do
  tries=$((tries + 1))
  [ $tries -lt 100 ]
  sleep 0.1
done
timeout 15 turnutils_uclient -c -n 3 -L ${CLIENT} -e "$3" -u "$1" -w "$2" ${RELAY} 2>&1 || echo "refused"
`
}
