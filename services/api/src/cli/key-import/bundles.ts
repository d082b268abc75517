/** Certificates on their way to the server: several in a request, one request after the other, while the next is being read. */
import { RefusedError } from '../client.ts'
import type { Post } from '../run-ctl.ts'

export interface Wanted {
  readonly certificate: Buffer
  /** Addresses to be published. */
  readonly verified: readonly string[]
  /** Where it ends in its file. */
  readonly end: number
}

type OnDone = (end: number) => Promise<void>

const PATH = '/internal/keys/import'
const CERTIFICATES_MAX = 64
const BYTES_MAX = 512 * 1024
/** Of the addresses, which go into the request line. */
const PUBLISH_CHARACTERS_MAX = 8 * 1024
/** Of one certificate at a busy server. */
const TRIES_MAX = 5
/** Answers that are waited for at once. */
const UNDER_WAY_MAX = 2
const OUTCOMES = ['inserted', 'updated', 'unchanged', 'ignored', 'published'] as const

interface Answer extends Partial<Record<(typeof OUTCOMES)[number], number>> {
  readonly problems?: Readonly<Record<string, number>>
  readonly dropped?: Readonly<Record<string, number>>
}

export class Bundles {
  readonly counts: Record<string, number>
  readonly #post: Post
  readonly #pause: () => Promise<void>
  readonly #domains: readonly string[]
  #waiting: Wanted[] = []
  #bytes = 0
  #publish = 0
  #underWay: Promise<void>[] = []

  constructor({
    post,
    pause,
    domains,
    before,
  }: {
    readonly post: Post
    /** Resolves when it is time to ask a busy server again. */
    readonly pause: () => Promise<void>
    readonly domains: readonly string[]
    readonly before: Readonly<Record<string, number>>
  }) {
    this.#post = post
    this.#pause = pause
    this.#domains = domains
    this.counts = { ...before }
  }

  refuse(problem: string, count = 1): void {
    this.counts[problem] = (this.counts[problem] ?? 0) + count
  }

  /** Resolves when there is room for the next. `onDone`: everything up to there is kept. Throws RefusedError. */
  async add(wanted: Wanted, onDone: OnDone): Promise<void> {
    const characters = wanted.verified.reduce((sum, each) => sum + 3 * each.length + 70, 0)
    const isFull =
      this.#waiting.length === CERTIFICATES_MAX ||
      this.#bytes + wanted.certificate.length > BYTES_MAX ||
      this.#publish + characters > PUBLISH_CHARACTERS_MAX
    if (isFull && this.#waiting.length > 0) await this.#send(onDone)
    this.#waiting.push(wanted)
    this.#bytes += wanted.certificate.length
    this.#publish += characters
  }

  /** Resolves when everything is kept. */
  async flush(onDone: OnDone): Promise<void> {
    if (this.#waiting.length > 0) await this.#send(onDone)
    while (this.#underWay.length > 0) await this.#underWay.shift()
  }

  async #send(onDone: OnDone): Promise<void> {
    const bundle = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    this.#publish = 0
    const earlier = this.#underWay.at(-1)
    const sending = this.#sendInOrder(bundle, earlier, onDone)
    sending.catch(() => undefined) // Thrown where it is awaited.
    this.#underWay.push(sending)
    if (this.#underWay.length > UNDER_WAY_MAX) await this.#underWay.shift()
  }

  /** An end is told only when everything before is done. */
  async #sendInOrder(
    bundle: readonly Wanted[],
    earlier: Promise<void> | undefined,
    onDone: OnDone,
  ): Promise<void> {
    await this.#sendBundle(bundle)
    await earlier
    await onDone(bundle.at(-1)?.end ?? 0)
  }

  /** One that is too much at once is sent one by one. */
  async #sendBundle(bundle: readonly Wanted[], tries = 1): Promise<void> {
    const query = new URLSearchParams({ publish: this.#publishOf(bundle) })
    const body = Buffer.concat(bundle.flatMap(({ certificate }) => [lengthOf(certificate), certificate]))
    const { status, answer } = await this.#post(`${PATH}?${query.toString()}`, body)
    if (status === 200) return this.#count(answer as Answer)
    const { type } = answer as { type?: unknown }
    if (status !== 503 || type !== 'urn:sealpost:problem:busy')
      throw new RefusedError(
        `The server answered with ${String(status)}. What it has taken is kept: repeat the command to go on`,
      )
    if (bundle.length > 1) for (const each of bundle) await this.#sendBundle([each])
    else if (tries === TRIES_MAX) this.refuse('too much to do')
    else {
      await this.#pause()
      await this.#sendBundle(bundle, tries + 1)
    }
  }

  #publishOf(bundle: readonly Wanted[]): string {
    const single = bundle.flatMap(({ verified }, index) => verified.map((each) => `${String(index)}:${each}`))
    return [...this.#domains.map((domain) => `@${domain}`), ...single].join(',')
  }

  #count({ problems = {}, dropped = {}, ...outcomes }: Answer): void {
    for (const name of OUTCOMES) this.refuse(name, outcomes[name] ?? 0)
    for (const [code, count] of Object.entries(problems)) this.refuse(code, count)
    for (const [kind, count] of Object.entries(dropped)) this.refuse(`dropped.${kind}`, count)
  }
}

function lengthOf({ length }: Buffer): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  return bytes
}
