import { accountCommandsClient, openPortSecret, type PortError } from '@sealpost/ports'
import { type Platform, runMain } from '@sealpost/service'
import { readConfig, type XmppConfig } from './config.ts'
import { chatImportRoutes } from './ports/chat-import-routes.ts'
import { ownDataRoutes } from './ports/own-data-routes.ts'
import { relayRoutes } from './ports/relay-routes.ts'
import { selfAuditRoutes } from './ports/self-audit-routes.ts'
import { createXmppService, type XmppService } from './service.ts'

/** In a process of its own the relay answers the other services over HTTP, and asks the API. */
async function createWithPort(config: XmppConfig, platform: Platform): Promise<XmppService> {
  const { dataDir, random, log } = platform
  const secret = await openPortSecret(dataDir, random)
  const onError = ({ code }: PortError): void => log.warn('api_away', { code })
  const commands = accountCommandsClient({ url: config.apiUrl, secret, onError })
  const service = await createXmppService(config, platform, { commands })
  const http: XmppService['http'] = async (app) => {
    await app.register(service.http)
    await app.register(relayRoutes(service.relay, secret))
    await app.register(ownDataRoutes(service.ownData, secret))
    await app.register(selfAuditRoutes(service.selfAudits, secret))
    await app.register(chatImportRoutes(service.chatImport, secret))
  }
  return { ...service, http }
}

await runMain(readConfig, createWithPort)
