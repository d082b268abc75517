/** Sealpost as a peer of the others: `scripts/start.ts` with its embedded Postgres, accounts by `ctl account import`, everything as by default. */
import { Sealpost } from '../../test/interop/sealpost.ts'
import type { MailRelay, MailRelayOptions } from './mail-relay.ts'
import { pinned, type RunningServer, type ServerOptions } from './server.ts'

export async function startSealpost(options: ServerOptions): Promise<RunningServer> {
  const { directory, domain, certificate, accounts, core } = options
  await using stack = new AsyncDisposableStack()
  const environment = {
    SEALPOST_DOMAIN: domain,
    TLS_CERT: certificate.certFile,
    TLS_KEY: certificate.keyFile,
    LOG_LEVEL: 'error',
  }
  const sealpost = stack.use(await Sealpost.start({ directory, environment, prefix: pinned(core) }))
  await sealpost.importAccounts(accounts)
  const roots = await sealpost.roots()
  stack.move()
  return {
    name: 'Sealpost',
    port: sealpost.directTlsPort,
    roots: () => roots,
    [Symbol.asyncDispose]: () => sealpost[Symbol.asyncDispose](),
  }
}

/** Sealpost as a mail relay, everything else as by default: mails are sealed; nothing is signed, since they are of nobody here. */
export async function startSealpostRelay({
  directory,
  core,
  sinkPort,
}: MailRelayOptions): Promise<MailRelay> {
  const environment = {
    SEALPOST_DOMAIN: 'relay.example',
    SMTP_TRUSTED_NETWORKS: '127.0.0.0/8',
    SMTP_SMARTHOST: `127.0.0.1:${String(sinkPort)}`,
    LOG_LEVEL: 'error',
  }
  await using stack = new AsyncDisposableStack()
  const sealpost = stack.use(await Sealpost.start({ directory, environment, prefix: pinned(core) }))
  const roots = await sealpost.roots()
  stack.move()
  return {
    name: 'Sealpost',
    port: sealpost.mxPort,
    roots,
    [Symbol.asyncDispose]: () => sealpost[Symbol.asyncDispose](),
  }
}
