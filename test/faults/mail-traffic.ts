/** Ann, who hands in one letter after the other on some connections, and what she was told about each. */
import { setTimeout as pause } from 'node:timers/promises'
import type { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import type { Letter, MailScene } from './mail-scene.ts'

const EVERY_MS = 20
const RETRY_MS = 100
/** A client waits ten minutes for its 250 (RFC 5321 §4.5.3.2.6); the relay waits for Postgres at most this long. */
const PATIENCE_MS = 45_000

export class MailTraffic implements AsyncDisposable {
  readonly accepted: Letter[] = []
  /** Codes of the replies to what was not taken; `gone`: the connection ended without one. */
  readonly refused: string[] = []
  readonly #scene: MailScene
  readonly #over = new AbortController()
  readonly #running: Promise<unknown>

  /** One connection for each of these addresses. */
  constructor(scene: MailScene, recipients: readonly string[]) {
    this.#scene = scene
    this.#running = Promise.all(recipients.map((recipient) => this.#send(recipient)))
  }

  /** Resolves when she has an answer to every letter. */
  async stop(): Promise<void> {
    this.#over.abort()
    await this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #send(recipient: string): Promise<void> {
    while (!this.#isOver) {
      try {
        using client = await this.#scene.signIn()
        await this.#sendOver(client, recipient)
      } catch (error) {
        this.refused.push(codeOf((error as Error).message))
      }
      await pause(RETRY_MS)
    }
  }

  async #sendOver(client: SmtpClient, recipient: string): Promise<void> {
    while (!client.closed && !this.#isOver) {
      const code = await this.#handIn(client, recipient)
      if (code !== '250') this.refused.push(code)
      await pause(code === '250' ? EVERY_MS : RETRY_MS)
    }
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted
  }

  /** The code of the last reply. */
  async #handIn(client: SmtpClient, recipient: string): Promise<string> {
    const letter = this.#scene.letter(recipient)
    for (const line of ['RSET', 'MAIL FROM:<ann@localhost>', `RCPT TO:<${recipient}>`, 'DATA']) {
      const code = await answerTo(client, line)
      if (!/^[23]/.test(code)) return code
    }
    const code = await answerTo(client, `${letter.data}.`)
    if (code === '250') this.accepted.push(letter)
    return code
  }
}

async function answerTo(client: SmtpClient, text: string): Promise<string> {
  const deadline = performance.now() + PATIENCE_MS
  let reply = await client.ask(text)
  while (!/^\d/.test(reply) && !client.closed && performance.now() < deadline) reply = await client.ask()
  return codeOf(reply)
}

function codeOf(reply: string): string {
  return /^\d{3}/.exec(reply)?.[0] ?? 'gone'
}
