import { join } from 'node:path'
import { createHttp } from '@sealpost/http'
import {
  chatImportClient,
  dkimClient,
  keyOperationsClient,
  mailClient,
  mailDeskClient,
  mailReportsClient,
  mailOperationsClient,
  openPortSecret,
  ownDataClients,
  relayClient,
  selfAuditsClient,
  type PortError,
} from '@sealpost/ports'
import { runMain, type Platform } from '@sealpost/service'
import { accountCommandsRoutes } from './ports/account-commands-routes.ts'
import { ownSessionsRoutes } from './ports/own-sessions-routes.ts'
import { proberOfOwnProcess, readConfig, type ApiConfig } from './config.ts'
import { createApiService, type ApiService } from './service.ts'

/** In a process of its own the service asks the relay over HTTP, opens the control socket of `ctl`, and shows the first administrator's link. */
async function createWithControlSocket(config: ApiConfig, platform: Platform): Promise<ApiService> {
  await using stack = new AsyncDisposableStack()
  const { log, metrics, dataDir, random } = platform
  const secret = await openPortSecret(dataDir, random)
  const onError = ({ code }: PortError) => log.warn('relay_away', { code })
  const relayService = { url: config.relayUrl, secret, onError }
  const relay = relayClient(relayService)
  const mailRelay = {
    url: config.mailUrl,
    secret,
    onError: ({ code }: PortError) => log.warn('mail_relay_away', { code }),
  }
  const [mail, desk] = [mailOperationsClient(mailRelay), mailDeskClient(mailRelay)]
  const reports = mailReportsClient(mailRelay)
  const keys = {
    url: config.keysUrl,
    secret,
    onError: ({ code }: PortError) => log.warn('keys_away', { code }),
  }
  const ownData = ownDataClients({ relay: relayService, keys, mail: mailRelay })
  const letters = mailClient(mailRelay)
  const directory = keyOperationsClient(keys)
  const selfAudits = {
    messages: selfAuditsClient('messages', relayService),
    mails: selfAuditsClient('mails', mailRelay),
  }
  const dkim = dkimClient(mailRelay)
  const chatImport = chatImportClient(relayService)
  const mails = { mail, letters, desk, dkim, reports }
  const ports = { relay, chatImport, ...mails, keys: directory, ownData, selfAudits }
  const prober = proberOfOwnProcess(config.prober)
  const service = stack.use(await createApiService({ ...config, prober }, platform, ports))
  const control = stack.use(await createHttp({ log, metrics, title: 'Sealpost' }))
  await control.app.register(service.http)
  await control.listen({ socketPath: join(dataDir, 'ctl.sock') })
  const { firstInvite } = service
  // The terminal, not the log: the link is a secret.
  if (firstInvite !== undefined) process.stdout.write(`First administrator: ${firstInvite}\n`)
  const held = stack.move()
  const http: ApiService['http'] = async (app) => {
    await app.register(service.http)
    await app.register(accountCommandsRoutes(service.commands, secret))
    await app.register(ownSessionsRoutes(service.sessions, secret))
  }
  return { ...service, http, firstInvite, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

await runMain(readConfig, createWithControlSocket)
