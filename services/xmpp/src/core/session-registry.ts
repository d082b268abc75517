/** Who is here: sessions by account and resource. Hibernated sessions are in it until they time out. */
import type { Jid } from '@sealpost/jid'
import type { Session } from './session.ts'

const NOBODY: readonly Session[] = []

export class SessionRegistry {
  readonly #byAccount = new Map<string, Map<string, Session>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The session of exactly this full JID. */
  find(jid: Jid): Session | undefined {
    return this.#byAccount.get(jid.bare.toString())?.get(jid.resource)
  }

  /** All sessions of the account of this JID, hibernated ones included. */
  of(jid: Jid): Session[] {
    const sessions = this.#byAccount.get(jid.bare.toString())
    return sessions ? [...sessions.values()] : []
  }

  /** The same without some. */
  others(jid: Jid, except: readonly (Session | undefined)[]): readonly Session[] {
    const sessions = this.#byAccount.get(jid.bare.toString())
    if (!sessions) return NOBODY
    let others: Session[] | undefined
    for (const session of sessions.values()) if (!except.includes(session)) (others ??= []).push(session)
    return others ?? NOBODY
  }

  /** The sessions of that account that have sent presence (RFC 6121 §4.2). */
  available(jid: Jid): Session[] {
    return this.of(jid).filter((session) => session.presence !== undefined)
  }

  add(session: Session): void {
    const key = session.jid.bare.toString()
    let sessions = this.#byAccount.get(key)
    if (!sessions) this.#byAccount.set(key, (sessions = new Map<string, Session>()))
    if (!sessions.has(session.jid.resource)) this.#size++
    sessions.set(session.jid.resource, session)
  }

  /** Removes this very session; a newer one under the same full JID stays. */
  remove(session: Session): void {
    const key = session.jid.bare.toString()
    const sessions = this.#byAccount.get(key)
    if (sessions?.get(session.jid.resource) !== session) return
    sessions.delete(session.jid.resource)
    this.#size--
    if (sessions.size === 0) this.#byAccount.delete(key)
  }

  /** Everybody, in a list of its own. */
  all(): Session[] {
    return [...this.#byAccount.values()].flatMap((sessions) => [...sessions.values()])
  }
}
