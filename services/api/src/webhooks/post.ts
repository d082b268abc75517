/** One attempt to deliver: a POST over https to a pinned address, without redirects, bounded in time; of the answer the status alone is looked at. */
import type { LookupFunction } from 'node:net'
import { isIPv6 } from 'node:net'
import { request } from 'node:https'
import { errorCode } from '@sealpost/errors'
import type { Clock } from '@sealpost/runtime'
import type { EndpointAddresses } from './endpoint-address.ts'

const TIMEOUT_MS = 15_000

/** `outcome`: the status as `status-500`, or a word for what kept the receiver from answering. */
export type PostResult =
  | { readonly result: 'delivered' }
  | { readonly result: 'gone' }
  | { readonly result: 'failed'; readonly outcome: string; readonly retryAfterMs: number | undefined }

export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface PostOptions {
  readonly addresses: EndpointAddresses
  readonly clock: Clock
  /** Breaks it off: we are stopping. */
  readonly signal: AbortSignal
}

/** Never throws. */
export async function postWebhook(
  post: Post,
  { addresses, clock, signal }: PostOptions,
): Promise<PostResult> {
  const late = new AbortController()
  using stack = new DisposableStack()
  stack.use(clock.after(TIMEOUT_MS, () => late.abort()))
  const failed = (outcome: string): PostResult => ({ result: 'failed', outcome, retryAfterMs: undefined })
  try {
    const url = new URL(post.url)
    const until = AbortSignal.any([signal, late.signal])
    const address = await orAbort(addresses.addressOf(url), until)
    if (address === undefined) return failed('address-refused')
    const { status, retryAfter } = await exchange(url, address, post, until)
    if (status >= 200 && status < 300) return { result: 'delivered' }
    if (status === 410) return { result: 'gone' }
    return {
      result: 'failed',
      outcome: `status-${String(status)}`,
      retryAfterMs: /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) * 1000 : undefined,
    }
  } catch (error) {
    if (late.signal.aborted) return failed('timeout')
    return failed(errorCode(error).toLowerCase().slice(0, 40))
  }
}

/** The resolver of the system cannot be broken off. */
async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = (): void => reject(signal.reason as Error)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function exchange(
  url: URL,
  address: string,
  { headers, body }: Post,
  signal: AbortSignal,
): Promise<{ status: number; retryAfter: string | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number
    retryAfter: string | undefined
  }>()
  const sent = request(
    url,
    { method: 'POST', headers, agent: false, lookup: pinned(address), signal, maxHeaderSize: 16_384 },
    (response) => {
      resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] })
      response.destroy() // What the receiver says besides is not for us.
    },
  )
  sent.on('error', reject)
  sent.end(body)
  return promise
}

/** Answers with the one address, whatever is asked for. */
function pinned(address: string): LookupFunction {
  const family = isIPv6(address) ? 6 : 4
  return (_host, options, done) => {
    if (options.all === true) done(null, [{ address, family }])
    else done(null, address, family)
  }
}
