import rateLimit from '@fastify/rate-limit'
import { Blinding, clientNetwork, systemClock, systemRandom } from '@sealpost/runtime'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { HttpProblem } from './http-problem.ts'
import { isLocalSocket } from './listener.ts'

/** How many clients are remembered; beyond it the least recent is forgotten. */
const CLIENTS_MAX = 50_000
const WINDOW_SECONDS = 60

/**
 * Limits requests by client without keeping an address: clients are told apart by HMAC of the address (of an IPv6 address its /64)
 * under a key that exists in memory only and changes daily. The control socket is not limited.
 */
export async function limitRequests(app: FastifyInstance, perMinute: number): Promise<void> {
  const blinding = new Blinding(systemClock, systemRandom)
  app.addHook('onClose', () => blinding[Symbol.dispose]())
  await app.register(rateLimit, {
    max: perMinute,
    timeWindow: WINDOW_SECONDS * 1000,
    cache: CLIENTS_MAX,
    enableDraftSpec: true,
    keyGenerator: (request) => (isLocalSocket(request) ? 'local' : blinding.blind(clientNetwork(request.ip))),
    allowList: (request) => isLocalSocket(request),
    errorResponseBuilder: () => new HttpProblem(429, 'rate-limited', 'Too many requests'),
  })
  app.addHook('onSend', (_request, reply, payload, done) => {
    nameLimits(reply)
    done(null, payload)
  })
}

/** draft-ietf-httpapi-ratelimit-headers: the library writes the fields of an early draft. */
function nameLimits(reply: FastifyReply): void {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) =>
    reply.getHeader(`ratelimit-${name}`),
  )
  if (limit === undefined) return
  for (const name of ['limit', 'remaining', 'reset']) reply.removeHeader(`ratelimit-${name}`)
  void reply.header('ratelimit-policy', `"client";q=${String(limit)};w=${String(WINDOW_SECONDS)}`)
  void reply.header('ratelimit', `"client";r=${String(remaining)};t=${String(reset)}`)
}
