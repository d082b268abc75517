/**
 * A proxy before Postgres that can hold a named statement on its way there, or its answer on the way back, for as long as the connection lasts. It reads the
 * messages of the protocol (version 3.0, Extended Query) and changes none.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'

/** `asked`: Postgres has not seen it; `answered`: it is committed, and whoever asked does not know. */
export type Moment = 'asked' | 'answered'

interface Trap {
  readonly statement: string
  /** `passed`: nothing is held. */
  readonly moment: Moment | 'passed'
  /** So many of them pass before. */
  passing: number
  readonly reached: () => void
}

export class PostgresGate implements AsyncDisposable {
  /** Of the same database, through the gate. */
  readonly url: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #trap: Trap | undefined

  private constructor(server: Server, url: string) {
    this.#server = server
    this.url = url
  }

  static async open(databaseUrl: string): Promise<PostgresGate> {
    const target = new URL(databaseUrl)
    const directory = target.searchParams.get('host')
    const port = Number(target.port === '' ? 5432 : target.port)
    const reach = (): Socket =>
      directory === null
        ? connect(port, target.hostname)
        : connect(join(directory, `.s.PGSQL.${String(port)}`))
    const server = createServer((client) => gate.#join(client, reach()))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = new URL(databaseUrl)
    url.searchParams.delete('host')
    url.host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`
    const gate: PostgresGate = new PostgresGate(server, url.href)
    return gate
  }

  /** Resolves when the statement, after so many that pass, is held. */
  hold(statement: string, moment: Moment, passing = 0): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#trap = { statement, moment, passing, reached: resolve }
    return promise
  }

  /** Resolves when the answer to the next statement of this name has passed. */
  passed(statement: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#trap = { statement, moment: 'passed', passing: 0, reached: resolve }
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(client: Socket, postgres: Socket): void {
    const [asked, answered] = [new Messages('untyped'), new Messages()]
    let trap: Trap | undefined
    client.on('data', (chunk: Buffer) => {
      for (const message of asked.read(chunk)) {
        if (trap === undefined) trap = this.#spring(message)
        if (trap?.moment !== 'asked') postgres.write(message)
        else trap.reached()
      }
    })
    postgres.on('data', (chunk: Buffer) => {
      for (const message of answered.read(chunk)) {
        if (trap?.moment !== 'answered') client.write(message)
        if (message[0] !== READY_FOR_QUERY) continue
        trap?.reached()
        if (trap?.moment === 'passed') trap = undefined
      }
    })
    for (const [socket, other] of [
      [client, postgres],
      [postgres, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }

  /** The trap, if this is the statement that it waits for; it waits no more. */
  #spring(message: Buffer): Trap | undefined {
    const trap = this.#trap
    if (trap === undefined || statementOf(message) !== trap.statement) return undefined
    if (trap.passing-- > 0) return undefined
    this.#trap = undefined
    return trap
  }
}

const BIND = 0x42
const READY_FOR_QUERY = 0x5a

/** Bind: name of the portal, name of the statement. */
function statementOf(message: Buffer): string | undefined {
  if (message[0] !== BIND) return undefined
  const begin = message.indexOf(0, 5) + 1
  return message.toString('utf8', begin, message.indexOf(0, begin))
}

/** Cuts a stream into messages: a type, then the length of all that follows it. The first of a client has no type. */
class Messages {
  #rest = Buffer.alloc(0)
  #typeBytes: number

  constructor(first?: 'untyped') {
    this.#typeBytes = first === 'untyped' ? 0 : 1
  }

  *read(chunk: Buffer): Generator<Buffer> {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= this.#typeBytes + 4) {
      const bytes = this.#typeBytes + this.#rest.readUInt32BE(this.#typeBytes)
      if (this.#rest.length < bytes) return
      yield this.#rest.subarray(0, bytes)
      this.#rest = this.#rest.subarray(bytes)
      this.#typeBytes = 1
    }
  }
}
