import { openPortSecret } from '@sealpost/ports'
import { type Platform, runMain } from '@sealpost/service'
import { readConfig, type XmppConfig } from './config.ts'
import { relayRoutes } from './ports/relay-routes.ts'
import { createXmppService, type XmppService } from './service.ts'

/** In a process of its own the relay answers the other services over HTTP. */
async function createWithPort(config: XmppConfig, platform: Platform): Promise<XmppService> {
  const secret = await openPortSecret(platform.dataDir, platform.random)
  const service = await createXmppService(config, platform)
  return { ...service, http: relayRoutes(service.relay, secret) }
}

await runMain(readConfig, createWithPort)
