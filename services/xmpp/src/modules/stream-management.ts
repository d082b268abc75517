/**
 * XEP-0198 Stream Management: acknowledgement in both directions and resumption within this process. `h` towards
 * the client passes a stanza when it is safe (delivery/inbox.ts); `h` from the client shreds what it covers.
 */
import type { Clock, MaybePromise } from '@sealpost/runtime'
import { type Element, element, NS_SM, NS_STANZAS, StreamError } from '@sealpost/stanza'
import {
  defineModule,
  type Module,
  type Session,
  type SessionLifecycle,
  type Stream,
} from '../core/module.ts'

declare module '../core/session.ts' {
  interface SessionData {
    streamManagement?: { readonly id: string | undefined }
  }
}

export interface StreamManagementOptions {
  readonly lifecycle: SessionLifecycle
  /** How long a session may be without a stream. */
  readonly resumeTimeoutMs: number
  /** A client that was asked and says nothing for so long has lost its connection. */
  readonly silenceMs: number
}

const COUNTER = /^\d{1,10}$/
/** How long a resumption waits for what the session sent last to become safe. */
const SETTLE_MS = 2_000

export const streamManagement = (options: StreamManagementOptions): Module =>
  defineModule({
    name: 'stream-management',
    implements: ['XEP-0198 1.6.3'],
    setup(host) {
      const resumable = new Map<string, Session>()
      host.hook('stream/features', ({ stream, features }) => {
        if (stream.account) features.push(element('sm', NS_SM))
        return undefined
      })
      host.onNonza(NS_SM, 'enable', (stream, nonza) =>
        enable(stream, nonza, options, resumable, host.random.token(18)),
      )
      host.onNonza(NS_SM, 'resume', (stream, nonza) => resume(stream, nonza, options, resumable, host.clock))
      host.onNonza(NS_SM, 'r', (stream) => enabledSession(stream).inbox.request())
      host.onNonza(NS_SM, 'a', (stream, nonza) => {
        enabledSession(stream).outbox.acknowledge(readCounter(nonza))
      })
      host.hook('session/closed', ({ session }) => {
        const id = session.data.streamManagement?.id
        if (id !== undefined) resumable.delete(id)
        return undefined
      })
      host.every(options.silenceMs / 4, () =>
        dropSilent(host.sessions.all(), host.clock.monotonic() - options.silenceMs),
      )
    },
  })

function enabledSession(stream: Stream): Session {
  if (!stream.session?.data.streamManagement) throw new StreamError('unsupported-stanza-type')
  return stream.session
}

/** XEP-0198 §3 */
function enable(
  stream: Stream,
  nonza: Element,
  options: StreamManagementOptions,
  resumable: Map<string, Session>,
  id: string,
): void {
  const { session } = stream
  if (!session || session.data.streamManagement) return fail(stream, 'unexpected-request')
  const wanted = nonza.attrs['resume'] === 'true' || nonza.attrs['resume'] === '1'
  session.inbox.enable()
  if (!wanted || options.resumeTimeoutMs === 0) {
    session.data.streamManagement = { id: undefined }
    stream.send(`<enabled xmlns='${NS_SM}'/>`)
    return session.outbox.enable()
  }
  session.data.streamManagement = { id }
  session.resumeTimeoutMs = resumeTimeout(nonza.attrs['max'], options.resumeTimeoutMs)
  resumable.set(id, session)
  const max = Math.floor(session.resumeTimeoutMs / 1000)
  stream.send(`<enabled xmlns='${NS_SM}' resume='true' id='${id}' max='${max}'/>`)
  session.outbox.enable()
}

/** XEP-0198 §3: the client may ask for less. */
function resumeTimeout(max: string | undefined, serverMs: number): number {
  if (max === undefined || !COUNTER.test(max) || Number(max) === 0) return serverMs
  return Math.min(Number(max) * 1000, serverMs)
}

/** XEP-0198 §5. The id is unguessable and worth nothing to another account. */
function resume(
  stream: Stream,
  nonza: Element,
  options: StreamManagementOptions,
  resumable: ReadonlyMap<string, Session>,
  clock: Clock,
): MaybePromise<void> {
  const { previd } = nonza.attrs
  if (!stream.account || stream.session) return fail(stream, 'unexpected-request')
  const h = readCounter(nonza)
  const session = previd === undefined ? undefined : resumable.get(previd)
  if (!session || session.account.id !== stream.account.id) return fail(stream, 'item-not-found')
  session.outbox.acknowledge(h)
  session.stream?.fail(new StreamError('conflict')) // hibernates it: nothing more comes from there
  if (session.inbox.unsafe === 0) return proceed(stream, session, options)
  return settled(session, clock).then(() => proceed(stream, session, options))
}

/** Resolves when all that the session sent is safe, so that `h` can say so and nothing is sent twice; or after a while. */
function settled(session: Session, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = clock.after(SETTLE_MS, resolve)
  session.inbox.whenSettled(resolve)
  return promise.finally(() => timer[Symbol.dispose]())
}

function proceed(stream: Stream, session: Session, { lifecycle }: StreamManagementOptions): void {
  if (stream.closed) return
  if (session.closed) return fail(stream, 'item-not-found')
  session.stream?.fail(new StreamError('conflict')) // another resumption was faster, and this one is later
  session.inbox.resumed()
  const previd = session.data.streamManagement?.id ?? ''
  stream.send(`<resumed xmlns='${NS_SM}' previd='${previd}' h='${session.inbox.handled}'/>`)
  lifecycle.resume(session, stream)
}

/** `h`: an unsigned 32-bit number (XEP-0198 §4). */
function readCounter(nonza: Element): number {
  const { h } = nonza.attrs
  if (h === undefined || !COUNTER.test(h) || Number(h) >= 2 ** 32) throw new StreamError('invalid-xml')
  return Number(h)
}

function fail(stream: Stream, condition: 'unexpected-request' | 'item-not-found'): void {
  stream.send(`<failed xmlns='${NS_SM}'><${condition} xmlns='${NS_STANZAS}'/></failed>`)
}

/** Dead peers: asked for an acknowledgement before this monotonic time, and silent since. */
function dropSilent(sessions: readonly Session[], before: number): void {
  for (const session of sessions) {
    const since = session.outbox.silentSince()
    if (since !== undefined && since < before) session.stream?.fail(new StreamError('connection-timeout'))
  }
}
