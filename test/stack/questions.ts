/** Programs that ask over HTTPS again and again, each from an address of its own, and hold every answer but the right one against the server. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'

/** Fewer a minute than one client may ask. */
const EVERY_MS = 80
/** Longer than the edge waits for a service that is away. */
const ANSWER_MS_MAX = 45_000

export interface Question {
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: 'GET' | 'POST'
  readonly body?: string
}

interface Answer {
  readonly status: number
  readonly body: string
}

export class Questions {
  answered = 0
  slowestMs = 0
  /** What was answered with something else than 200, or not at all. */
  readonly refused: string[] = []
  readonly #port: number
  readonly #over: AbortSignal
  #clients = 1

  constructor(port: number, over: AbortSignal) {
    this.#port = port
    this.#over = over
  }

  async askOnce(question: Question): Promise<Answer> {
    using client = this.#client()
    return await client.ask(question)
  }

  /** Until it is over. */
  async keepAsking(question: Question): Promise<void> {
    using client = this.#client()
    while (!this.#over.aborted) {
      const began = performance.now()
      const said = await client.ask(question).then(
        ({ status }) => status,
        (error: unknown) => String(error),
      )
      this.slowestMs = Math.max(this.slowestMs, performance.now() - began)
      if (said === 200) this.answered++
      else this.refused.push(`${question.path}: ${String(said)}`)
      await pause(EVERY_MS)
    }
  }

  #client(): { ask(question: Question): Promise<Answer> } & Disposable {
    const number = ++this.#clients
    const localAddress = `127.0.${String(number >> 8)}.${String(number & 255)}`
    const agent = new Agent({ keepAlive: true, maxSockets: 1, localAddress })
    return {
      ask: async ({ path, method = 'GET', headers = {}, body }) => {
        const asked = request({
          agent,
          host: '127.0.0.1',
          servername: 'localhost',
          port: this.#port,
          path,
          method,
          headers: { host: `localhost:${String(this.#port)}`, ...headers },
          timeout: ANSWER_MS_MAX,
        })
        asked.once('timeout', () => asked.destroy(new Error('no answer')))
        asked.end(body)
        const [response] = (await once(asked, 'response')) as [IncomingMessage]
        return { status: response.statusCode ?? 0, body: await text(response) }
      },
      [Symbol.dispose]: () => agent.destroy(),
    }
  }
}
