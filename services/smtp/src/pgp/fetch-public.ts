/**
 * One file from a server that a stranger's address names, or to it: by HTTPS, from public addresses alone, following nobody elsewhere, bounded in time and size. So that
 * nobody can make the relay ask what is near it (server-side request forgery).
 */
import { request } from 'node:https'
import { isIP } from 'node:net'
import { OperationalError } from '@sealpost/errors'
import { isPublicAddress } from '../dns/public-address.ts'
import type { Resolver } from '../dns/resolver.ts'

const TIME_MS_MAX = 10_000
const BYTES_MAX = 1024 * 1024
const HTTPS_PORT = 443

export class FetchError extends OperationalError {
  override name = 'FetchError'
}

const fail = {
  unknown: () => new FetchError('FETCH_NO_ADDRESS', 'The name of the server cannot be resolved now'),
  unreachable: (cause: unknown) =>
    new FetchError('FETCH_UNREACHABLE', 'The server cannot be reached', { cause }),
  answer: () => new FetchError('FETCH_ANSWER', 'The server did not answer as it should'),
} as const

export interface FetchPublicOptions {
  readonly resolver: Pick<Resolver, 'addresses'>
  /** For tests, which have no public addresses. */
  readonly port?: number
  readonly ca?: string
  readonly allows?: (address: string) => boolean
}

export type FetchPublic = (host: string, path: string) => Promise<Fetched>

/** `no host`: the name does not exist or leads to no public address. `none`: the server has no such file, or sends elsewhere. */
export type Fetched =
  | { readonly result: 'found'; readonly bytes: Buffer }
  | { readonly result: 'none' | 'no host' }

/** `host` in A-labels. Rejects with FetchError when nobody knows now. */
export function fetchPublic(options: FetchPublicOptions): FetchPublic {
  return async (host, path) => {
    const address = await publicAddress(host, options)
    return address === undefined ? { result: 'no host' } : await ask({ host, path, address }, options)
  }
}

/** What is sent, and as what. */
export interface Posted {
  readonly type: string
  readonly bytes: Buffer
}

export type PostPublic = (host: string, path: string, posted: Posted) => Promise<boolean>

/** The same the other way: whether the server has taken it (200 to 204). Rejects with FetchError when it may take it later. */
export function postPublic(options: FetchPublicOptions): PostPublic {
  return async (host, path, posted) => {
    const address = await publicAddress(host, options)
    if (address === undefined) return false
    return (await ask({ host, path, address, posted }, options)).result === 'found'
  }
}

/** Undefined: it has none. */
async function publicAddress(
  host: string,
  { resolver, allows = isPublicAddress }: FetchPublicOptions,
): Promise<string | undefined> {
  if (isIP(host) !== 0) return undefined
  const answer = await resolver.addresses(host)
  if (answer.result === 'failed') throw fail.unknown()
  return answer.result === 'found' ? answer.records.find(allows) : undefined
}

interface Target {
  readonly host: string
  readonly path: string
  readonly address: string
  /** Undefined: a file is asked for. */
  readonly posted?: Posted
}

async function ask(
  { host, path, address, posted }: Target,
  { port = HTTPS_PORT, ca }: FetchPublicOptions,
): Promise<Fetched> {
  const { promise, resolve, reject } = Promise.withResolvers<Fetched>()
  const asked = request({
    host: address,
    servername: host,
    port,
    path,
    method: posted === undefined ? 'GET' : 'POST',
    headers: {
      host,
      accept: 'application/octet-stream, */*',
      ...(posted === undefined ? {} : { 'content-type': posted.type, 'content-length': posted.bytes.length }),
    },
    agent: false,
    signal: AbortSignal.timeout(TIME_MS_MAX),
    ...(ca === undefined ? {} : { ca }),
  })
  asked.once('error', (cause) => reject(fail.unreachable(cause)))
  asked.once('response', (response) => {
    const { statusCode = 0 } = response
    const chunks: Buffer[] = []
    let bytes = 0
    const end = (fetched: Fetched | FetchError): void => {
      asked.destroy()
      if (fetched instanceof FetchError) reject(fetched)
      else resolve(fetched)
    }
    if (statusCode >= 300 && statusCode < 500 && statusCode !== 429) return end({ result: 'none' })
    const isTaken = posted !== undefined && statusCode > 200 && statusCode <= 204
    if (statusCode !== 200 && !isTaken) return end(fail.answer())
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes > BYTES_MAX) end(fail.answer())
    })
    response.once('error', (cause) => reject(fail.unreachable(cause)))
    response.once('end', () => end({ result: 'found', bytes: Buffer.concat(chunks) }))
  })
  asked.end(posted?.bytes)
  return await promise
}
