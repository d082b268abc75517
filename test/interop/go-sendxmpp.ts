/**
 * go-sendxmpp 0.14: a client written in Go. SCRAM with channel binding, no XEP-0198, a random resource at each sign-in, encrypts with OX
 * (XEP-0373). Signs in with SASL2, Bind 2 and FAST where they are offered, else as RFC 6120 says.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Transcript } from './transcript.ts'
import type { Person } from './xmpp-js.ts'

const WAIT_MS = 60_000
/** Protects the private key in its file. */
const PASSPHRASE = 'only for the test'

export interface GoSendxmppOptions {
  readonly person: Person
  readonly port: number
  readonly caFile: string
}

/** A message as the program prints it: time, a mark of what it decrypted, sender, text. Everything else that it prints is about its work. */
const MESSAGE = /^\d{4}-\d\d-\d\dT\S+ (?:\[OX\] )?\S+@\S+: .*$/gm
const MECHANISM = /^SEND: <auth(?:enticate)?\b[^>]*\bmechanism=["']([^"']+)/m

/** One run of the program. */
export class Run {
  readonly #child: ChildProcess
  readonly #wake = new Set<() => void>()
  #printed = ''

  constructor(child: ChildProcess, transcript: Transcript) {
    this.#child = child
    const read = (chunk: Buffer): void => {
      this.#printed += chunk.toString()
      transcript.add('', chunk.toString())
      for (const wake of this.#wake) wake()
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
  }

  /** All that it has printed: messages, and with `--debug` the XML of both directions. */
  get printed(): string {
    return this.#printed
  }

  /** The messages received, as printed, one a line. */
  get messages(): string[] {
    return this.#printed.match(MESSAGE) ?? []
  }

  /** SASL mechanism of the sign-in. */
  get mechanism(): string | undefined {
    return MECHANISM.exec(this.#printed)?.[1]
  }

  write(text: string): void {
    this.#child.stdin?.write(text)
  }

  end(text: string): void {
    this.#child.stdin?.end(text)
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + WAIT_MS
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`go-sendxmpp: waited in vain for ${what}`)
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, 100)
      this.#wake.add(resolve)
      await promise
      clearTimeout(timer)
      this.#wake.delete(resolve)
    }
  }

  /** Ends it, if it has not ended by itself. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL') // as when its terminal is closed: it has nothing to save
    await ended
  }

  /** Waits for its end; throws unless it succeeded. */
  async success(): Promise<this> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), WAIT_MS)
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
    clearTimeout(timer)
    if (this.#child.exitCode !== 0)
      throw new Error(`go-sendxmpp ended with ${this.#child.exitCode ?? this.#child.signalCode}`)
    return this
  }
}

export class GoSendxmpp {
  readonly #options: GoSendxmppOptions
  readonly #home: string

  private constructor(options: GoSendxmppOptions, home: string) {
    this.#options = options
    this.#home = home
  }

  /** A home directory with its configuration; removed when the test ends. */
  static async create(options: GoSendxmppOptions): Promise<GoSendxmpp> {
    const home = await mkdtemp(join(tmpdir(), 'sealpost-go-'))
    onTestFinished(() => rm(home, { recursive: true, force: true }))
    const { person, port } = options
    const lines = [`username: ${person.jid}`, `password: ${person.password}`, `jserver: localhost:${port}`]
    await writeFile(join(home, 'sendxmpprc'), `${lines.join('\n')}\n`, { mode: 0o600 })
    return new GoSendxmpp(options, home)
  }

  /** Makes a key pair and publishes the certificate (XEP-0373 §4). */
  async makeKey(): Promise<Run> {
    return this.#run(['--ox-genprivkey-x25519', '--ox-passphrase', PASSPHRASE]).success()
  }

  /** Sends `text` encrypted and signed. */
  async sendEncrypted(to: string, text: string): Promise<Run> {
    const run = this.#run(['--ox', '--ox-passphrase', PASSPHRASE, to])
    run.end(`${text}\n`)
    return run.success()
  }

  /** Listens and prints what it can decrypt, until stopped. */
  listen(): Run {
    return this.#run(['--listen', '--ox', '--ox-passphrase', PASSPHRASE])
  }

  /** Sends each line written to it unencrypted, and stays to hear the answers. */
  interactive(to: string): Run {
    return this.#run(['--interactive', to])
  }

  #run(args: readonly string[]): Run {
    const { person, caFile } = this.#options
    const env = { PATH: process.env['PATH'], HOME: this.#home, SSL_CERT_FILE: caFile }
    const child = spawn(
      'go-sendxmpp',
      ['--debug', '--suppress-root-warning', '--file', join(this.#home, 'sendxmpprc'), ...args],
      {
        env,
        cwd: this.#home,
      },
    )
    const run = new Run(child, new Transcript(`go-sendxmpp ${person.username}`, [person.password]))
    onTestFinished(() => run.stop())
    return run
  }
}
