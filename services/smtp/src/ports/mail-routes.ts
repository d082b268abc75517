/** The mail relay's port for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { type FastifyPluginAsync, onlyServices, Type, type Static } from '@sealpost/http'
import { MAIL_BYTES_MAX, MAIL_PATH, type Mail, MailError, type PortSecret } from '@sealpost/ports'

const address = Type.String({ minLength: 3, maxLength: 320 })
const mailBody = Type.Object({
  sender: address,
  recipient: address,
  message: Type.String({ maxLength: Math.ceil(MAIL_BYTES_MAX / 3) * 4, pattern: '^[A-Za-z0-9+/]*={0,2}$' }),
})
const sent = Type.Object({ failed: Type.Union([Type.String(), Type.Null()]) })

/** JSON around a message in Base64. */
const BODY_BYTES_MAX = Math.ceil(MAIL_BYTES_MAX / 3) * 4 + 1024

export function mailRoutes(mail: Mail, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.post<{ Body: Static<typeof mailBody> }>(
      MAIL_PATH,
      {
        // Asked by few and for many: the common limit for clients does not apply.
        config: { rateLimit: false },
        bodyLimit: BODY_BYTES_MAX,
        schema: { hide: true, body: mailBody, response: { 200: sent } },
      },
      async ({ body: { sender, recipient, message } }) => {
        try {
          await mail.send({ sender, recipient, message: Buffer.from(message, 'base64') })
          return { failed: null }
        } catch (error) {
          if (error instanceof MailError) return { failed: error.code }
          throw error
        }
      },
    )
    await Promise.resolve()
  }
}
