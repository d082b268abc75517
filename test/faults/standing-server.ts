/** A mail server that stands still where the test wants it to, once: before its greeting, in the middle of a mail, or when it has a mail and has not said so. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'

export type Standing = 'greeting' | 'body' | 'answer'

export class StandingServer implements AsyncDisposable {
  /** Those that it has whole. */
  readonly mails: string[] = []
  /** How RCPT is answered instead of 250. */
  refuse: ((address: string) => { readonly code: number; readonly text: string } | undefined) | undefined
  readonly #server: SMTPServer
  #stands: { readonly at: Standing; readonly reached: () => void } | undefined

  private constructor(lmtp: boolean) {
    this.#server = new SMTPServer({
      lmtp,
      hideSTARTTLS: true,
      authOptional: true,
      disableReverseLookup: true,
      closeTimeout: 100, // what stands would stand for longer
      onConnect: (_session, callback) => {
        if (!this.#standsAt('greeting')) callback()
      },
      onRcptTo: ({ address }, _session, callback) => {
        const refusal = this.refuse?.(address)
        callback(refusal && Object.assign(new Error(refusal.text), { responseCode: refusal.code }))
      },
      onData: (stream, _session, callback) => {
        if (!this.#standsAt('body')) void this.#take(stream, callback)
      },
    })
    this.#server.on('error', () => undefined) // the relay was killed
  }

  static async open({ lmtp = false } = {}): Promise<StandingServer> {
    const server = new StandingServer(lmtp)
    await once(server.#server.listen(0, '127.0.0.1'), 'listening')
    return server
  }

  get place(): string {
    return `127.0.0.1:${String((this.#server.server.address() as AddressInfo).port)}`
  }

  /** Resolves when it stands there. Later ones are served again. */
  stand(at: Standing): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#stands = { at, reached: resolve }
    return promise
  }

  #standsAt(at: Standing): boolean {
    if (this.#stands?.at !== at) return false
    this.#stands.reached()
    this.#stands = undefined
    return true
  }

  async #take(stream: Readable, callback: () => void): Promise<void> {
    try {
      this.mails.push(await text(stream))
    } catch {
      return // cut off: not taken
    }
    if (!this.#standsAt('answer')) callback()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(resolve))
  }
}
