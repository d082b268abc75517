/** Talking to a server as a client does: over TCP, with TLS where it comes to that, and only for so long. */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { OperationalError } from '@sealpost/errors'

export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface TlsTrust {
  /** Whose certificate it must be. */
  readonly serverName: string
  /** Authorities besides those of the system, in PEM. */
  readonly ca: readonly string[]
}

/** A server that says more without coming to the point is not one of ours. */
const SAID_MAX = 64 * 1024

export class Conversation implements Disposable {
  #socket: Socket
  #said = ''
  #failure: Error | undefined
  #heard: (() => void) | undefined
  readonly #signal: AbortSignal

  private constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket
    this.#signal = signal
    signal.addEventListener('abort', () =>
      this.#fail(new OperationalError('PROBE_TIMEOUT', 'Nobody answered')),
    )
    this.#listen()
  }

  /** Rejects when nobody listens, or when the signal aborts first. */
  static async open({ host, port }: Endpoint, signal: AbortSignal): Promise<Conversation> {
    const socket = connectTcp({ host, port })
    const conversation = new Conversation(socket, signal)
    await conversation.#when(once(socket, 'connect'))
    return conversation
  }

  send(text: string | Buffer): void {
    this.#socket.write(text)
  }

  /** What has been said, once it matches; that much is forgotten then. */
  async until(wanted: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = wanted.exec(this.#said)
      if (match !== null) {
        this.#said = this.#said.slice(match.index + match[0].length)
        return match
      }
      if (this.#failure !== undefined) throw this.#failure
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#heard = resolve
      await promise
    }
  }

  /** Goes on in TLS, and believes the certificate only if it is valid for the name. */
  async secure({ serverName, ca }: TlsTrust, roots: readonly string[]): Promise<void> {
    this.#socket.removeAllListeners('data')
    const secured = connectTls({
      socket: this.#socket,
      servername: serverName,
      ca: [...roots, ...ca],
      minVersion: 'TLSv1.2',
    })
    this.#socket = secured
    this.#said = ''
    this.#listen()
    await this.#when(once(secured, 'secureConnect'))
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#said += chunk.toString('latin1')
      if (this.#said.length > SAID_MAX) this.#fail(new OperationalError('PROBE_ANSWER', 'Too much was said'))
      this.#heard?.()
    })
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new OperationalError('PROBE_CLOSED', 'The server went away')))
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#heard?.()
    this.#socket.destroy()
  }

  async #when(happened: Promise<unknown>): Promise<void> {
    try {
      await happened
    } catch (error) {
      throw this.#failure ?? error
    }
    if (this.#failure !== undefined) throw this.#failure
    this.#signal.throwIfAborted()
  }
}
