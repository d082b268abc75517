/**
 * XEP-0198 Stream Management: acknowledgement in both directions, and resumption, also at the process after a clean
 * stop (core/session-handover.ts). `h` towards the client passes a stanza when it is safe (delivery/inbox.ts); `h` from the client
 * shreds what it covers. After a crash no counter can be known, and `<failed/>` says none.
 */
import type { Clock } from '@sealpost/runtime'
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
  interface SavedData {
    streamManagementId?: string
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
        if (stream.account && !stream.session?.data.streamManagement) features.push(element('sm', NS_SM))
        return undefined
      })
      host.onNonza(NS_SM, 'enable', (stream, nonza) =>
        enable(stream, nonza, options, resumable, host.random.token(18)),
      )
      host.onNonza(NS_SM, 'resume', (stream, nonza) => resume(stream, nonza, options, resumable, host.clock))
      host.hook('sasl2/features', ({ inline }) => void inline.push(element('sm', NS_SM)))
      host.hook('sasl2/resume', ({ stream, request, account }) => {
        const nonza = request.child('resume', NS_SM)
        return nonza && resumeInline(stream, nonza, account.id, options, resumable, host.clock)
      })
      host.hook('bind2/features', ({ features }) => void features.push(NS_SM))
      host.hook('bind2/bound', ({ session, request, told }) => {
        const nonza = request.child('enable', NS_SM)
        if (nonza) told.push(start(session, nonza, options, resumable, host.random.token(18)))
        return undefined
      })
      host.onNonza(NS_SM, 'r', (stream) => enabledSession(stream).inbox.request())
      host.onNonza(NS_SM, 'a', (stream, nonza) => {
        enabledSession(stream).outbox.acknowledge(readCounter(nonza))
      })
      host.hook('session/closed', ({ session }) => {
        const id = session.data.streamManagement?.id
        if (id !== undefined) resumable.delete(id)
        return undefined
      })
      host.hook('session/save', ({ session, saved }) => {
        const id = session.data.streamManagement?.id
        if (id !== undefined) saved.streamManagementId = id
      })
      host.hook('session/restored', ({ session, saved }) => {
        const { streamManagementId: id = '' } = saved
        session.data.streamManagement = { id }
        resumable.set(id, session)
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
  stream.send(start(session, nonza, options, resumable, id).toString())
}

/** Counts from now on; returns what the client is told. */
function start(
  session: Session,
  nonza: Element,
  options: StreamManagementOptions,
  resumable: Map<string, Session>,
  id: string,
): Element {
  const wanted = nonza.attrs['resume'] === 'true' || nonza.attrs['resume'] === '1'
  session.inbox.enable()
  session.outbox.enable()
  if (!wanted || options.resumeTimeoutMs === 0) {
    session.data.streamManagement = { id: undefined }
    return element('enabled', NS_SM)
  }
  session.data.streamManagement = { id }
  session.resumeTimeoutMs = resumeTimeout(nonza.attrs['max'], options.resumeTimeoutMs)
  resumable.set(id, session)
  const max = Math.floor(session.resumeTimeoutMs / 1000)
  return element('enabled', NS_SM, { resume: 'true', id, max: String(max) })
}

/** XEP-0198 §3: the client may ask for less. */
function resumeTimeout(max: string | undefined, serverMs: number): number {
  if (max === undefined || !COUNTER.test(max) || Number(max) === 0) return serverMs
  return Math.min(Number(max) * 1000, serverMs)
}

/** XEP-0198 §5 */
async function resume(
  stream: Stream,
  nonza: Element,
  options: StreamManagementOptions,
  resumable: ReadonlyMap<string, Session>,
  clock: Clock,
): Promise<void> {
  if (!stream.account || stream.session) return fail(stream, 'unexpected-request')
  const claimed = claim(nonza, stream.account.id, resumable)
  if (!claimed) return fail(stream, 'item-not-found')
  await prepared(claimed.session, options, clock)
  if (stream.closed) return
  const resumed = take(claimed, stream, options, (told) => stream.send(told.toString()))
  if (!resumed) fail(stream, 'item-not-found')
}

/** XEP-0198 §9.2: within the sign-in. */
async function resumeInline(
  stream: Stream,
  nonza: Element,
  accountId: string,
  options: StreamManagementOptions,
  resumable: ReadonlyMap<string, Session>,
  clock: Clock,
) {
  const claimed = claim(nonza, accountId, resumable)
  if (claimed) await prepared(claimed.session, options, clock)
  return {
    possible: claimed !== undefined,
    failed: failed('item-not-found'),
    commit: (announce: (session: Session, resumed: Element) => void) =>
      claimed !== undefined &&
      !stream.closed &&
      take(claimed, stream, options, (resumed) => announce(claimed.session, resumed)),
  }
}

interface Claim {
  readonly session: Session
  /** What the client has received, as it says. */
  readonly h: number
}

/** The session that the client may have: what it acknowledges is done with, and its old stream ends. The id is unguessable and worth nothing to another account. */
function claim(
  nonza: Element,
  accountId: string,
  resumable: ReadonlyMap<string, Session>,
): Claim | undefined {
  const { previd } = nonza.attrs
  const h = readCounter(nonza)
  const session = previd === undefined ? undefined : resumable.get(previd)
  if (session?.account.id !== accountId) return undefined
  session.outbox.acknowledge(h)
  session.stream?.fail(new StreamError('conflict')) // hibernates it: nothing more comes from there
  return { session, h }
}

/** Resolves when the session can be continued: its counter says what it can, and what is to be sent again is in memory. */
async function prepared(
  session: Session,
  { lifecycle }: StreamManagementOptions,
  clock: Clock,
): Promise<void> {
  if (session.inbox.unsafe > 0) await settled(session, clock)
  await lifecycle.load(session)
}

/** Resolves when all that the session sent is safe, so that `h` can say so and nothing is sent twice; or after a while. */
function settled(session: Session, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = clock.after(SETTLE_MS, resolve)
  session.inbox.whenSettled(resolve)
  return promise.finally(() => timer[Symbol.dispose]())
}

/** Continues the session on the stream, after `announce` told the client; false when it is over, or has got further than this client. */
function take(
  { session, h }: Claim,
  stream: Stream,
  { lifecycle }: StreamManagementOptions,
  announce: (resumed: Element) => void,
): boolean {
  if (session.closed || session.outbox.acknowledged !== h) return false
  session.stream?.fail(new StreamError('conflict')) // another resumption was faster, and this one is later
  session.inbox.resumed()
  const previd = session.data.streamManagement?.id ?? ''
  announce(element('resumed', NS_SM, { previd, h: String(session.inbox.handled) }))
  lifecycle.resume(session, stream)
  return true
}

/** `h`: an unsigned 32-bit number (XEP-0198 §4). */
function readCounter(nonza: Element): number {
  const { h } = nonza.attrs
  if (h === undefined || !COUNTER.test(h) || Number(h) >= 2 ** 32) throw new StreamError('invalid-xml')
  return Number(h)
}

type ResumptionError = 'unexpected-request' | 'item-not-found'

function fail(stream: Stream, condition: ResumptionError): void {
  stream.send(failed(condition).toString())
}

function failed(condition: ResumptionError): Element {
  return element('failed', NS_SM, {}, element(condition, NS_STANZAS))
}

/** Dead peers: asked for an acknowledgement before this monotonic time, and silent since. */
function dropSilent(sessions: readonly Session[], before: number): void {
  for (const session of sessions) {
    const since = session.outbox.silentSince()
    if (since !== undefined && since < before) session.stream?.fail(new StreamError('connection-timeout'))
  }
}
