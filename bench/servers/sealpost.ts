/** Sealpost as a peer of the others: `scripts/start.ts` with its embedded Postgres, accounts by `ctl account import`, everything as by default. */
import { join } from 'node:path'
import { Sealpost } from '../../test/interop/sealpost.ts'
import type { MailRelay, MailRelayOptions } from './mail-relay.ts'
import { pinned, type RunningServer, type ServerOptions } from './server.ts'

/** Loaded before the program. */
const UNSEALED = join(import.meta.dirname, 'unsealed.ts')

export function startSealpost(options: ServerOptions): Promise<RunningServer> {
  return start('Sealpost', options)
}

/** The same where nothing is sealed: see unsealed.ts. */
export function startUnsealed(options: ServerOptions): Promise<RunningServer> {
  return start('unsealed', options, { NODE_OPTIONS: `--import ${UNSEALED}` })
}

async function start(
  name: string,
  options: ServerOptions,
  others: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const { directory, domain, certificate, accounts, core } = options
  await using stack = new AsyncDisposableStack()
  const environment = {
    SEALPOST_DOMAIN: domain,
    TLS_CERT: certificate.certFile,
    TLS_KEY: certificate.keyFile,
    LOG_LEVEL: 'error',
    ...others,
  }
  const sealpost = stack.use(await Sealpost.start({ directory, environment, prefix: pinned(core) }))
  await sealpost.importAccounts(accounts)
  const roots = await sealpost.roots()
  stack.move()
  return {
    name,
    port: sealpost.directTlsPort,
    roots: () => roots,
    metrics: async () => (await fetch(`http://127.0.0.1:${String(sealpost.httpPort)}/metrics`)).text(),
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
