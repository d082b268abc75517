/** Postfix as a peer: an instance of its own in a directory of its own, that sends all it is given to one server, or receives at the addresses that it is told. Needs root, as Postfix does. */
import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
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
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
`
const NOBODY = 65_534

type Settings = Readonly<Record<string, string>>

export interface PostfixOptions {
  /** Port on this machine that takes everything. */
  readonly relay: number
  readonly caFile: string
  /** On top of verified TLS. */
  readonly settings?: Settings
}

/** One port where it receives. */
export interface PostfixDoor {
  /** `ADDRESS:PORT`. */
  readonly at: string
  readonly certificate: { readonly cert: string; readonly key: string }
  readonly settings?: Settings
}

export interface PostfixReceiverOptions {
  readonly doors: readonly PostfixDoor[]
  /** Whose mail it keeps; others at their domains are refused with 550. */
  readonly mailboxes: readonly string[]
  readonly settings?: Settings
  /** Put before the commands. */
  readonly prefix?: readonly string[]
}

export class Postfix implements AsyncDisposable {
  readonly #directory: string
  readonly #prefix: readonly string[]

  private constructor(directory: string, prefix: readonly string[]) {
    this.#directory = directory
    this.#prefix = prefix
  }

  /** That sends. */
  static start({ relay, caFile, settings }: PostfixOptions): Promise<Postfix> {
    return Postfix.#open([], '', {
      mydestination: '',
      local_recipient_maps: '',
      // Mail for nobody in particular, such as notices of failure, goes nowhere.
      transport_maps: 'inline:{ elsewhere.example=discard: }',
      relayhost: `[127.0.0.1]:${String(relay)}`,
      smtp_tls_security_level: 'verify',
      smtp_tls_CAfile: caFile,
      smtp_tls_verify_cert_match: 'localhost',
      smtp_tls_loglevel: '1',
      ...settings,
    })
  }

  /** That receives. */
  static receive({ doors, mailboxes, settings, prefix = [] }: PostfixReceiverOptions): Promise<Postfix> {
    const domains = new Set(mailboxes.map((address) => address.replace(/.*@/, '')))
    const entries = doors.map(({ at, settings: own = {} }, index) => {
      const options = { smtpd_tls_chain_files: `$config_directory/door-${String(index)}.pem`, ...own }
      const lines = Object.entries(options).map(([name, value]) => `  -o { ${name} = ${value} }\n`)
      return `${at} inet n - n - - smtpd\n${lines.join('')}`
    })
    const receiving = {
      mydestination: '',
      virtual_mailbox_domains: [...domains].join(' '),
      virtual_mailbox_maps: `inline:{ ${mailboxes.map((each) => `{ ${each} = ${each}/ }`).join(', ')} }`,
      virtual_mailbox_base: '$queue_directory/../mails',
      virtual_minimum_uid: '100',
      virtual_uid_maps: `static:${String(NOBODY)}`,
      virtual_gid_maps: `static:${String(NOBODY)}`,
      smtpd_tls_security_level: 'may',
      smtpd_tls_received_header: 'yes',
      smtpd_tls_loglevel: '1',
      smtpd_peername_lookup: 'no',
      ...settings,
    }
    return Postfix.#open(
      prefix,
      entries.join(''),
      receiving,
      doors.map(({ certificate: { key, cert } }) => `${key}\n${cert}\n`),
    )
  }

  static async #open(
    prefix: readonly string[],
    entries: string,
    own: Settings,
    chains: readonly string[] = [],
  ): Promise<Postfix> {
    const directory = await mkdtemp(join(tmpdir(), 'postfix-'))
    await chmod(directory, 0o755)
    for (const each of ['etc', 'queue', 'data', 'log', 'mails']) await mkdir(join(directory, each))
    await run('chown', ['postfix', join(directory, 'data')])
    await chown(join(directory, 'mails'), NOBODY, NOBODY)
    const settings = {
      compatibility_level: '3.6',
      queue_directory: join(directory, 'queue'),
      data_directory: join(directory, 'data'),
      maillog_file: join(directory, 'log', 'mail.log'),
      maillog_file_prefixes: directory,
      myhostname: 'postfix.elsewhere.example',
      inet_interfaces: 'loopback-only',
      inet_protocols: 'ipv4',
      ...own,
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`)
    await writeFile(join(directory, 'etc', 'main.cf'), lines.join(''))
    await writeFile(join(directory, 'etc', 'master.cf'), `${SERVICES}${entries}`)
    for (const [index, chain] of chains.entries())
      await writeFile(join(directory, 'etc', `door-${String(index)}.pem`), chain, { mode: 0o600 })
    const postfix = new Postfix(directory, prefix)
    await postfix.#postfix('start')
    return postfix
  }

  async send(from: string, to: readonly string[], mail: string): Promise<void> {
    const sending = run('sendmail', ['-C', join(this.#directory, 'etc'), '-i', '-f', from, ...to])
    sending.child.stdin?.end(mail)
    await sending
  }

  /** The mails that it keeps for an address, as they lie there, lines ending in LF. */
  async mails(address: string): Promise<string[]> {
    const directory = join(this.#directory, 'mails', address, 'new')
    const names = await readdir(directory).catch(() => [])
    return await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))
  }

  /** Changes what is set for all doors, while it runs. */
  async set(name: string, value: string): Promise<void> {
    await run('postconf', ['-c', join(this.#directory, 'etc'), '-e', `${name}=${value}`])
    await this.#postfix('reload')
  }

  /** Tries at once what it has queued. */
  async flush(): Promise<void> {
    await run('postqueue', ['-c', join(this.#directory, 'etc'), '-f'])
  }

  async log(): Promise<string> {
    return await readFile(join(this.#directory, 'log', 'mail.log'), 'utf8').catch(() => '')
  }

  /** The log, once this is in it. */
  async logged(what: RegExp): Promise<string> {
    await expect.poll(() => this.log(), { timeout: 30_000 }).toMatch(what)
    return await this.log()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#postfix('abort')
    await rm(this.#directory, { recursive: true, force: true })
  }

  async #postfix(verb: string): Promise<void> {
    const [command, ...args] = [...this.#prefix, 'postfix', '-c', join(this.#directory, 'etc'), verb]
    await run(command, args)
  }
}
