/** Postfix as a peer: an instance of its own in a directory of its own, which sends all it is given to one server over verified TLS. Needs root, as Postfix does. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'

const run = promisify(execFile)

const SERVICES = `
postlog   unix-dgram n  -       n       -       1       postlogd
pickup    unix  n       -       n       1       1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       1       1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
smtp      unix  -       -       n       -       -       smtp
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
scache    unix  -       -       n       -       1       scache
proxymap  unix  -       -       n       -       -       proxymap
`

export interface PostfixOptions {
  /** Port on this machine that takes everything. */
  readonly relay: number
  readonly caFile: string
}

export class Postfix implements AsyncDisposable {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async start({ relay, caFile }: PostfixOptions): Promise<Postfix> {
    const directory = await mkdtemp(join(tmpdir(), 'postfix-'))
    await chmod(directory, 0o755)
    for (const each of ['etc', 'queue', 'data', 'log']) await mkdir(join(directory, each))
    await run('chown', ['postfix', join(directory, 'data')])
    const settings = {
      compatibility_level: '3.6',
      queue_directory: join(directory, 'queue'),
      data_directory: join(directory, 'data'),
      maillog_file: join(directory, 'log', 'mail.log'),
      maillog_file_prefixes: directory,
      myhostname: 'postfix.elsewhere.example',
      mydestination: '',
      local_recipient_maps: '',
      inet_interfaces: 'loopback-only',
      inet_protocols: 'ipv4',
      // Mail for nobody in particular, such as notices of failure, goes nowhere.
      transport_maps: 'inline:{ elsewhere.example=discard: }',
      relayhost: `[127.0.0.1]:${String(relay)}`,
      smtp_tls_security_level: 'verify',
      smtp_tls_CAfile: caFile,
      smtp_tls_verify_cert_match: 'localhost',
      smtp_tls_loglevel: '1',
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`)
    await writeFile(join(directory, 'etc', 'main.cf'), lines.join(''))
    await writeFile(join(directory, 'etc', 'master.cf'), SERVICES)
    await run('postfix', ['-c', join(directory, 'etc'), 'start'])
    return new Postfix(directory)
  }

  async send(from: string, to: readonly string[], mail: string): Promise<void> {
    const sending = run('sendmail', ['-C', join(this.#directory, 'etc'), '-i', '-f', from, ...to])
    sending.child.stdin?.end(mail)
    await sending
  }

  /** The log, once this is in it. */
  async logged(what: RegExp): Promise<string> {
    const read = (): Promise<string> =>
      readFile(join(this.#directory, 'log', 'mail.log'), 'utf8').catch(() => '')
    await expect.poll(read, { timeout: 30_000 }).toMatch(what)
    return await read()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('postfix', ['-c', join(this.#directory, 'etc'), 'abort'])
    await rm(this.#directory, { recursive: true, force: true })
  }
}
