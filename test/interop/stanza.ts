/** A device that runs the JavaScript library stanza, over WebSocket, and a wire to it that can be cut. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createClient, type Agent } from 'stanza'
import { Transcript } from './transcript.ts'
import { DOMAIN, type Person } from './xmpp-js.ts'

const WAIT_MS = 20_000

/** Leads a port of its own to one of the server. */
export class Wire implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  static async lead(port: number): Promise<Wire> {
    const server = createServer()
    const wire = new Wire(server)
    server.on('connection', (near) => {
      const far = connect(port, '127.0.0.1')
      for (const socket of [near, far]) {
        wire.#sockets.add(socket)
        socket.on('error', () => undefined).on('close', () => wire.#sockets.delete(socket))
      }
      near.pipe(far).pipe(near)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return wire
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Cuts every connection without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.cut()
    await once(this.#server, 'close')
  }
}

export class StanzaDevice {
  readonly person: Person
  readonly client: Agent
  /** Ids of the messages received that are encrypted, in order. */
  readonly ids: (string | undefined)[] = []
  /** Ids that the server has acknowledged (XEP-0198). */
  readonly acknowledged: (string | undefined)[] = []
  /** Conditions of the errors that messages came back with. */
  readonly refusals: (string | undefined)[] = []
  mechanism: string | undefined
  /** How often a session was begun and resumed. */
  readonly sessions = { begun: 0, resumed: 0 }

  constructor(person: Person, resource: string, port: number) {
    this.person = person
    const transcript = new Transcript(`stanza ${person.username}/${resource}`, [person.password])
    this.client = createClient({
      jid: person.jid,
      password: person.password,
      server: DOMAIN,
      autoReconnect: true,
      resource,
      transports: { websocket: `wss://localhost:${port}/xmpp-websocket`, bosh: false },
    })
    this.client.on('raw:incoming', (data) => transcript.add('<', data))
    this.client.on('raw:outgoing', (data) => {
      transcript.add('>', data)
      this.mechanism = /<auth [^>]*mechanism="([^"]+)"/.exec(data)?.[1] ?? this.mechanism
    })
    this.client.on('session:started', () => void this.sessions.begun++)
    this.client.on('stream:management:resumed', () => void this.sessions.resumed++)
    this.client.on('message', (message) => {
      if (message.omemo !== undefined) this.ids.push(message.id)
    })
    this.client.on('message:error', (message) => this.refusals.push(message.error?.condition))
    this.client.on('message:acked', (message) => this.acknowledged.push(message.id))
  }

  /** Connects, signs in, says that it is available. */
  static async online(person: Person, resource: string, port: number): Promise<StanzaDevice> {
    const device = new StanzaDevice(person, resource, port)
    device.client.connect()
    await device.until(() => device.sessions.begun === 1, 'the session')
    device.client.sendPresence()
    await device.client.ping(DOMAIN)
    return device
  }

  /** Sends what an OMEMO client sends, as far as a server can see. */
  sendEncrypted(to: string, id: string): void {
    const key = (rid: number) => ({ rid, value: randomBytes(45) })
    this.client.sendMessage({
      to,
      id,
      type: 'chat',
      omemo: {
        header: { sid: 1_234_567, iv: randomBytes(12), keys: [key(2_345_678), key(3_456_789)] },
        payload: randomBytes(40),
      },
      processingHints: { store: true },
    })
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    for (const deadline = Date.now() + WAIT_MS; !condition();) {
      if (Date.now() > deadline)
        throw new Error(`stanza of ${this.person.username}: waited in vain for ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Closes the stream and goes away. */
  leave(): void {
    this.client.disconnect()
  }
}
