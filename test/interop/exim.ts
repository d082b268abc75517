/**
 * Exim as a peer that sends. Debian's package excludes Postfix, so it is unpacked beside the system (install.sh), and runs with the user that it insists on in a
 * view of files of its own: mount_namespaces(7). Needs root.
 */
import { execFile } from 'node:child_process'
import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export const EXIM = '/opt/exim4/usr/sbin/exim4'
/** Of its user and group, which exist only in there. */
const EXIM_ID = 64_990

export interface EximOptions {
  /** On this machine. */
  readonly port: number
  /** `smtp`: STARTTLS; `smtps`: TLS from the first byte. The certificate is verified. */
  readonly protocol: 'smtp' | 'smtps'
  readonly caFile: string
  /** Signs in by PLAIN; absent: as one mail server to another. */
  readonly account?: { readonly name: string; readonly password: string }
  /** Whether it uses CHUNKING where it is offered (RFC 3030). */
  readonly chunking?: boolean
}

export class Exim implements AsyncDisposable {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async create(options: EximOptions): Promise<Exim> {
    const directory = await mkdtemp(join(tmpdir(), 'exim-'))
    await chmod(directory, 0o755)
    for (const each of ['spool', 'log']) {
      await mkdir(join(directory, each))
      await chown(join(directory, each), EXIM_ID, EXIM_ID)
    }
    for (const [file, line] of [
      ['passwd', `Debian-exim:x:${String(EXIM_ID)}:${String(EXIM_ID)}::/:/usr/sbin/nologin\n`],
      ['group', `Debian-exim:x:${String(EXIM_ID)}:\n`],
    ] as const)
      await writeFile(join(directory, file), (await readFile(`/etc/${file}`, 'utf8')) + line)
    await copyFile(options.caFile, join(directory, 'ca.pem'))
    const file = join(directory, 'exim.conf')
    await writeFile(file, configuration(directory, options), { mode: 0o640 })
    await chown(file, 0, EXIM_ID)
    return new Exim(directory)
  }

  /** Tries to deliver at once; the log of the attempt. */
  async send(from: string, to: readonly string[], mail: string): Promise<string> {
    const views = ['passwd', 'group'].map((name) => `mount --bind ${this.#directory}/${name} /etc/${name}`)
    const command = ['-C', join(this.#directory, 'exim.conf'), '-odf', '-i', '-f', from, ...to]
    const inside = [...views, `exec ${EXIM} "$@"`].join('\n')
    const args = ['--mount', 'sh', '-euc', inside, 'sh', ...command]
    const sending = promisify(execFile)('unshare', args, { timeout: 30_000 })
    sending.child.stdin?.end(mail)
    await sending
    return await readFile(join(this.#directory, 'log', 'main'), 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }
}

function configuration(directory: string, options: EximOptions): string {
  const { port, protocol, account, chunking = true } = options
  const authenticator =
    account === undefined
      ? ''
      : `plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^${account.name}^${account.password}
`
  return `primary_hostname = exim.elsewhere.example
exim_path = ${EXIM}
spool_directory = ${directory}/spool
log_file_path = ${directory}/log/%s
log_selector = +tls_peerdn +tls_certificate_verified
keep_environment =
begin routers
notices:
  driver = redirect
  domains = ! localhost
  data = :blackhole:
all:
  driver = manualroute
  route_list = * localhost byname
  self = send
  transport = out
begin transports
out:
  driver = smtp
  port = ${String(port)}
  protocol = ${protocol}
  hosts_require_tls = *
  tls_verify_certificates = ${directory}/ca.pem
  tls_verify_hosts = *
  tls_sni = localhost
  hosts_try_chunking = ${chunking ? '*' : ''}
  hosts_require_auth = ${account === undefined ? '' : '*'}
begin retry
* * F,1d,1h
begin authenticators
${authenticator}`
}
