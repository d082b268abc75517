/** Lookups over HTTP/1.1 on bare sockets that are kept alive; of an answer the status and the length are read, and its bytes counted. */
import { connect, type Socket } from 'node:net'
import { CERTIFICATE_BYTES, DOMAIN, pathOf, type LookupKind } from './synthetic-certificates.ts'

export interface Wanted {
  readonly kind: LookupKind
  /** Lookups are of certificates 1 to this, at random. */
  readonly certificates: number
}

/** Paths made before, so that making them costs nothing while it is measured. */
const PATHS_MAX = 200_000
/** Clients that a proxy in front of the server tells of: the server bounds what one may ask in a minute. */
const CLIENTS = 16_384
const READ_BYTES = 64 * 1024

const HEAD_END = Buffer.from('\r\n\r\n')

/** One connection: at most one request under way. */
export class Asker {
  readonly #socket: Socket
  #done: (() => void) | undefined
  /** What came of a head that is not whole. */
  #head: Buffer | undefined
  #bodyLeft = -1

  private constructor(port: number, connected: () => void, failed: (error: Error) => void) {
    // One buffer for all that is read: garbage of the load would show as latency of the server.
    const buffer = Buffer.alloc(READ_BYTES)
    const read = (count: number): boolean => {
      this.#take(buffer.subarray(0, count))
      return true
    }
    this.#socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback: read } }, connected)
      .setNoDelay(true)
      .on('error', failed)
  }

  static async open(port: number): Promise<Asker> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const asker = new Asker(port, resolve, reject)
    await promise
    asker.#socket.on('close', () => {
      throw new Error('the server closed a connection')
    })
    return asker
  }

  ask(request: string, done: () => void): void {
    this.#done = done
    this.#socket.write(request, 'latin1')
  }

  end(): void {
    this.#socket.removeAllListeners('close').destroy()
  }

  #take(chunk: Buffer): void {
    let bytes = chunk
    if (this.#bodyLeft < 0) {
      const head = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk])
      const end = head.indexOf(HEAD_END)
      this.#head = end < 0 ? Buffer.from(head) : undefined
      if (end < 0) return
      this.#bodyLeft = checkHead(head.toString('latin1', 0, end))
      bytes = head.subarray(end + HEAD_END.length)
    }
    this.#bodyLeft -= bytes.length
    if (this.#bodyLeft > 0) return
    if (this.#bodyLeft < 0) throw new Error('more came than was asked for')
    this.#bodyLeft = -1
    this.#done?.()
  }
}

/** The length of the body; throws unless it is a certificate. */
function checkHead(head: string): number {
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1])
  if (!head.startsWith('HTTP/1.1 200 ') || length !== CERTIFICATE_BYTES)
    throw new Error(`an unexpected answer:\n${head}`)
  return length
}

/** Requests in an order of their own each time. */
export function requestMaker({ kind, certificates }: Wanted): () => string {
  const paths = Array.from({ length: Math.min(PATHS_MAX, certificates) }, () =>
    pathOf(kind, 1 + Math.floor(Math.random() * certificates)),
  )
  let client = 0
  return () => {
    client = (client + 1) % CLIENTS
    const path = paths[Math.floor(Math.random() * paths.length)] ?? ''
    return `GET ${path} HTTP/1.1\r\nHost: ${DOMAIN}\r\nX-Forwarded-For: 10.1.${String(client >> 8)}.${String(client & 255)}\r\n\r\n`
  }
}
