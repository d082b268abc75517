/**
 * People who are here and acknowledge nothing, neither a message nor an answer of the server, and whose connection is lost: their sessions wait for them, at a clean stop in the
 * sealed store (XEP-0198 §5, docs/delivery.md). Then every second one is resumed, takes both, and ends; at the next stop the others still wait.
 */
import type { TestClient } from '../../services/xmpp/test/client.ts'
import { encrypted, type Chat } from './chat.ts'
import type { Ledger } from './ledger.ts'

const COUNT = 8
const NAMES = Array.from({ length: COUNT }, (_, index) => `sitter${String(index)}`)

interface Session {
  readonly name: string
  readonly previd: string
  readonly lost: TestClient
  /** Id and text of the message. */
  readonly message: string
  /** What nothing but the record of the session has: its resource, and the id of the server's answer. */
  readonly own: readonly string[]
}

export class Sessions {
  static readonly NAMES = NAMES
  readonly #chat: Chat
  readonly #ledger: Ledger
  readonly #sessions: Session[] = []

  constructor(chat: Chat, ledger: Ledger) {
    this.#chat = chat
    this.#ledger = ledger
  }

  /** What records of sessions have in them that were resumed. */
  get resumed(): ReadonlySet<string> {
    return new Set(this.#sessions.filter(isResumed).flatMap(({ own }) => own))
  }

  /** Messages of the others. */
  get waiting(): number {
    return this.#sessions.length - this.#sessions.filter(isResumed).length
  }

  async lose(): Promise<void> {
    const writer = await this.#chat.signIn('writer')
    for (const name of NAMES) this.#sessions.push(await this.#lose(name, writer))
    await writer.safeUpTo(NAMES.length + 1) // and its presence: the messages are sealed
    await writer.close()
  }

  async #lose(name: string, writer: TestClient): Promise<Session> {
    const [message, resource, id] = [this.#ledger.plant(), this.#ledger.plant(), this.#ledger.plant()]
    const lost = await this.#chat.authenticate(name)
    await lost.bind(resource)
    const previd = (await lost.enableStreamManagement()) ?? ''
    lost.sends(`<presence/><iq type='get' id='${id}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await lost.next(({ attrs }) => attrs['id'] === id)
    writer.sends(encrypted(lost.jid, message, 0))
    await lost.next(({ attrs }) => attrs['id'] === message)
    await lost.drop()
    lost.received = 0 // as if none had arrived
    return { name, previd, lost, message, own: [resource, id] }
  }

  async resumeSome(): Promise<void> {
    for (const { name, previd, lost, message, own } of this.#sessions.filter(isResumed)) {
      const client = await this.#chat.authenticate(name)
      const answer = await client.resume(previd, lost)
      if (answer.name !== 'resumed') throw new Error(`not resumed: ${String(answer)}`)
      for (const id of [own[1], message]) await client.next(({ attrs }) => attrs['id'] === id)
      client.acknowledge()
      await client.close()
      for (const text of [message, ...own]) this.#ledger.isGone(text)
    }
  }
}

const isResumed = (_: Session, index: number): boolean => index % 2 === 0
