/** What people's programs do with a whole stack while its services are restarted: they chat, send mail and ask over HTTPS, and try again as such programs do. */
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import type { MailSink } from '../../services/smtp/test/mail-sink.ts'
import type { Device } from '../faults/device.ts'
import { sending } from '../faults/load.ts'
import { People } from '../faults/people.ts'
import { NOTHING_WRONG } from '../faults/scene.ts'
import { Letters, numberOf } from './letters.ts'
import { Questions } from './questions.ts'
import type { Stack } from './stack.ts'

const PASSWORD = 'secret'
const DEVICES = {
  alice: [{ name: 'phone', modern: true }],
  bob: [
    { name: 'phone', modern: true },
    { name: 'laptop', modern: false },
  ],
  carol: [{ name: 'phone', modern: false }],
}
const TALK = [
  ['alice/phone', 'bob'],
  ['bob/phone', 'carol'],
  ['carol/phone', 'alice'],
] as const
const INSIDE = 'bob@localhost'
const OUTSIDE = 'somebody@example.net'
const RECONNECT_MS = 100
const SETTLE_MS = 30_000
const CERTIFICATE = new URL('../vectors/openpgp/certificates/gpg-ed25519.asc', import.meta.url)
const BOB = { authorization: `Basic ${Buffer.from(`${INSIDE}:${PASSWORD}`).toString('base64')}` }

export class Traffic implements AsyncDisposable {
  readonly people = new People(DEVICES)
  readonly letters: Letters
  readonly questions: Questions
  readonly #stack: Stack
  readonly #sink: MailSink
  readonly #writing = new AbortController()
  readonly #over = new AbortController()
  readonly #running: Promise<void>[] = []
  /** What has been fetched, by the id of its place in the mailbox. */
  readonly #inbox = new Map<string, number>()

  private constructor(stack: Stack, sink: MailSink) {
    this.#stack = stack
    this.#sink = sink
    this.letters = new Letters(stack.ports.smtp, { writing: this.#writing.signal, over: this.#over.signal })
    this.questions = new Questions(stack.ports.https, this.#over.signal)
  }

  /** On a stack that trusts this machine and hands outgoing mail to `sink`. When it resolves, everybody is there, and all of it runs. */
  static async begin(stack: Stack, sink: MailSink): Promise<Traffic> {
    await using held = new AsyncDisposableStack()
    const traffic = held.use(new Traffic(stack, sink))
    for (const name of Object.keys(DEVICES)) {
      const create = ['account', 'create', `${name}@localhost`, '--password-stdin']
      expect((await stack.ctl(create, `${PASSWORD}\n`)).code).toBe(0)
    }
    await traffic.people.register(stack.ports.xmpps)
    const lookup = await traffic.#publish()
    const { people, letters, questions } = traffic
    traffic.#running.push(
      ...people.devices.map((device) => traffic.#stay(device)),
      ...[INSIDE, OUTSIDE].map((recipient) => letters.sendTo(recipient)),
      ...[lookup, lookup, '/v1/openapi.json', '/.well-known/host-meta'].map((path) =>
        questions.keepAsking({ path }),
      ),
      questions.keepAsking({ path: '/v1/mail', headers: BOB }),
    )
    await expect.poll(() => people.devices.every(({ up }) => up), { timeout: SETTLE_MS }).toBe(true)
    traffic.#running.push(traffic.#talk())
    held.move()
    return traffic
  }

  /** Resolves when each service has served everybody again. */
  async served(): Promise<void> {
    const [messages, mails, answers] = [
      this.#acknowledged,
      this.letters.accepted.size,
      this.questions.answered,
    ]
    const more = () => [
      this.#acknowledged > messages + 20,
      this.letters.accepted.size > mails + 5,
      this.questions.answered > answers + 20,
      this.people.devices.every(({ up }) => up),
    ]
    await expect.poll(more, { timeout: SETTLE_MS }).toEqual([true, true, true, true])
  }

  /** Stops the writing, waits for what is under way, and holds what arrived against what was promised. */
  async settle(): Promise<void> {
    this.#writing.abort()
    const { ledger } = this.people
    await expect.poll(() => this.people.unsafe, { timeout: SETTLE_MS }).toBe(0)
    await expect.poll(() => ledger.outstanding, { timeout: SETTLE_MS }).toBe(0)
    const { sent, ...findings } = ledger.findings()
    expect(findings).toMatchObject({
      ...NOTHING_WRONG,
      refused: [],
      acknowledged: sent,
      // Exactly once: sessions are resumed by both sides' counts.
      sentAgain: 0,
      unacknowledged: 0,
    })
    await this.#checkMails()
    expect(this.questions.refused).toEqual([])
    const { accepted, inDoubt, again } = this.letters
    const { answered, slowestMs } = this.questions
    process.stdout.write(
      `${String(sent)} messages, each once; ${String(accepted.size)} mails, ${String(again)} tries again, ${String(inDoubt.size)} in doubt; ` +
        `${String(answered)} answers, the slowest after ${(slowestMs / 1_000).toFixed(1)} s\n`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writing.abort()
    this.#over.abort()
    for (const device of this.people.devices) await device.drop()
    await Promise.all(this.#running)
  }

  get #acknowledged(): number {
    return this.people.devices.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
  }

  /** @returns where the certificate is looked up. */
  async #publish(): Promise<string> {
    const answer = await this.questions.askOnce({
      path: '/vks/v1/upload',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ keytext: await readFile(CERTIFICATE, 'utf8') }),
    })
    const { key_fpr: fingerprint } = JSON.parse(answer.body) as { key_fpr: string }
    return `/vks/v1/by-fingerprint/${fingerprint}`
  }

  /** Comes back whenever its connection ends, however often it is turned away. */
  async #stay(device: Device): Promise<void> {
    while (!this.#over.signal.aborted) {
      await device.connect(this.#stack.ports.xmpps).catch(() => device.drop())
      await device.gone()
      await pause(RECONNECT_MS)
    }
  }

  async #talk(): Promise<void> {
    const pairs = TALK.map(([sender, to]) => [this.people.device(sender), to] as const)
    const { stop } = sending(pairs)
    await new Promise((resolve) => this.#writing.signal.addEventListener('abort', resolve))
    await stop()
  }

  /** What was accepted has arrived; a mail comes twice only if its sender could not know whether it was taken. */
  async #checkMails(): Promise<void> {
    const { accepted, inDoubt, refused } = this.letters
    expect(refused).toEqual([])
    const missing = async (): Promise<number[]> => {
      const there = new Set(await this.#arrived())
      return [...accepted.keys()].filter((number) => !there.has(number))
    }
    await expect.poll(missing, { timeout: SETTLE_MS, interval: 500 }).toEqual([])
    const arrived = await this.#arrived()
    const twice = arrived.filter((number, at) => arrived.indexOf(number) !== at && !inDoubt.has(number))
    expect(twice).toEqual([])
  }

  async #arrived(): Promise<number[]> {
    await this.#fetch()
    return [...this.#sink.mails.map(({ message }) => numberOf(message)), ...this.#inbox.values()]
  }

  async #fetch(): Promise<void> {
    for (let after = ''; ;) {
      const page = await this.questions.askOnce({ path: `/v1/mail${after}`, headers: BOB })
      const { items } = JSON.parse(page.body) as { items: { id: string }[] }
      if (items.length === 0) return
      for (const { id } of items) {
        if (this.#inbox.has(id)) continue
        const mail = await this.questions.askOnce({ path: `/v1/mail/${id}`, headers: BOB })
        this.#inbox.set(id, numberOf(mail.body))
      }
      after = `?after=${items.at(-1)?.id ?? ''}`
    }
  }
}
