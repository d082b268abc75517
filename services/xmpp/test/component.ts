/** A raw external component for tests (XEP-0114): XML in, XML out, over a real socket. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { type Element, NS_COMPONENT, NS_STREAM, NS_STREAMS, StreamParser } from '@sealpost/stanza'

/** How long anything expected may take. */
const PATIENCE_MS = 20_000
const STREAM_MAX = 1024 * 1024

interface Waiting {
  readonly wanted: (element: Element) => boolean
  readonly resolve: (element: Element) => void
}

export class TestComponent implements AsyncDisposable {
  readonly domain: string
  /** Everything received and not yet asked for, in order. */
  readonly inbox: Element[] = []
  /** The server's stream header. */
  header: Element | undefined
  readonly #socket: Socket
  readonly #ended = Promise.withResolvers<void>()
  #waiting: Waiting[] = []
  #ids = 0

  private constructor(socket: Socket, domain: string) {
    this.#socket = socket
    this.domain = domain
    const parser = new StreamParser(
      {
        onHeader: (header) => void (this.header = header),
        onElement: (element) => this.#onElement(element),
        onClose: () => undefined,
      },
      STREAM_MAX,
    )
    socket.on('data', (chunk: Buffer) => void parser.write(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#ended.resolve())
  }

  /** Connects and sends a stream header. */
  static async open(port: number, domain: string, namespace = NS_COMPONENT): Promise<TestComponent> {
    const socket = connectTcp({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    const component = new TestComponent(socket, domain)
    component.sends(`<stream:stream xmlns='${namespace}' xmlns:stream='${NS_STREAM}' to='${domain}'>`)
    return component
  }

  /** Connects and shakes hands. */
  static async connect(port: number, domain: string, secret: string): Promise<TestComponent> {
    const component = await TestComponent.open(port, domain)
    await component.shakeHands(secret)
    await component.next(({ name }) => name === 'handshake')
    return component
  }

  /** XEP-0114 §3 */
  async shakeHands(secret: string): Promise<void> {
    while (!this.header) await once(this.#socket, 'data')
    const hash = createHash('sha1')
      .update((this.header.attrs['id'] ?? '') + secret)
      .digest('hex')
    this.sends(`<handshake>${hash}</handshake>`)
  }

  sends(xml: string): void {
    this.#socket.write(xml)
  }

  /** An IQ request as somebody of the domain; resolves with its answer. */
  async request(type: 'get' | 'set', payload: string, to: string, from = this.domain): Promise<Element> {
    const id = `c${++this.#ids}`
    this.sends(`<iq type='${type}' id='${id}' from='${from}' to='${to}'>${payload}</iq>`)
    return this.next((element) => element.name === 'iq' && element.attrs['id'] === id)
  }

  /** The next element that fits, from those received or to come; others stay for later. */
  next(wanted: (element: Element) => boolean, patienceMs = PATIENCE_MS): Promise<Element> {
    const index = this.inbox.findIndex(wanted)
    const [found] = index < 0 ? [] : this.inbox.splice(index, 1)
    if (found) return Promise.resolve(found)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting)
        reject(new Error(`nothing that fits; unread: ${this.inbox.join('') || 'nothing'}`))
      }, patienceMs)
      const waiting: Waiting = {
        wanted,
        resolve: (element) => {
          clearTimeout(timer)
          resolve(element)
        },
      }
      this.#waiting.push(waiting)
    })
  }

  /** Answers an IQ request with a result. */
  answer({ attrs: { id, from, to } }: Element): void {
    this.sends(`<iq type='result' id='${id}' from='${to}' to='${from}'/>`)
  }

  /** The same with an error. */
  refuse({ attrs: { id, from, to } }: Element, type: string, condition: string): void {
    this.sends(
      `<iq type='error' id='${id}' from='${to}' to='${from}'><error type='${type}'>` +
        `<${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    )
  }

  /** The stream error that ends the stream. */
  async streamError(): Promise<string> {
    const error = await this.next((element) => element.is('error', NS_STREAM))
    await this.ended()
    return error.elements().find((each) => each.ns === NS_STREAMS)?.name ?? ''
  }

  ended(): Promise<void> {
    return this.#ended.promise
  }

  async close(): Promise<void> {
    this.sends('</stream:stream>')
    await this.ended()
  }

  pauseReading(): void {
    this.#socket.pause()
  }

  resumeReading(): void {
    this.#socket.resume()
  }

  #onElement(element: Element): void {
    const index = this.#waiting.findIndex(({ wanted }) => wanted(element))
    const [waiting] = index < 0 ? [] : this.#waiting.splice(index, 1)
    if (waiting) waiting.resolve(element)
    else this.inbox.push(element)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
    await this.ended()
  }
}
