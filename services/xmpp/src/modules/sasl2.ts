/**
 * XEP-0388 Extensible SASL Profile: sign-in without a stream restart. What else the client wants of its stream comes in the same
 * request (a resumption, a resource, a token) and is done before `<success/>` tells of it. What a client calls its software and its
 * device in the words of the XEP is read by nobody and kept nowhere.
 */
import { mayActAs, type SignedIn } from '@sealpost/accounts'
import type { MaybePromise } from '@sealpost/runtime'
import { SaslError } from '@sealpost/sasl'
import { type Element, element, NS_SASL, NS_SASL2, StanzaError, StreamError } from '@sealpost/stanza'
import {
  defineModule,
  type Module,
  type ModuleHost,
  type Provided,
  type Session,
  type SessionLifecycle,
  type Stream,
} from '../core/module.ts'
import type { Device } from '../delivery/device-store.ts'
import type { SessionQueues } from '../delivery/device-registry.ts'

type SignIns = Provided['signIns']
type SignIn = ReturnType<SignIns['begin']>

/** What a client asks for, and how. */
interface Request {
  readonly stream: Stream
  /** The whole `<authenticate/>`. */
  readonly request: Element
  readonly mechanism: string
  /** The client installation, if it says which; in lower case. */
  readonly userAgent: string | undefined
}

interface ProvenRequest extends Request {
  readonly account: SignedIn
}

/** What must be done between the proof and the success (XEP-0388 §2.6.3). */
interface Task {
  readonly name: string
  /** The client begins it; returns what `<task-data/>` tells the client. */
  begin(next: Element): MaybePromise<readonly Element[]>
  /** Takes the client's `<task-data/>`; throws SaslError. */
  finish(data: Element): Promise<void>
}

/** A session that waits for its client, or why there is none. */
interface Resumption {
  /** What the client is told when it comes to nothing (XEP-0198 §5). */
  readonly failed: Element
  /**
   * Continues the session on the stream: `announce` is called with it before anything is sent. False when it is over, or there never was
   * one.
   */
  commit(announce: (session: Session, resumed: Element) => void): boolean
  /** False when it can only fail. */
  readonly possible: boolean
}

/** A resource to be bound (XEP-0386). */
interface Binding {
  /** The resource of a device, or a random one. */
  resource(device: Device | undefined): string
  /** The session exists; returns what the client is told. */
  bound(session: Session): Element
}

declare module '../core/module.ts' {
  interface Hooks {
    /** Collects what `<authentication/>` offers inline, and beside its mechanisms (XEP-0388 §2.1). */
    'sasl2/features'(event: {
      readonly stream: Stream
      readonly inline: Element[]
      readonly others: Element[]
    }): undefined
    /** Begins a mechanism that is not for passwords; throws SaslError. */
    'sasl2/mechanism'(event: Request): SignIn
    'sasl2/task'(event: ProvenRequest): Task
    'sasl2/resume'(event: ProvenRequest): Resumption
    'sasl2/bind'(event: ProvenRequest): Binding
    /** The proof is right, and nothing has come of it yet; throws SaslError to refuse all the same. */
    'sasl2/proven'(event: ProvenRequest): undefined
    /** The device that signs in is known from now on. */
    'sasl2/identified'(event: ProvenRequest & { readonly device: Device }): undefined
    /** The client is signed in, and its device known: adds to `<success/>`. */
    'sasl2/success'(event: ProvenRequest & { readonly additions: Element[] }): undefined
  }
}

declare module '../core/stream.ts' {
  interface StreamData {
    sasl2?: Dialogue
  }
}

/** A sign-in under way: first the mechanism, then perhaps a task. */
interface Dialogue extends Request {
  readonly signIn: SignIn
  task?: { readonly task: Task; readonly account: SignedIn; begun: boolean }
}

/** RFC 9562 §4. The XEP asks for version 4; some clients derive theirs. */
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

export const sasl2 = ({ lifecycle }: { lifecycle: SessionLifecycle }): Module =>
  defineModule({
    name: 'sasl2',
    implements: ['XEP-0388 1.0.4', 'XEP-0440 1.0.0', 'XEP-0474 0.5.0', 'XEP-0515 0.1.0'],
    depends: ['sasl'],
    setup(host) {
      const profile = new Sasl2(host, lifecycle)
      host.hook('stream/features', ({ stream, features }) => {
        if (stream.secure && !stream.account) features.push(profile.feature(stream))
        return undefined
      })
      host.onNonza(NS_SASL2, 'authenticate', (stream, nonza) =>
        profile.answering(stream, profile.authenticate(stream, nonza)),
      )
      host.onNonza(NS_SASL2, 'response', (stream, nonza) =>
        profile.answering(stream, profile.respond(stream, nonza)),
      )
      host.onNonza(NS_SASL2, 'next', (stream, nonza) =>
        profile.answering(stream, profile.beginTask(stream, nonza)),
      )
      host.onNonza(NS_SASL2, 'task-data', (stream, nonza) =>
        profile.answering(stream, profile.finishTask(stream, nonza)),
      )
      host.onNonza(NS_SASL2, 'abort', (stream) =>
        profile.answering(stream, Promise.reject(new SaslError('aborted'))),
      )
    },
  })

class Sasl2 {
  readonly #host: ModuleHost
  readonly #signIns: SignIns
  readonly #lifecycle: SessionLifecycle

  constructor(host: ModuleHost, lifecycle: SessionLifecycle) {
    this.#host = host
    this.#signIns = host.need('signIns')
    this.#lifecycle = lifecycle
  }

  /** XEP-0388 §2.1; the same for everybody, so that it tells nothing of who has an account. */
  feature(stream: Stream): Element {
    const inline: Element[] = []
    const others: Element[] = []
    void this.#host.fire('sasl2/features', { stream, inline, others })
    const { mechanisms } = this.#signIns.offer(stream)
    const names = mechanisms.map((name) => element('mechanism', NS_SASL2, {}, name))
    return element(
      'authentication',
      NS_SASL2,
      {},
      ...names,
      element('inline', NS_SASL2, {}, ...inline),
      ...others,
    )
  }

  /** RFC 6120 §6.4.5 as XEP-0388 §2.6.2 words it. */
  async answering(stream: Stream, work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      delete stream.data.sasl2
      this.#signIns.refuse(stream, error, (condition) => {
        const failure = element('failure', NS_SASL2, {}, element(condition, NS_SASL))
        stream.send(failure.toString())
      })
    }
  }

  /** XEP-0388 §2.3 */
  async authenticate(stream: Stream, request: Element): Promise<void> {
    if (stream.account) throw new StreamError('unsupported-stanza-type')
    if (stream.data.sasl2 || stream.data.sasl) throw new StreamError('policy-violation') // XEP-0388 §2.4
    if (!stream.secure) throw new SaslError('encryption-required')
    const mechanism = request.attrs['mechanism'] ?? ''
    const asked = { stream, request, mechanism, userAgent: readUserAgent(request) }
    const signIn =
      (await this.#host.fire('sasl2/mechanism', asked)) ?? this.#signIns.begin(stream, mechanism, true)
    const response = request.child('initial-response')
    if (!response) throw new SaslError('malformed-request')
    await this.#advance({ ...asked, signIn }, response)
  }

  /** XEP-0388 §2.5 */
  async respond(stream: Stream, nonza: Element): Promise<void> {
    const dialogue = stream.data.sasl2
    if (!dialogue || dialogue.task) throw new SaslError('malformed-request')
    await this.#advance(dialogue, nonza)
  }

  async #advance(dialogue: Dialogue, message: Element): Promise<void> {
    const { stream, signIn } = dialogue
    const step = await signIn.next(this.#signIns.decode(message.text().trim()))
    if ('challenge' in step) {
      stream.data.sasl2 = dialogue
      const challenge = element('challenge', NS_SASL2, {}, step.challenge.toString('base64'))
      stream.send(challenge.toString())
      return
    }
    const { account, authzid, final } = step
    if (authzid !== undefined && stream.claimed !== undefined && !mayActAs(account, stream.claimed))
      throw new SaslError('invalid-authzid') // XEP-0388 §2.3
    const data = element('additional-data', NS_SASL2, {}, final.toString('base64'))
    await this.#host.fire('sasl2/proven', { ...dialogue, account })
    const task = await this.#host.fire('sasl2/task', { ...dialogue, account })
    if (!task) return this.#complete(dialogue, account, [data])
    stream.data.sasl2 = { ...dialogue, task: { task, account, begun: false } }
    const tasks = element('tasks', NS_SASL2, {}, element('task', NS_SASL2, {}, task.name))
    stream.send(element('continue', NS_SASL2, {}, data, tasks).toString())
  }

  /** XEP-0388 §2.6.3 */
  async beginTask(stream: Stream, next: Element): Promise<void> {
    const pending = stream.data.sasl2?.task
    if (!pending || pending.begun || next.attrs['task'] !== pending.task.name)
      throw new SaslError('malformed-request')
    pending.begun = true
    const told = await pending.task.begin(next)
    stream.send(element('task-data', NS_SASL2, {}, ...told).toString())
  }

  async finishTask(stream: Stream, data: Element): Promise<void> {
    const dialogue = stream.data.sasl2
    if (!dialogue?.task?.begun) throw new SaslError('malformed-request')
    const { task, account } = dialogue.task
    await task.finish(data)
    await this.#complete(dialogue, account, [])
  }

  /** XEP-0388 §2.6.1: the session is resumed, or bound, or left to be bound later; in this order. */
  async #complete(dialogue: Dialogue, account: SignedIn, data: readonly Element[]): Promise<void> {
    const { stream, userAgent } = dialogue
    delete stream.data.sasl2
    const event = { ...dialogue, account }
    const resumption = await this.#host.fire('sasl2/resume', event)
    const binding = await this.#host.fire('sasl2/bind', event)
    const resource = binding?.resource(undefined) ?? ''
    const identify = async () => {
      const known = await this.#lifecycle.identify(account, resource, userAgent)
      await this.#host.fire('sasl2/identified', { ...event, device: known.device })
      return known
    }
    let queues: SessionQueues | undefined
    if (resumption?.possible !== true && (binding ?? userAgent) !== undefined) queues = await identify()
    const additions: Element[] = []
    await this.#host.fire('sasl2/success', { ...event, additions })
    const succeed = (jid: string, ...told: readonly Element[]) => {
      stream.belongsTo(account)
      stream.userAgent = userAgent
      this.#signIns.succeeded(stream)
      const identifier = element('authorization-identifier', NS_SASL2, {}, jid)
      stream.send(element('success', NS_SASL2, {}, ...data, identifier, ...told, ...additions).toString())
    }
    if (resumption?.commit((session, resumed) => succeed(session.jidText, resumed)) === true) return // no features: XEP-0198 §9.2
    const failed = resumption ? [resumption.failed] : []
    if (!binding) {
      succeed(account.jid.toString(), ...failed)
      return stream.sendFeatures()
    }
    queues ??= await identify()
    const name = userAgent === undefined ? resource : binding.resource(queues.device)
    await this.#open(stream, account, queues, name, (session) => {
      const bound = binding.bound(session)
      succeed(session.jidText, ...failed, bound)
      stream.sendFeatures()
    })
  }

  async #open(
    stream: Stream,
    account: SignedIn,
    queues: SessionQueues,
    resource: string,
    announce: (session: Session) => void,
  ): Promise<void> {
    try {
      await this.#lifecycle.open(stream, account, {
        jid: account.jid.withResource(resource),
        queues,
        announce,
      })
    } catch (error) {
      if (error instanceof StanzaError) throw new SaslError('temporary-auth-failure', { cause: error })
      throw error
    }
  }
}

function readUserAgent(request: Element): string | undefined {
  const id = request.child('user-agent')?.attrs['id']
  if (id === undefined) return undefined
  if (!UUID.test(id)) throw new SaslError('malformed-request')
  return id.toLowerCase()
}
