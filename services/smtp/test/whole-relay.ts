/** The whole relay as a service runs it, with its HTTP routes, over real Postgres; the key directory is a table. Can be stopped and started over the same data. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Account, type AccountsDomain, createAccounts } from '@sealpost/accounts'
import { defineConfig } from '@sealpost/config'
import { openDb } from '@sealpost/db'
import { createHttp } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import { Client } from 'pg'
import { createTestPlatform, type TestPlatform } from '../../../test/platform.ts'
import { readConfig } from '../src/config.ts'
import { createSmtpService } from '../src/service.ts'
import { SmtpClient } from './smtp-client.ts'

export const PASSWORD = 'pass-c4n4ry-word'

export interface WholeRelay extends AsyncDisposable {
  readonly platform: TestPlatform
  readonly accounts: AccountsDomain
  /** Certificates by address. */
  readonly published: Map<string, Buffer>
  /** A new account of the domain. */
  account(name: string): Promise<Account>
  stop(): Promise<void>
  start(): Promise<void>
  /** Greeted, EHLO said. */
  connect(entrance: 'mx' | 'submission' | 'submissions'): Promise<SmtpClient>
  /** `user` as name and password; undefined: nobody signs in. */
  fetch(path: string, user?: string, init?: RequestInit): Promise<Response>
  /** As the superuser of the database. */
  query<Row extends object>(statement: string, values?: readonly unknown[]): Promise<Row[]>
  /** In use, in the keyring of mails: keys, without the names of queues. */
  keys(): Promise<number>
}

type Env = Readonly<Record<string, string>>

export interface WholeRelayOptions {
  readonly domain?: string
  readonly env?: Env
}

const KEYRING_HEADER_BYTES = 4096
const SLOT_BYTES = 64
const KIND_AT = 56
const QUEUE_KIND = 0x80

export async function openWholeRelay({
  domain = 'localhost',
  env = {},
}: WholeRelayOptions = {}): Promise<WholeRelay> {
  await using stack = new AsyncDisposableStack()
  const platform = stack.use(await createTestPlatform([domain]))
  const { bus, clock, random, databaseUrl, dataDir } = platform
  const db = stack.use(await openDb({ url: databaseUrl, role: 'sealpost_account' }))
  const accounts = stack.use(createAccounts({ db, bus, clock, random }))
  const published = new Map<string, Buffer>()
  const ca = await readFile(platform.caFile, 'utf8')
  let running = await start(platform, published, env)
  const held = stack.move()
  return {
    platform,
    accounts,
    published,
    account: (name) => accounts.create(parseJid(`${name}@${domain}`), PASSWORD),
    stop: async () => running[Symbol.asyncDispose](),
    start: async () => void (running = await start(platform, published, env)),
    async connect(entrance) {
      const port = running.ports[entrance]
      const client = await SmtpClient.connect(port, entrance === 'submissions' ? { ca } : {})
      await client.ask()
      await client.ask('EHLO client.example')
      return client
    },
    async fetch(path, user, init = {}) {
      const headers = new Headers(init.headers)
      if (user !== undefined) headers.set('authorization', `Basic ${Buffer.from(user).toString('base64')}`)
      return await fetch(new URL(path, running.url), { ...init, headers })
    },
    async query<Row extends object>(statement: string, values: readonly unknown[] = []) {
      const client = new Client({ connectionString: databaseUrl })
      await client.connect()
      try {
        return (await client.query<Row>(statement, [...values])).rows
      } finally {
        await client.end()
      }
    },
    async keys() {
      const file = await readFile(join(dataDir, 'keyring/smtp/keyring.slots'))
      let keys = 0
      for (let at = KEYRING_HEADER_BYTES; at < file.length; at += SLOT_BYTES) {
        const slot = file.subarray(at, at + SLOT_BYTES)
        if (slot[KIND_AT] !== QUEUE_KIND && slot.some((byte) => byte !== 0)) keys++
      }
      return keys
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      await held.disposeAsync()
    },
  }
}

interface Running extends AsyncDisposable {
  readonly ports: Readonly<Record<'mx' | 'submission' | 'submissions', number>>
  readonly url: string
}

async function start(
  platform: TestPlatform,
  published: ReadonlyMap<string, Buffer>,
  env: Env,
): Promise<Running> {
  await using stack = new AsyncDisposableStack()
  const { dataDir, log, metrics } = platform
  const config = defineConfig({ SEALPOST_DATA_DIR: dataDir, ...env }, readConfig)
  const keys = {
    find: (address: string) => Promise.resolve(published.get(address)),
    submit: () => Promise.resolve(),
  }
  const service = stack.use(
    await createSmtpService({ ...config, mxPort: 0, submissionPort: 0, submissionsPort: 0 }, platform, {
      keys,
    }),
  )
  const http = stack.use(await createHttp({ log, metrics, title: 'Test' }))
  await http.app.register(service.http)
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  const [mx = 0, submission = 0, submissions = 0] = service.addresses.map(({ url }) =>
    Number(new URL(url).port),
  )
  const held = stack.move()
  return {
    ports: { mx, submission, submissions },
    url: `http://127.0.0.1:${String(port)}`,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
