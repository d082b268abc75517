import { keyDirectoryClient, openPortSecret, ownSessionsClient, type PortError } from '@sealpost/ports'
import { type Platform, runMain } from '@sealpost/service'
import { readConfig, type SmtpConfig } from './config.ts'
import { dkimRoutes } from './ports/dkim-routes.ts'
import { mailDeskRoutes } from './ports/mail-desk-routes.ts'
import { mailReportsRoutes } from './ports/mail-reports-routes.ts'
import { mailQueueRoutes } from './ports/mail-queue-routes.ts'
import { mailRoutes } from './ports/mail-routes.ts'
import { ownDataRoutes } from './ports/own-data-routes.ts'
import { selfAuditRoutes } from './ports/self-audit-routes.ts'
import { createSmtpService, type SmtpService } from './service.ts'

/** In a process of its own the relay takes the other services' mails over HTTP, and asks the key directory. */
async function createWithPort(config: SmtpConfig, platform: Platform): Promise<SmtpService> {
  const { dataDir, random, log } = platform
  const secret = await openPortSecret(dataDir, random)
  const onError = ({ code }: PortError): void => log.warn('keys_away', { code })
  const keys = keyDirectoryClient({ url: config.keysUrl, secret, onError })
  const sessions = ownSessionsClient({
    url: config.apiUrl,
    secret,
    onError: ({ code }: PortError) => log.warn('api_away', { code }),
  })
  const service = await createSmtpService(config, platform, { keys, sessions })
  const http: SmtpService['http'] = async (app) => {
    await app.register(service.http)
    await app.register(mailRoutes(service.mail, secret))
    await app.register(mailQueueRoutes(service.mailOperations, secret))
    await app.register(mailDeskRoutes(service.desk, secret))
    await app.register(mailReportsRoutes(service.reports, secret))
    await app.register(dkimRoutes(service.dkim, secret))
    await app.register(ownDataRoutes(service.ownData, secret))
    await app.register(selfAuditRoutes(service.selfAudits, secret))
  }
  return { ...service, http }
}

await runMain(readConfig, createWithPort)
