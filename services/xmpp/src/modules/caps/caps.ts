/**
 * XEP-0115 Entity Capabilities: what each session can do, learned by asking one session for each unknown hash and
 * checking the answer against it. An answer that does not fit speaks only for the session that gave it. Also the
 * server's own capabilities in its stream features. Hashes other than SHA-1 are asked for session by session.
 */
import { type Element, element, NS_CAPS, NS_DISCO_INFO, StanzaError } from '@sealpost/stanza'
import { defineModule, type Module, type ModuleHost, type Session } from '../../core/module.ts'
import { readCapabilities, verificationHash } from './verification-string.ts'

declare module '../../core/module.ts' {
  interface Provided {
    caps: {
      /** What the session's client announced; empty while unknown. */
      features(session: Session): ReadonlySet<string>
    }
  }
  interface Hooks {
    /** The features of an available session became known or changed. */
    'caps/known'(event: {
      readonly session: Session
      readonly features: ReadonlySet<string>
      readonly previous: ReadonlySet<string>
    }): undefined
  }
}

declare module '../../core/session.ts' {
  interface SessionData {
    caps?: SessionCaps
  }
  interface SavedData {
    /** Its features, and whether they are those of its presence. */
    caps?: { readonly features: readonly string[]; readonly answered: boolean }
  }
}

interface SessionCaps {
  readonly announced: Announcement
  readonly features: ReadonlySet<string>
  /** The features are those of this announcement. */
  readonly answered: boolean
}

/** The `c` element of a presence (XEP-0115 §4). */
interface Announcement {
  readonly node: string
  readonly ver: string
  /** What the answer must hash to; undefined when it cannot be checked. */
  readonly key: string | undefined
}

/** The node that the server announces itself under. */
const SERVER_NODE = 'urn:sealpost:server'
const NODE_LENGTH_MAX = 1024
const VER_LENGTH_MAX = 128
/** Questions under way for one hash: a client that never answers must not hold up the others that share it. */
const ASKED_AT_ONCE = 4
const none: ReadonlySet<string> = new Set()

/** @param cachedMax how many verified hashes are remembered, for the whole server */
export function caps(options: { cachedMax: number } = { cachedMax: 1000 }): Module {
  return defineModule({
    name: 'caps',
    implements: ['XEP-0115 1.6.0'],
    depends: ['disco', 'presence'],
    setup(host) {
      announceServer(host)
      const known = new KnownCapabilities(host, options.cachedMax)
      host.provide('caps', { features: (session) => session.data.caps?.features ?? none })
      host.hook('presence/available', ({ session }) => known.announced(session))
      host.hook('session/resumed', ({ session }) => known.resumed(session))
      host.hook('session/save', ({ session, saved }) => {
        const { caps: found } = session.data
        if (found) saved.caps = { features: [...found.features], answered: found.answered }
      })
      host.hook('session/restored', ({ session, saved }) => {
        const announced = readAnnouncement(session.presence)
        if (!announced || !saved.caps) return
        const { features, answered } = saved.caps
        session.data.caps = { announced, features: new Set(features), answered }
      })
      host.hook('presence/unavailable', ({ session }) => {
        delete session.data.caps
      })
    },
  })
}

/** XEP-0115 §6.3: the server's own capabilities; made when asked for, when all modules have registered. */
function announceServer(host: ModuleHost): void {
  host.feature(NS_CAPS)
  let made: { readonly info: readonly Element[]; readonly ver: string } | undefined
  const ver = () => {
    const info = host.need('disco').hostInfo()
    if (made?.info !== info) made = { info, ver: verificationHash(info) }
    return made.ver
  }
  host.hook('stream/features', ({ stream, features }) => {
    if (!stream.account) return
    features.push(element('c', NS_CAPS, { hash: 'sha-1', node: SERVER_NODE, ver: ver() }))
  })
  host.hook('disco/host-node', ({ node }) =>
    node === `${SERVER_NODE}#${ver()}` ? host.need('disco').hostInfo() : undefined,
  )
}

class KnownCapabilities {
  readonly #host: ModuleHost
  readonly #cachedMax: number
  /** Verified features by hash, least recently used first. */
  readonly #verified = new Map<string, ReadonlySet<string>>()
  /** Sessions that wait for somebody's answer, and how many were asked, by hash. */
  readonly #waiting = new Map<string, { readonly sessions: Set<Session>; asked: number }>()

  constructor(host: ModuleHost, cachedMax: number) {
    this.#host = host
    this.#cachedMax = cachedMax
  }

  /** Looks at the presence of a session. */
  announced(session: Session): void {
    const before = session.data.caps
    const announced = readAnnouncement(session.presence)
    if (!announced) {
      delete session.data.caps
      return
    }
    if (before?.announced.node === announced.node && before.announced.ver === announced.ver) return
    // What it could before counts until its new abilities are known.
    session.data.caps = { announced, features: before?.features ?? none, answered: false }
    const features = announced.key === undefined ? undefined : this.#recall(announced.key)
    if (features) this.#host.spawn(this.#learn(session, announced, features))
    else this.#ask(session, announced)
  }

  /** The question may have run out of time while the session had no stream. */
  resumed(session: Session): void {
    const known = session.data.caps
    if (known && !known.answered) this.#ask(session, known.announced)
  }

  #ask(session: Session, announced: Announcement): void {
    if (announced.key === undefined) {
      this.#host.spawn(this.#askSession(session, announced))
      return
    }
    const waiting = this.#waiting.get(announced.key) ?? { sessions: new Set<Session>(), asked: 0 }
    this.#waiting.set(announced.key, waiting)
    if (waiting.asked >= ASKED_AT_ONCE) {
      waiting.sessions.add(session)
      return
    }
    waiting.asked++
    this.#host.spawn(this.#askSession(session, announced).finally(() => this.#asked(announced.key ?? '')))
  }

  /** One question is over: whoever waits gets the answer, or is asked next. */
  #asked(key: string): void {
    const waiting = this.#waiting.get(key)
    if (!waiting) return
    waiting.asked--
    const features = this.#recall(key)
    for (const session of waiting.sessions) {
      if (!features && waiting.asked >= ASKED_AT_ONCE) return
      waiting.sessions.delete(session)
      const announced = session.data.caps?.announced
      if (session.closed || announced?.key !== key) continue
      if (features) this.#host.spawn(this.#learn(session, announced, features))
      else this.#ask(session, announced)
    }
    if (waiting.asked === 0 && waiting.sessions.size === 0) this.#waiting.delete(key)
  }

  async #askSession(session: Session, announced: Announcement): Promise<void> {
    const node = `${announced.node}#${announced.ver}`
    const answer = await this.#request(session, element('query', NS_DISCO_INFO, { node })) // XEP-0115 §6.2
    const query = answer?.child('query', NS_DISCO_INFO)
    if (!query) return
    const { features, ver } = readCapabilities(query)
    if (announced.key !== undefined && ver === announced.ver) this.#remember(announced.key, features)
    await this.#learn(session, announced, features)
  }

  /** A client that does not answer just stays without features. */
  async #request(session: Session, payload: Element): Promise<Element | undefined> {
    try {
      return await this.#host.request(session, payload)
    } catch (error) {
      if (error instanceof StanzaError) return undefined
      throw error
    }
  }

  async #learn(session: Session, announced: Announcement, features: ReadonlySet<string>): Promise<void> {
    const current = session.data.caps
    if (
      session.closed ||
      current?.announced.node !== announced.node ||
      current.announced.ver !== announced.ver
    )
      return
    session.data.caps = { announced, features, answered: true }
    await this.#host.fire('caps/known', { session, features, previous: current.features })
  }

  #recall(key: string): ReadonlySet<string> | undefined {
    const features = this.#verified.get(key)
    if (features) {
      this.#verified.delete(key)
      this.#verified.set(key, features)
    }
    return features
  }

  #remember(key: string, features: ReadonlySet<string>): void {
    this.#verified.set(key, features)
    for (const oldest of this.#verified.keys()) {
      if (this.#verified.size <= this.#cachedMax) return
      this.#verified.delete(oldest)
    }
  }
}

function readAnnouncement(presence: Element | undefined): Announcement | undefined {
  const c = presence?.child('c', NS_CAPS)
  const { node, ver, hash } = c?.attrs ?? {}
  if (node === undefined || ver === undefined) return undefined
  if (node.length > NODE_LENGTH_MAX || ver.length > VER_LENGTH_MAX) return undefined
  return { node, ver, key: hash === 'sha-1' ? ver : undefined }
}
