/**
 * A network and a view of files for programs that insist on the usual port of a real name and on the authorities that the system trusts: names
 * lead to this machine, one authority is trusted, and nothing else is reached. The machine's own files stay as they are: namespaces(7).
 */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface OwnNetworkOptions {
  /** What lead to the server. */
  readonly names: readonly string[]
  /** The authority that is trusted. */
  readonly caFile: string
  /** Where the port inside leads on this machine. */
  readonly port: number
  /** 443 unless told. */
  readonly inside?: number
}

export class OwnNetwork implements AsyncDisposable {
  readonly #directory: string
  readonly #server: Server
  readonly #sockets: ReadonlySet<Socket>

  private constructor(directory: string, server: Server, sockets: ReadonlySet<Socket>) {
    this.#directory = directory
    this.#server = server
    this.#sockets = sockets
  }

  static async create({ names, caFile, port, inside = 443 }: OwnNetworkOptions): Promise<OwnNetwork> {
    const directory = await mkdtemp(join(tmpdir(), 'own-network-'))
    await writeFile(join(directory, 'hosts'), `127.0.0.1 ${['localhost', ...names].join(' ')}\n`)
    await writeFile(join(directory, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
    await writeFile(join(directory, 'enter.sh'), enter(directory, caFile, inside))
    // A socket of the file system leads from the network inside to the one outside.
    const sockets = new Set<Socket>()
    const server = createServer((near) => {
      const far = connect(port, '127.0.0.1')
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
      }
      near.pipe(far).pipe(near)
    })
    server.listen(join(directory, 'inside.sock'))
    await once(server, 'listening')
    return new OwnNetwork(directory, server, sockets)
  }

  /** To be put before a command. */
  get prefix(): readonly string[] {
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
    return ['unshare', ...user, '--net', '--mount', 'sh', join(this.#directory, 'enter.sh')]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server, 'close')
    await rm(this.#directory, { recursive: true, force: true })
  }
}

/** Debian's list of authorities is what GnuTLS and OpenSSL read there. The forwarder says a byte when it listens, and ends with the command. */
function enter(directory: string, caFile: string, inside: number): string {
  return `set -eu
ip link set lo up
mount --bind ${directory}/hosts /etc/hosts
mount --bind ${directory}/resolv.conf /etc/resolv.conf
mount --bind ${caFile} /etc/ssl/certs/ca-certificates.crt
export SSL_CERT_FILE=${caFile} NODE_EXTRA_CA_CERTS=${caFile}
mkfifo ${directory}/ready-$$
${process.execPath} ${import.meta.dirname}/forward.ts ${directory}/inside.sock 127.0.0.1 ${inside} > ${directory}/ready-$$ &
forwarder=$!
trap 'kill $forwarder' EXIT
read -r _ < ${directory}/ready-$$
"$@"
`
}
