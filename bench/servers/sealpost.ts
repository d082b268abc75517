/** Sealpost as a peer of the others: `scripts/start.ts` with its embedded Postgres, accounts by `ctl account import`, everything as by default. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Sealpost } from '../../test/interop/sealpost.ts'
import type { RunningServer, ServerOptions } from './server.ts'

export async function startSealpost(options: ServerOptions): Promise<RunningServer> {
  const { directory, domain, certificate, accounts, core } = options
  await using stack = new AsyncDisposableStack()
  const environment = {
    SEALPOST_DOMAIN: domain,
    TLS_CERT: certificate.certFile,
    TLS_KEY: certificate.keyFile,
    LOG_LEVEL: 'error',
  }
  const sealpost = stack.use(
    await Sealpost.start({ directory, environment, prefix: ['taskset', '-c', String(core)] }),
  )
  const file = join(directory, 'accounts.csv')
  await writeFile(file, accounts.map(({ username, password }) => `${username},${password}\n`).join(''))
  const { code, output } = await sealpost.ctl(['account', 'import', file])
  if (code !== 0) throw new Error(`ctl account import ended with ${code}: ${output}`)
  const roots = await sealpost.roots()
  stack.move()
  return {
    name: 'Sealpost',
    port: sealpost.directTlsPort,
    roots: () => roots,
    [Symbol.asyncDispose]: () => sealpost[Symbol.asyncDispose](),
  }
}
