/**
 * Web pages of anybody may look keys up and send them: there is nothing in an answer that is not public, and nobody is signed in here. Caches ask again before they give
 * an answer to others, or a revocation would come late, and what was taken off still be there. RFC 9111 §5.2.2.4
 */
import type { FastifyInstance } from '@sealpost/http'

export function answerAnybody(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    void reply
      .header('access-control-allow-origin', '*')
      .header('cross-origin-resource-policy', 'cross-origin')
      .header('cache-control', 'no-cache')
    done()
  })
}
