/**
 * Clients that all lose their server and all come back at once: `node _storm.ts PORT COUNT PASSWORD`, on accounts `storm0` … Half of them sign in
 * with a token (XEP-0484) and resume or bind in the same request; half with SCRAM, and bind as in RFC 6120. Prints `in` when all are, waits for
 * `go` on its input, and prints what became of it as JSON. Who is refused or waits for too long tries again, each time later.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as after } from 'node:timers/promises'
import { type Element, NS_BIND2, NS_SM } from '@sealpost/stanza'
import { TestClient } from './client.ts'
import { bindWith, ENABLE, enter, requestToken, tokenOf } from './sasl2-client.ts'

export interface StormReport {
  readonly inside: number
  /** Attempts that came to nothing. */
  readonly failed: number
  readonly resumed: number
  /** From `go` until a client was in. */
  readonly medianMs: number
  readonly lastMs: number
}

const [port = 0, count = 0] = process.argv.slice(2, 4).map(Number)
const password = process.argv[4] ?? ''
/** Sign-ins at a time before the storm. */
const CONCURRENCY = 50
/** As long as clients wait for a server, and as long as they let it rest. */
const PATIENCE_MS = 30_000
const BACKOFF_MS = { first: 1_000, last: 20_000 }

process.stdin.on('end', () => process.exit()) // whoever wanted it is gone
const input = createInterface({ input: process.stdin })

class StormClient {
  readonly #username: string
  readonly #userAgent = randomUUID()
  readonly #modern: boolean
  #client: TestClient | undefined
  #token: string | undefined
  /** Of XEP-0198. */
  #session: { readonly id: string; readonly client: TestClient } | undefined
  failed = 0
  resumed = false
  insideAfterMs = 0

  constructor(index: number) {
    this.#username = `storm${index}`
    this.#modern = index % 2 === 0
  }

  async #signIn(): Promise<void> {
    const options = { port, direct: true, username: this.#username, password, patienceMs: PATIENCE_MS }
    const client = await TestClient.connect(options)
    this.#client = client
    if (this.#modern) return this.#signInAtOnce(client)
    await client.authenticate({ ...options, mechanism: 'SCRAM-SHA-1' })
    await client.bind('old')
  }

  async #signInAtOnce(client: TestClient): Promise<void> {
    const known = this.#token === undefined ? { password } : { token: this.#token }
    const device = { username: this.#username, userAgent: this.#userAgent }
    const resume = this.#session
      ? `<resume xmlns='${NS_SM}' previd='${this.#session.id}' h='${this.#session.client.received}'/>`
      : ''
    const inline = resume + bindWith(ENABLE) + requestToken()
    const success = await enter(client, { ...device, ...known, inline })
    this.#token = tokenOf(success) ?? this.#token
    this.resumed = success.child('resumed', NS_SM) !== undefined
    client.counting(this.resumed ? this.#session?.client.received : 0)
    const id = this.resumed ? this.#session?.id : smIdOf(success)
    this.#session = id === undefined ? undefined : { id, client }
  }

  /** Until it is in. */
  async comeIn(started: number): Promise<void> {
    this.failed = 0
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#client?.[Symbol.asyncDispose]()
        await this.#signIn()
        this.insideAfterMs = performance.now() - started
        return
      } catch {
        this.failed++
        await after(Math.min(BACKOFF_MS.last, BACKOFF_MS.first * 2 ** attempt) * (0.5 + Math.random() / 2))
      }
    }
  }

  /** The connection stood until the server closed it. */
  async lost(): Promise<void> {
    await this.#client?.ended()
  }
}

function smIdOf(success: Element): string | undefined {
  return success.child('bound', NS_BIND2)?.child('enabled', NS_SM)?.attrs['id']
}

const clients = Array.from({ length: count }, (_, index) => new StormClient(index))
const waiting = clients.values()
await Promise.all(
  Array.from({ length: CONCURRENCY }, async () => {
    for (const client of waiting) await client.comeIn(performance.now())
  }),
)
process.stdout.write('in\n')
await Promise.all([once(input, 'line'), ...clients.map((client) => client.lost())])
const started = performance.now()
await Promise.all(clients.map((client) => client.comeIn(started)))
const times = clients.map(({ insideAfterMs }) => insideAfterMs).sort((one, other) => one - other)
const report: StormReport = {
  inside: times.length,
  failed: clients.reduce((total, client) => total + client.failed, 0),
  resumed: clients.filter((client) => client.resumed).length,
  medianMs: times[Math.floor(times.length / 2)] ?? 0,
  lastMs: times.at(-1) ?? 0,
}
process.stdout.write(`${JSON.stringify(report)}\n`)
