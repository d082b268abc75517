/**
 * Uploaded files over HTTP: PUT into a slot (XEP-0363 §7), GET and HEAD with one range (RFC 9110 §14), DELETE by who has the slot's token. A file is opaque: no name, no
 * media type but octets, never shown by a browser. The last part of the path is for clients, and is not looked at.
 */
import { once } from 'node:events'
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, HttpProblem } from '@sealpost/http'
import { clientNetwork, Places } from '@sealpost/runtime'
import { UploadError, type UploadErrorCode } from '../modules/upload/upload-error.ts'
import { UPLOAD_PATH } from '../modules/upload/upload.ts'
import type { Upload, Uploads } from '../modules/upload/uploads.ts'

/** A peer that neither sends nor takes a byte for so long is gone. */
const STALL_MS = 60_000
/** Downloads at a time, each of which holds two chunks: of all, and of one client (of an IPv6 address its /64), who may be slow to take them. */
const SENDING_MAX = 512
const CLIENT_SENDING_MAX = 64
/** Of a body that is refused, so much is read, so that its sender sees the answer; with more the connection is closed. */
const DISCARD_BYTES_MAX = 1024 * 1024
const PREFLIGHT_SECONDS = 86_400

/** XEP-0363 §8: for clients that are pages of other hosts. */
const CROSS_ORIGIN = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'OPTIONS, HEAD, GET, PUT, DELETE',
  'access-control-allow-headers': 'Authorization, Content-Type, Range',
  'access-control-expose-headers': 'Content-Range, ETag',
  'cross-origin-resource-policy': 'cross-origin',
} as const

/** XEP-0363 §9.1: nothing in a file runs in the name of this server; nothing of it stays elsewhere when it is deleted. */
const OPAQUE = {
  'accept-ranges': 'bytes',
  'cache-control': 'private, no-store',
  'content-disposition': 'attachment',
  'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
  'content-type': 'application/octet-stream',
} as const

const STATUS: Readonly<Record<UploadErrorCode, number>> = {
  UPLOAD_UNKNOWN: 404,
  UPLOAD_FORBIDDEN: 403,
  UPLOAD_DONE: 409,
  UPLOAD_LENGTH: 400,
  UPLOAD_TYPE: 415,
  UPLOAD_BROKEN: 400,
  UPLOAD_BUSY: 503,
  UPLOAD_FULL: 507,
  UPLOAD_UNAVAILABLE: 503,
}

interface UploadRoute {
  Params: { readonly address: string; readonly name: string }
}

export async function uploadRoutes(app: FastifyInstance, uploads: Uploads): Promise<void> {
  await app.register(async (scope) => {
    // Bodies are taken as they come, whatever they are called.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.addHook('onRequest', async (_request, reply) => void reply.headers(CROSS_ORIGIN))
    const url = `${UPLOAD_PATH}/:address/:name`
    const options = { schema: { hide: true }, config: { slowBody: true } } as const
    const download = new Downloads(uploads)
    scope.options<UploadRoute>(url, options, (_request, reply) =>
      reply.header('access-control-max-age', PREFLIGHT_SECONDS).code(204).send(),
    )
    scope.put<UploadRoute>(url, options, (request, reply) => receive(uploads, request, reply))
    scope.get<UploadRoute>(url, { ...options, exposeHeadRoute: false }, (request, reply) =>
      download.answer(request, reply),
    )
    scope.head<UploadRoute>(url, options, (request, reply) => download.answer(request, reply))
    scope.delete<UploadRoute>(url, options, async (request, reply) => {
      await inHttp(() => uploads.delete(request.params.address, tokenOf(request)))
      return reply.code(204).send()
    })
    await Promise.resolve()
  })
}

async function receive(
  uploads: Uploads,
  request: FastifyRequest<UploadRoute>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const length = request.headers['content-length']
  const bytes = length === undefined ? undefined : Number(length)
  if (bytes === undefined)
    throw closing(reply, new HttpProblem(411, 'upload-length', 'The length must be said'))
  const claim = {
    address: request.params.address,
    ownerToken: tokenOf(request),
    bytes,
    contentType: request.headers['content-type'],
  }
  request.raw.setTimeout(STALL_MS)
  try {
    await inHttp(() => uploads.receive(claim, request.raw))
  } catch (error) {
    if (bytes > DISCARD_BYTES_MAX) throw closing(reply, error)
    request.raw.resume() // the next request on this connection is behind it
    throw error
  }
  return reply.code(201).header('location', request.url).send()
}

function closing(reply: FastifyReply, error: unknown): unknown {
  void reply.header('connection', 'close')
  return error
}

/** RFC 6750 §2.1; empty when there is none, which is nobody's. */
function tokenOf({ headers }: FastifyRequest<UploadRoute>): string {
  return /^Bearer ([\w-]{1,128})$/i.exec(headers.authorization ?? '')?.[1] ?? ''
}

async function inHttp<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof UploadError ? problemOf(error) : error
  }
}

function problemOf({ code, message }: UploadError): HttpProblem {
  return new HttpProblem(STATUS[code], code.toLowerCase().replaceAll('_', '-'), message)
}

interface Part {
  readonly first: number
  readonly last: number
}

/** GET and HEAD. */
class Downloads {
  readonly #uploads: Uploads
  /** So that a client who takes its files a byte at a time keeps nobody else from theirs. */
  readonly #places = new Places({ max: SENDING_MAX, keyMax: CLIENT_SENDING_MAX })

  constructor(uploads: Uploads) {
    this.#uploads = uploads
  }

  async answer(request: FastifyRequest<UploadRoute>, reply: FastifyReply): Promise<FastifyReply> {
    const upload = await inHttp(() => this.#uploads.find(request.params.address))
    if (upload === undefined) throw problemOf(new UploadError('UPLOAD_UNKNOWN'))
    const etag = `"${upload.addressHash.toString('base64url')}"`
    void reply.headers({ ...OPAQUE, etag })
    const part = partOf(request, upload.bytes, etag)
    if (part === 'none') {
      void reply.header('content-range', `bytes */${String(upload.bytes)}`)
      throw new HttpProblem(416, 'upload-range', 'The file has no such part')
    }
    const { first, last } = part ?? { first: 0, last: upload.bytes - 1 }
    void reply.header('content-length', last - first + 1)
    if (part !== undefined)
      void reply
        .code(206)
        .header('content-range', `bytes ${String(first)}-${String(last)}/${String(upload.bytes)}`)
    if (request.method === 'HEAD') return reply.send()
    const place = this.#places.take(clientNetwork(request.ip))
    if (place === undefined) throw problemOf(new UploadError('UPLOAD_BUSY'))
    reply.raw.once('close', () => place[Symbol.dispose]())
    return this.#send(upload, { first, last }, reply)
  }

  async #send(upload: Upload, { first, last }: Part, reply: FastifyReply): Promise<FastifyReply> {
    const { raw } = reply
    raw.setTimeout(STALL_MS)
    const isWhole = first === 0 && last === upload.bytes - 1
    if (isWhole) raw.once('finish', () => this.#uploads.fetched(upload))
    reply.hijack()
    raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders)
    await pump(this.#uploads.read(upload, first, last), raw)
    return reply
  }
}

/** A piece is asked for once the one before has gone out; what breaks off, or cannot be read, ends the connection. */
async function pump(pieces: AsyncIterable<Buffer>, response: ServerResponse): Promise<void> {
  const gone = once(response, 'close').then(() => {
    throw new UploadError('UPLOAD_BROKEN')
  })
  gone.catch(() => undefined) // also when all is well
  try {
    for await (const piece of pieces) await Promise.race([sent(response, piece), gone])
    response.end()
  } catch {
    response.destroy()
  }
}

function sent(response: ServerResponse, piece: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  response.write(piece, (error) => (error ? reject(error) : resolve()))
  return promise
}

/** RFC 9110 §14.2: undefined: the whole file; `none`: it cannot be satisfied. Several ranges are answered with the whole. */
function partOf({ headers }: FastifyRequest, bytes: number, etag: string): Part | 'none' | undefined {
  const { range, 'if-range': condition } = headers
  if (range === undefined || (condition !== undefined && condition !== etag)) return undefined
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(range) ?? []
  if (from === '' && to === '') return undefined
  if (from === '') return suffix(Number(to), bytes)
  const first = Number(from)
  const last = to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1)
  if (to !== '' && Number(to) < first) return undefined // RFC 9110 §14.1.1: not a range
  return first >= bytes ? 'none' : { first, last }
}

function suffix(length: number, bytes: number): Part | 'none' {
  return length === 0 ? 'none' : { first: Math.max(0, bytes - length), last: bytes - 1 }
}
