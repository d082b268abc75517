/** Asking another process: JSON over HTTP with the deployment's secret, bounded in time and bytes. */
import { PortError } from './port-error.ts'
import type { PortSecret } from './port-secret.ts'

export interface PortClientOptions {
  /** Origin of the other service's HTTP listener; undefined: there is none, and every question is answered with PORT_UNREACHABLE. */
  readonly url: URL | undefined
  readonly secret: PortSecret
  /** Hears every failure, which whoever asked gets as well. */
  readonly onError: (error: PortError) => void
  /** How long an answer may take; 5 seconds unless told. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 5_000
const ANSWER_BYTES_MAX = 1024 * 1024

export interface Question {
  readonly method: 'GET' | 'DELETE' | 'POST'
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>>
  /** 1 MiB unless told. */
  readonly answerBytesMax?: number
}

/** What `read` makes of the answer; it throws PORT_FAILED for one that nobody understands. */
export async function askPort<T>(
  options: PortClientOptions,
  question: Question,
  read: (answer: unknown) => T,
): Promise<T> {
  try {
    return read(await exchange(options, question))
  } catch (error) {
    if (error instanceof PortError) options.onError(error)
    throw error
  }
}

async function exchange(
  options: PortClientOptions,
  { method, path, body, answerBytesMax = ANSWER_BYTES_MAX }: Question,
): Promise<unknown> {
  const { url, secret, timeoutMs = TIMEOUT_MS } = options
  if (url === undefined) throw new PortError('PORT_UNREACHABLE')
  const headers = { authorization: secret.authorization, accept: 'application/json' }
  const init: RequestInit = {
    method,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  }
  const answer = await fetchBounded(new URL(path, url), init, answerBytesMax)
  if (answer.status === 401) throw new PortError('PORT_REFUSED')
  if (answer.status !== 200) throw new PortError('PORT_FAILED')
  return parse(answer.body)
}

async function fetchBounded(
  url: URL,
  init: RequestInit,
  bytesMax: number,
): Promise<{ status: number; body: string }> {
  try {
    const response = await fetch(url, init)
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength
      if (bytes > bytesMax) throw new PortError('PORT_FAILED') // leaving the loop breaks the answer off
      chunks.push(chunk)
    }
    return { status: response.status, body: Buffer.concat(chunks).toString('utf8') }
  } catch (error) {
    if (error instanceof PortError) throw error
    throw new PortError('PORT_UNREACHABLE', { cause: error })
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    throw new PortError('PORT_FAILED')
  }
}
