import { mailClient, openPortSecret, type PortError } from '@sealpost/ports'
import { type Platform, runMain } from '@sealpost/service'
import { readConfig, type KeysConfig } from './config.ts'
import { createKeysService, type KeysService } from './service.ts'

/** In a process of its own the directory asks the mail relay over HTTP. */
async function createWithPort(config: KeysConfig, platform: Platform): Promise<KeysService> {
  const { dataDir, random, log } = platform
  const secret = await openPortSecret(dataDir, random)
  const onError = ({ code }: PortError): void => log.warn('mail_away', { code })
  return createKeysService(config, platform, { mail: mailClient({ url: config.mailUrl, secret, onError }) })
}

await runMain(readConfig, createWithPort)
