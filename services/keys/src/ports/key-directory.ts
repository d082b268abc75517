/** The key directory's port: for the mail relay, which encrypts to what is published. Over HTTP for whoever shows the deployment's secret. */
import { type FastifyPluginAsync, HttpProblem, Type, type Static } from '@sealpost/http'
import { KEY_DIRECTORY_PATH, type KeyDirectory, type PortSecret } from '@sealpost/ports'
import type { Directory } from '../directory/directory.ts'

const question = Type.Object({ address: Type.String({ minLength: 3, maxLength: 320 }) })
const answer = Type.Object({ certificate: Type.Union([Type.String(), Type.Null()]) })

export function keyDirectory(directory: Directory): KeyDirectory {
  return {
    async find(address) {
      const [served] = await directory.find({ kind: 'address', value: address })
      return served?.bytes
    },
  }
}

export function keyDirectoryRoutes(keys: KeyDirectory, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', async ({ headers }) => {
      if (!secret.isShownBy(headers.authorization))
        throw new HttpProblem(401, 'secret-missing', 'This is for the services of one deployment')
    })
    app.post<{ Body: Static<typeof question> }>(
      KEY_DIRECTORY_PATH,
      // Asked by few and for many: the common limit for clients does not apply.
      { config: { rateLimit: false }, schema: { hide: true, body: question, response: { 200: answer } } },
      async ({ body: { address } }) => ({
        certificate: (await keys.find(address))?.toString('base64') ?? null,
      }),
    )
    await Promise.resolve()
  }
}
