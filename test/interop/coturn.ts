/**
 * Debian's coturn with the configuration of infra/coturn between two networks (network_namespaces(7)) that have no way to each other but through it, with addresses that look
 * public: in one a peer that sends back what it gets, in the other coturn's own client, which asks for a relayed address and sends through it. Needs root, or user namespaces.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const START = join(import.meta.dirname, '../../infra/coturn/start.sh')
/** The relay's address in either network, and who is there. */
const CLIENTS = { relay: '11.0.1.1', client: '11.0.1.2' } as const
const PEERS = { relay: '11.0.2.1', peer: '11.0.2.2' } as const

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
  async relay({ username, password, peer = PEERS.peer }: Attempt): Promise<Relayed> {
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
    const args = [
      ...user,
      '--net',
      '--mount',
      'sh',
      join(this.#directory, 'try.sh'),
      username,
      password,
      peer,
    ]
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
mount -t tmpfs tmpfs /run
echo 0 > /proc/sys/net/ipv4/ip_forward # a new network may have it from the machine's
network() { # NAME ADDRESS-OF-THE-RELAY ADDRESS
  ip netns add "$1"
  ip link add "to-$1" type veth peer name relay netns "$1"
  ip address add "$2/30" dev "to-$1"
  ip link set "to-$1" up
  ip -n "$1" address add "$3/30" dev relay
  ip -n "$1" link set relay up
  ip -n "$1" route add default via "$2"
}
network clients ${CLIENTS.relay} ${CLIENTS.client}
network peers ${PEERS.relay} ${PEERS.peer}
export TURN_SECRET_FILE=${directory}/secret TURN_REALM=localhost TMPDIR=${directory}
sh ${START} --listening-ip=${CLIENTS.relay} --relay-ip=${PEERS.relay} --pidfile=${directory}/pid --userdb=${directory}/db > ${directory}/log 2>&1 &
relay=$!
ip netns exec peers turnutils_peer -L ${PEERS.peer} > /dev/null 2>&1 &
peer=$!
trap 'kill $relay $peer' EXIT
tries=0
until ss -Hlun sport = :3478 | grep -q . && ip netns exec peers ss -Hlun sport = :3480 | grep -q .; do
  tries=$((tries + 1))
  [ $tries -lt 100 ]
  sleep 0.1
done
echo "forwarding between the networks: $(cat /proc/sys/net/ipv4/ip_forward)"
timeout 15 ip netns exec clients turnutils_uclient -c -n 3 -L ${CLIENTS.client} -e "$3" -u "$1" -w "$2" ${CLIENTS.relay} 2>&1 || echo "refused"
`
}
