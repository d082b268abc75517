import { OperationalError } from '@sealpost/errors'

/** What Postgres takes at most; the same for every bus between processes, so that none carries what another would not. */
const PAYLOAD_BYTES_MAX = 7_999

/** An event as it goes between processes. Throws BUS_PAYLOAD_TOO_LARGE. */
export function writeEvent(topic: string, payload: unknown): string {
  const text = JSON.stringify([topic, payload])
  if (Buffer.byteLength(text) > PAYLOAD_BYTES_MAX)
    throw new OperationalError('BUS_PAYLOAD_TOO_LARGE', 'An event exceeds 7,999 bytes')
  return text
}

/** Others can send where events go: what is no event of ours is undefined. */
export function readEvent(text: string): { topic: string; payload: unknown } | undefined {
  try {
    const event: unknown = JSON.parse(text)
    if (!Array.isArray(event) || event.length !== 2) return undefined
    const [topic, payload] = event as [unknown, unknown]
    return typeof topic === 'string' ? { topic, payload } : undefined
  } catch {
    return undefined
  }
}
