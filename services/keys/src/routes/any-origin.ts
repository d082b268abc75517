/** Web pages of anybody may look keys up and send them: there is nothing in an answer that is not public, and nobody is signed in here. */
import type { FastifyInstance } from '@sealpost/http'

export function allowAnyOrigin(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    void reply
      .header('access-control-allow-origin', '*')
      .header('cross-origin-resource-policy', 'cross-origin')
    done()
  })
}
