/** The relay's port from another process. */
import { PortError } from './port-error.ts'
import type { PortSecret } from './port-secret.ts'
import { RELAY_PATHS, readDevices, readQueues, readRevoked } from './relay-wire.ts'
import type { Relay } from './relay.ts'

export interface RelayClientOptions {
  /** Origin of the relay's HTTP listener; undefined: there is none, and every question is answered with PORT_UNREACHABLE. */
  readonly url: URL | undefined
  readonly secret: PortSecret
  /** How long an answer may take; 5 seconds unless told. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 5_000
const ANSWER_BYTES_MAX = 1024 * 1024

export function relayClient(options: RelayClientOptions): Relay {
  const ask = (method: 'GET' | 'DELETE', path: string) => exchange(options, method, path)
  return {
    devices: async (account) => readDevices(await ask('GET', fill(RELAY_PATHS.devices, { account }))),
    revokeDevice: async (account, device) =>
      readRevoked(await ask('DELETE', fill(RELAY_PATHS.device, { account, device }))),
    queues: async (account) => readQueues(await ask('GET', fill(RELAY_PATHS.queues, { account }))),
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
