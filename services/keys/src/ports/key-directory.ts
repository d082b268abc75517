/** The key directory's port: for the mail relay, which encrypts to what is published and brings what is mailed to it. Over HTTP for whoever shows the deployment's secret. */
import { type FastifyPluginAsync, onlyServices, Type, type Static } from '@sealpost/http'
import {
  KEY_DIRECTORY_PATHS,
  type KeyDirectory,
  type PortSecret,
  SUBMISSION_BYTES_MAX,
} from '@sealpost/ports'
import type { Directory } from '../directory/directory.ts'
import type { WebKeyService } from '../web-key-service/web-key-service.ts'

const question = Type.Object({ address: Type.String({ minLength: 3, maxLength: 320 }) })
const answer = Type.Object({ certificate: Type.Union([Type.String(), Type.Null()]) })
const MESSAGE_CHARS_MAX = Math.ceil(SUBMISSION_BYTES_MAX / 3) * 4
const submission = Type.Object({
  domain: Type.String({ minLength: 1, maxLength: 255 }),
  authenticated: Type.Boolean(),
  message: Type.String({ maxLength: MESSAGE_CHARS_MAX, pattern: '^[A-Za-z0-9+/]*={0,2}$' }),
})
const done = Type.Object({ done: Type.Literal(true) })
/** JSON around a message in Base64. */
const BODY_BYTES_MAX = MESSAGE_CHARS_MAX + 1024

/** Asked by few and for many: the common limit for clients does not apply. */
const config = { rateLimit: false } as const

export function keyDirectory(directory: Directory, webKeyService: WebKeyService): KeyDirectory {
  return {
    async find(address) {
      const [served] = await directory.find({ kind: 'address', value: address })
      return served?.bytes
    },
    submit: (mail) => webKeyService.take(mail),
  }
}

export function keyDirectoryRoutes(keys: KeyDirectory, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.post<{ Body: Static<typeof question> }>(
      KEY_DIRECTORY_PATHS.find,
      { config, schema: { hide: true, body: question, response: { 200: answer } } },
      async ({ body: { address } }) => ({
        certificate: (await keys.find(address))?.toString('base64') ?? null,
      }),
    )
    app.post<{ Body: Static<typeof submission> }>(
      KEY_DIRECTORY_PATHS.submit,
      {
        config,
        bodyLimit: BODY_BYTES_MAX,
        schema: { hide: true, body: submission, response: { 200: done } },
      },
      async ({ body: { domain, authenticated, message } }) => {
        await keys.submit({ domain, authenticated, message: Buffer.from(message, 'base64') })
        return { done: true as const }
      },
    )
    await Promise.resolve()
  }
}
