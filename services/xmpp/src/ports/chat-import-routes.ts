/** The port for imported accounts, for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { type FastifyPluginAsync, onlyServices, Type } from '@sealpost/http'
import {
  CHAT_IMPORT_PATH,
  type ChatImport,
  IMPORTED_BYTES_MAX,
  IMPORTED_PARTS_MAX,
  type PortSecret,
} from '@sealpost/ports'

const params = Type.Object({ account: Type.String({ format: 'uuid' }) })
const body = Type.Object({ parts: Type.Array(Type.String(), { maxItems: IMPORTED_PARTS_MAX }) })
/** In JSON quotation marks take two bytes. */
const BODY_BYTES_MAX = 2 * IMPORTED_BYTES_MAX

export function chatImportRoutes(chat: ChatImport, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.post<{ Params: { account: string }; Body: { parts: string[] } }>(
      CHAT_IMPORT_PATH,
      { config: { rateLimit: false }, bodyLimit: BODY_BYTES_MAX, schema: { hide: true, params, body } },
      async ({ params: { account }, body: { parts } }) => ({ taken: await chat.importChat(account, parts) }),
    )
    await Promise.resolve()
  }
}
