/** GnuPG as a person uses it: with a key ring, an agent and a dirmngr of their own. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const QUIETLY = ['--batch', '--yes', '--pinentry-mode', 'loopback', '--passphrase', '']

export interface GpgOptions {
  /** `hkp://HOST:PORT` */
  readonly keyserver?: string
  /** Put before the command: where it runs. */
  readonly prefix?: readonly string[]
}

export class Gpg implements AsyncDisposable {
  readonly home: string
  readonly #prefix: readonly string[]
  readonly #keyserver: readonly string[]

  private constructor(home: string, { keyserver, prefix = [] }: GpgOptions) {
    this.home = home
    this.#prefix = prefix
    this.#keyserver = keyserver === undefined ? [] : ['--keyserver', keyserver]
  }

  static async create(options: GpgOptions): Promise<Gpg> {
    return new Gpg(await mkdtemp(join(tmpdir(), 'gpg-')), options)
  }

  /** What it prints; keys in the form for programs. */
  async run(...args: readonly string[]): Promise<string> {
    const [command, ...before] = [...this.#prefix, 'gpg'] as const
    const { stdout, stderr } = await run(command, [
      ...before,
      '--homedir',
      this.home,
      ...QUIETLY,
      ...this.#keyserver,
      '--with-colons',
      ...args,
    ])
    return stdout + stderr
  }

  /** A key to sign and one to encrypt; its fingerprint. */
  async makeKey(address: string): Promise<string> {
    await this.run('--quick-generate-key', address, 'ed25519', 'sign', '2y')
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(await this.run('--list-keys', address))?.[1] ?? ''
    await this.run('--quick-add-key', fingerprint, 'cv25519', 'encr')
    return fingerprint
  }

  async import(armor: string): Promise<void> {
    const file = join(this.home, 'import.asc')
    await writeFile(file, armor)
    await this.run('--import', file)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('gpgconf', ['--homedir', this.home, '--kill', 'all'])
    await rm(this.home, { recursive: true, force: true })
  }
}
