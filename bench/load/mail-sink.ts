/** smtp-sink of Postfix as the server where mail ends: it takes everything and counts it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'

/** Connections that may wait for the sink to take them. */
const BACKLOG = 1_000
const START_MS_MAX = 10_000

export class MailSink implements AsyncDisposable {
  /** Mails that came. */
  count = 0
  readonly #child: ChildProcess
  #wanted = Infinity
  #reached: () => void = () => undefined

  private constructor(child: ChildProcess) {
    this.#child = child
    let line = ''
    child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      line = (line + text).slice(-200)
      const counts = [...line.matchAll(/mesg=(\d+)\s/g)]
      this.count = Math.max(this.count, Number(counts.at(-1)?.[1] ?? 0))
      if (this.count >= this.#wanted) this.#reached()
    })
  }

  /** Resolves when it listens. */
  static async open(port: number): Promise<MailSink> {
    const args = ['-c', `127.0.0.1:${String(port)}`, String(BACKLOG)]
    const child = spawn('smtp-sink', process.getuid?.() === 0 ? ['-u', 'nobody', ...args] : args, {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    process.once('SIGTERM', () => {
      child.kill('SIGTERM')
      process.exit(1)
    })
    const sink = new MailSink(child)
    for (const deadline = Date.now() + START_MS_MAX; !(await answers(port));) {
      if (Date.now() > deadline || child.exitCode !== null) throw new Error('smtp-sink did not start')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return sink
  }

  /** Resolves when `count` mails have come; throws when none comes for `stallMs`. */
  async until(count: number, stallMs: number): Promise<void> {
    this.#wanted = count
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#reached = resolve
    let seen = -1
    const watch = setInterval(() => {
      if (seen === this.count) reject(new Error(`stalled: ${this.count} of ${count} mails have come`))
      seen = this.count
    }, stallMs)
    if (this.count >= count) resolve()
    await promise.finally(() => clearInterval(watch))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    if (this.#child.exitCode !== null || !this.#child.kill('SIGTERM')) return
    await ended
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'data')
    socket.end('QUIT\r\n')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
