/** The relay's port from another process. */
import { PortError } from './port-error.ts'
import type { PortSecret } from './port-secret.ts'
import { RELAY_PATHS, readDevices, readQueues, readRevoked } from './relay-wire.ts'
import type { Relay } from './relay.ts'

export interface RelayClientOptions {
  /** Origin of the relay's HTTP listener; undefined: there is none, and every question is answered with PORT_UNREACHABLE. */
  readonly url: URL | undefined
  readonly secret: PortSecret
  /** Hears every failure, which whoever asked gets as well. */
  readonly onError: (error: PortError) => void
  /** How long an answer may take; 5 seconds unless told. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 5_000
const ANSWER_BYTES_MAX = 1024 * 1024

export function relayClient(options: RelayClientOptions): Relay {
  const ask = async <T>(method: 'GET' | 'DELETE', path: string, read: (answer: unknown) => T): Promise<T> => {
    try {
      return read(await exchange(options, method, path))
    } catch (error) {
      if (error instanceof PortError) options.onError(error)
      throw error
    }
  }
  return {
    devices: (account) => ask('GET', fill(RELAY_PATHS.devices, { account }), readDevices),
    revokeDevice: (account, device) =>
      ask('DELETE', fill(RELAY_PATHS.device, { account, device }), readRevoked),
    queues: (account) => ask('GET', fill(RELAY_PATHS.queues, { account }), readQueues),
  }
}

function fill(path: string, ids: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_all, name: string) => encodeURIComponent(ids[name] ?? ''))
}

async function exchange(options: RelayClientOptions, method: string, path: string): Promise<unknown> {
  const { url, secret, timeoutMs = TIMEOUT_MS } = options
  if (url === undefined) throw new PortError('PORT_UNREACHABLE')
  const { status, body } = await fetchBounded(new URL(path, url), {
    method,
    headers: { authorization: secret.authorization, accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (status === 401) throw new PortError('PORT_REFUSED')
  if (status !== 200) throw new PortError('PORT_FAILED')
  return parse(body)
}

async function fetchBounded(url: URL, init: RequestInit): Promise<{ status: number; body: string }> {
  try {
    const response = await fetch(url, init)
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength
      if (bytes > ANSWER_BYTES_MAX) throw new PortError('PORT_FAILED') // leaving the loop breaks the answer off
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
