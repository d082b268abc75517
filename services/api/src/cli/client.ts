/** The HTTP client of `ctl`: over the control socket of a data directory, or to a server elsewhere with an API key. */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { OperationalError } from '@sealpost/errors'
import type { Clock } from '@sealpost/runtime'

export type Target =
  | { readonly socketPath: string }
  | { readonly url: URL; readonly key: string | undefined; readonly ca: string | undefined }

/** The server refused or could not be reached: exit code 1. */
export class RefusedError extends OperationalError {
  override readonly name = 'RefusedError'
  /** The problem that the server answered with (RFC 9457), if it was the server. */
  readonly problem: unknown

  constructor(message: string, problem?: unknown) {
    super('REFUSED', message)
    this.problem = problem
  }
}

export interface Request {
  readonly method: string
  readonly path: string
  readonly body: Record<string, unknown> | undefined
  /** A file in place of the body, and its type. */
  readonly content: AsyncIterable<Uint8Array> | undefined
  readonly contentType: string | undefined
  /** Why, for the audit log. */
  readonly reason?: string | undefined
}

export type OnProgress = (counts: Readonly<Record<string, number>>) => void

const NDJSON = 'application/x-ndjson'
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

/** Sends a request and answers with the parsed result. Throws RefusedError. */
export async function send(target: Target, request: Request, onProgress: OnProgress): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const sent = open(target, request, resolve)
  sent.on('error', reject)
  let uploading: Promise<void> = Promise.resolve()
  if (request.content === undefined)
    sent.end(request.body === undefined ? undefined : JSON.stringify(request.body))
  else uploading = pipeline(request.content, sent)
  try {
    // An early refusal may break the upload off: the answer counts, if there is one.
    const response = await Promise.race([promise, uploading.then(() => promise)])
    return await readAnswer(response, onProgress)
  } catch (error) {
    throw toRefused(error)
  } finally {
    uploading.catch(() => undefined)
    sent.destroy()
  }
}

const ASK_AGAIN_SECONDS_MAX = 120
const ASK_TRIES_MAX = 20

/** Gets what is at a path, whatever the status, and bounded. Waits when the server says that this is too fast. Throws RefusedError. */
export async function ask(
  target: Target,
  path: string,
  bytesMax: number,
  clock: Pick<Clock, 'after'>,
): Promise<{ status: number; body: Buffer }> {
  for (let tries = 1; ; tries += 1) {
    const { status, body, retryAfter } = await get(target, path, bytesMax)
    if (status !== 429 || tries === ASK_TRIES_MAX) return { status, body }
    const seconds = Math.min(ASK_AGAIN_SECONDS_MAX, Math.max(1, Number(retryAfter) || 1))
    await new Promise<void>((resolve) => void clock.after(seconds * 1000, resolve))
  }
}

async function get(
  target: Target,
  path: string,
  bytesMax: number,
): Promise<{ status: number; body: Buffer; retryAfter: string | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const sent = open(
    target,
    { method: 'GET', path, body: undefined, content: undefined, contentType: undefined },
    resolve,
  )
  sent.on('error', reject)
  sent.end()
  try {
    const response = await promise
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > bytesMax) throw new RefusedError('The answer is too long')
    }
    return {
      status: response.statusCode ?? 0,
      body: Buffer.concat(chunks),
      retryAfter: response.headers['retry-after'],
    }
  } catch (error) {
    throw toRefused(error)
  } finally {
    sent.destroy()
  }
}

/** Sends bytes and answers with what is answered, whatever the status. Throws RefusedError. */
export async function post(
  target: Target,
  path: string,
  body: Buffer,
): Promise<{ readonly status: number; readonly answer: unknown }> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const contentType = 'application/octet-stream'
  const sent = open(
    target,
    { method: 'POST', path, body: undefined, content: undefined, contentType },
    resolve,
  )
  sent.on('error', reject)
  sent.end(body)
  try {
    const response = await promise
    return { status: response.statusCode ?? 0, answer: parse(await readText(response)) }
  } catch (error) {
    throw toRefused(error)
  } finally {
    sent.destroy()
  }
}

function open(target: Target, request: Request, onResponse: (response: IncomingMessage) => void) {
  const headers: Record<string, string> = {
    accept: request.content === undefined ? 'application/json' : NDJSON,
  }
  if (request.reason !== undefined) headers['sealpost-reason'] = encodeURIComponent(request.reason)
  if (request.body !== undefined) headers['content-type'] = 'application/json'
  if (request.contentType !== undefined) headers['content-type'] = request.contentType
  const options: RequestOptions = { method: request.method, path: request.path, headers, agent: false }
  if ('socketPath' in target)
    return httpRequest({ ...options, socketPath: target.socketPath, host: 'localhost' }, onResponse)
  const { url, key, ca } = target
  if (key !== undefined) headers['authorization'] = `Bearer ${key}`
  if (url.protocol === 'http:') return httpRequest(url, { ...options, path: request.path }, onResponse)
  return httpsRequest(url, { ...options, ...(ca === undefined ? {} : { ca }) }, onResponse)
}

async function readAnswer(response: IncomingMessage, onProgress: OnProgress): Promise<unknown> {
  const isFile = response.headers['content-disposition'] !== undefined
  if (!isFile && response.headers['content-type']?.startsWith(NDJSON) === true)
    return readLines(response, onProgress)
  const [text, status] = [await readText(response), response.statusCode ?? 0]
  const answer = isFile ? text : parse(text)
  if (status >= 200 && status < 300) return answer
  throw refusal(answer, status)
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response as AsyncIterable<string>) {
    text += chunk
    if (text.length > ANSWER_BYTES_MAX) throw new RefusedError('The answer is too long')
  }
  return text
}

interface ProgressLine {
  readonly progress?: Readonly<Record<string, number>>
  readonly result?: unknown
  readonly problem?: unknown
}

/** Reads to the end of the answer, so that breaking it off is never the rule. */
async function readLines(response: IncomingMessage, onProgress: OnProgress): Promise<unknown> {
  let last: ProgressLine = {}
  let rest = ''
  response.setEncoding('utf8')
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > ANSWER_BYTES_MAX) throw new RefusedError('The answer is too long')
    for (const line of lines) {
      last = parse(line) as ProgressLine
      if (last.progress !== undefined) onProgress(last.progress)
    }
  }
  if (last.problem !== undefined) throw refusal(last.problem, 500)
  if (last.result !== undefined) return last.result
  throw new RefusedError('The answer broke off; repeating the command creates what is missing')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new RefusedError('The server did not answer with JSON: is it a Sealpost?')
  }
}

interface Problem {
  readonly title?: unknown
  readonly errors?: readonly { readonly pointer?: unknown; readonly detail?: unknown }[]
  readonly scopes?: readonly unknown[]
}

function refusal(answer: unknown, status: number): RefusedError {
  const { title, errors, scopes } = answer as Problem
  const text = typeof title === 'string' ? title : `The server answered with ${String(status)}`
  const details = (errors ?? []).map(({ pointer, detail }) => `\n  ${String(pointer)} ${String(detail)}`)
  const missing = scopes === undefined ? '' : `: ${scopes.join(', ')}`
  return new RefusedError(`${text}${missing}${details.join('')}`, answer)
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No server is running on this data directory (no ctl.sock)',
  ECONNREFUSED: 'Nobody listens there: the server is not running',
  EACCES: 'The control socket belongs to another user: run ctl as the user of the server',
  ENOTFOUND: 'There is no such host',
  SELF_SIGNED_CERT_IN_CHAIN:
    'The certificate comes from an unknown authority: give its certificate with --ca-file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'The certificate comes from an unknown authority: give its certificate with --ca-file',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate is signed by itself: give it with --ca-file',
}

function toRefused(error: unknown): Error {
  if (error instanceof RefusedError) return error
  const { code, message } = error as NodeJS.ErrnoException
  return new RefusedError(REASONS[code ?? ''] ?? `The server cannot be reached: ${code ?? message}`)
}
