/** draft-koch-openpgp-webkey-service §3.1: Web Key Directory. No key is published yet, so every path of it is not found. */
import type { FastifyPluginAsync } from '@sealpost/http'

export const wkd: FastifyPluginAsync = async (app) => {
  app.get('/.well-known/openpgpkey/*', { schema: { hide: true } }, (_request, reply) =>
    reply
      .code(404)
      .header('access-control-allow-origin', '*')
      .type('text/plain; charset=utf-8')
      .send('No such key\n'),
  )
  await Promise.resolve()
}
