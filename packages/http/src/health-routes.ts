import type { TLSSocket } from 'node:tls'
import type { Metrics } from '@sealpost/metrics'
import type { FastifyPluginAsync } from 'fastify'
import { plainProblem, sendProblem } from './http-problem.ts'

export interface HealthOptions {
  /** Whether everything needed to serve is there. A rejection, or no answer within 3 s, means no. */
  readonly ready: () => Promise<boolean>
  readonly metrics: Metrics
}

const READY_MS_MAX = 3_000
/** An answer holds for so long: asking is free for everybody, finding out is not. */
const READY_FOR_MS = 1_000

/**
 * GET /livez (the process answers), /readyz (it can serve; 503 otherwise), /metrics (Prometheus; not on a TLS listener,
 * which is the public one). None of them is rate-limited.
 */
export const healthRoutes: FastifyPluginAsync<HealthOptions> = async (app, options) => {
  const hidden = { schema: { hide: true }, config: { rateLimit: false } } as const
  const isReady = remembered(() => answersInTime(options.ready))
  app.get('/livez', hidden, (_request, reply) => reply.type('text/plain').send('ok\n'))
  app.get('/readyz', hidden, async (_request, reply) => {
    const ready = await isReady()
    return reply
      .code(ready ? 200 : 503)
      .type('text/plain')
      .send(ready ? 'ok\n' : 'not ready\n')
  })
  app.get('/metrics', hidden, async (request, reply) => {
    if ((request.raw.socket as Partial<TLSSocket>).encrypted === true)
      return sendProblem(reply, plainProblem(404))
    return reply.type(options.metrics.contentType).send(await options.metrics.render())
  })
  await Promise.resolve()
}

/** Asks once for all who ask within READY_FOR_MS. */
function remembered(find: () => Promise<boolean>): () => Promise<boolean> {
  let found: Promise<boolean> | undefined
  let at = 0
  return () => {
    if (found === undefined || performance.now() - at > READY_FOR_MS) {
      found = find()
      at = performance.now()
    }
    return found
  }
}

async function answersInTime(ready: () => Promise<boolean>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), READY_MS_MAX)
  try {
    return await Promise.race([ready(), late.promise])
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}
