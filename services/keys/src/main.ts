import type { FastifyPluginAsync } from '@sealpost/http'
import { mailClient, openPortSecret, ownSessionsClient, type PortError } from '@sealpost/ports'
import { type Platform, runMain } from '@sealpost/service'
import { readConfig, type KeysConfig } from './config.ts'
import { keyDirectoryRoutes } from './ports/key-directory.ts'
import { keyOperationsRoutes } from './ports/key-operations.ts'
import { ownDataRoutes } from './ports/own-data-routes.ts'
import { createKeysService, type KeysService } from './service.ts'

/** In a process of its own the directory asks the mail relay over HTTP, and answers it. */
async function createWithPort(config: KeysConfig, platform: Platform): Promise<KeysService> {
  const { dataDir, random, log } = platform
  const secret = await openPortSecret(dataDir, random)
  const onError = ({ code }: PortError): void => log.warn('mail_away', { code })
  const mail = mailClient({ url: config.mailUrl, secret, onError })
  const sessions = ownSessionsClient({
    url: config.apiUrl,
    secret,
    onError: ({ code }: PortError) => log.warn('api_away', { code }),
  })
  const service = await createKeysService(config, platform, { mail, sessions, secret })
  const http: FastifyPluginAsync = async (app) => {
    await app.register(service.http)
    await app.register(keyDirectoryRoutes(service.keys, secret))
    await app.register(keyOperationsRoutes(service.keyOperations, secret))
    await app.register(ownDataRoutes(service.ownData, secret))
  }
  return { ...service, http }
}

await runMain(readConfig, createWithPort)
