/** Debian's nats-server with the configuration of infra/nats, in a directory of its own. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { startDaemon, type Daemon } from './daemon.ts'

const SHIPPED = join(import.meta.dirname, '../../infra/nats/nats.conf')

export interface Nats extends Daemon {
  readonly url: URL
  readonly token: string
}

export async function startNats(port?: number, token = randomBytes(16).toString('hex')): Promise<Nats> {
  const directory = await mkdtemp(join(tmpdir(), 'nats-'))
  const own = port ?? (await freePort())
  const file = join(directory, 'nats.conf')
  await writeFile(join(directory, 'token.conf'), `authorization { token: "${token}" }\n`, { mode: 0o600 })
  const text = (await readFile(SHIPPED, 'utf8'))
    .replace('port: 4222', `port: ${String(own)}`)
    .replace('127.0.0.1:8222', `127.0.0.1:${String(await freePort())}`)
    .replace('../../secrets/token.conf', 'token.conf')
  await writeFile(file, text)
  const daemon = await startDaemon(['nats-server', '--addr=127.0.0.1', `--config=${file}`], {
    isReady: (said) => said.includes('Server is ready'),
  })
  return {
    ...daemon,
    url: new URL(`nats://127.0.0.1:${String(own)}`),
    token,
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
