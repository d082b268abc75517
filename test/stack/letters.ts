/** A mail program that tries each of its letters until it is told that it was taken. */
import { setTimeout as pause } from 'node:timers/promises'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'

const EVERY_MS = 100
/** After a refusal that is not for good, or when nobody is there; real ones wait for minutes. */
const RETRY_MS = 100

export class Letters {
  /** By number, to whom. */
  readonly accepted = new Map<number, string>()
  /** Of which nobody knows whether they were taken, the first time: the connection ended before the answer. */
  readonly inDoubt = new Set<number>()
  /** Replies that are for good. */
  readonly refused: string[] = []
  /** Tries that had to be made again. */
  again = 0
  readonly #port: number
  readonly #signals: { readonly writing: AbortSignal; readonly over: AbortSignal }
  #next = 0

  /** No letter is begun when `writing` is aborted, none is tried again when `over` is. */
  constructor(port: number, signals: { readonly writing: AbortSignal; readonly over: AbortSignal }) {
    this.#port = port
    this.#signals = signals
  }

  /** One after the other. */
  async sendTo(recipient: string): Promise<void> {
    const { writing, over } = this.#signals
    while (!writing.aborted) {
      const number = this.#next++
      while (!(await this.#try(number, recipient)) && !over.aborted) {
        this.again++
        await pause(RETRY_MS)
      }
      await pause(EVERY_MS)
    }
  }

  /** True: there is nothing more to do. */
  async #try(number: number, recipient: string): Promise<boolean> {
    try {
      using client = await SmtpClient.connect(this.#port)
      const before = [
        undefined,
        'EHLO source.example',
        'MAIL FROM:<ann@source.example>',
        `RCPT TO:<${recipient}>`,
        'DATA',
      ]
      for (const line of before) {
        const reply = await client.ask(line)
        if (!/^[23]/.test(reply)) return this.#giveUp(reply)
      }
      const reply = await client.ask(letter(number, recipient))
      if (!/^\d/.test(reply)) this.inDoubt.add(number)
      if (!reply.startsWith('250')) return this.#giveUp(reply)
      this.accepted.set(number, recipient)
      return true
    } catch {
      return false // nobody was there
    }
  }

  #giveUp(reply: string): boolean {
    if (!reply.startsWith('5')) return false
    this.refused.push(reply)
    return true
  }
}

function letter(number: number, recipient: string): string {
  const header = `From: <ann@source.example>\r\nTo: <${recipient}>\r\nSubject: letter-${String(number)}\r\nMessage-ID: <letter-${String(number)}@source.example>\r\n`
  return `${header}\r\n${'x'.repeat(76)}\r\n.`
}

/** Of the letter that this mail is. */
export function numberOf(mail: string): number {
  return Number(/^Subject: letter-(\d+)\r$/m.exec(mail)?.[1])
}
