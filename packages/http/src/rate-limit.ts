import { createHmac, randomBytes } from 'node:crypto'
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { HttpProblem } from './http-problem.ts'
import { isLocalSocket } from './listener.ts'

/** How many clients are remembered; beyond it the least recent is forgotten. */
const CLIENTS_MAX = 50_000

const KEY_LIFE_MS = 24 * 60 * 60 * 1000

/**
 * Limits requests by client without keeping an address: clients are told apart by HMAC of the address (of an IPv6 address its /64)
 * under a key that exists in memory only and changes daily. The control socket is not limited.
 */
export async function limitRequests(app: FastifyInstance, perMinute: number): Promise<void> {
  const keyOf = clientKeys()
  await app.register(rateLimit, {
    max: perMinute,
    timeWindow: 60_000,
    cache: CLIENTS_MAX,
    enableDraftSpec: true,
    keyGenerator: (request) => (isLocalSocket(request) ? 'local' : keyOf(request)),
    allowList: (request) => isLocalSocket(request),
    errorResponseBuilder: () => new HttpProblem(429, 'rate-limited', 'Too many requests'),
  })
}

function clientKeys(): (request: FastifyRequest) => string {
  let key = randomBytes(32)
  let made = performance.now()
  return (request) => {
    if (performance.now() - made > KEY_LIFE_MS) {
      key = randomBytes(32)
      made = performance.now()
    }
    return createHmac('sha256', key).update(clientNetwork(request.ip)).digest('base64')
  }
}

/** The address itself, or the first 64 bits of an IPv6 address, which one client has at its disposal. */
export function clientNetwork(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  if (!address.includes(':')) return address
  const [head = '', tail] = address.toLowerCase().split('%')[0]?.split('::') ?? []
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  if (tail !== undefined) while (groups.length + after.length < 8) groups.push('0')
  return [...groups, ...after]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
