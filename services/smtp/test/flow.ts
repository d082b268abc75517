/** The relay behind its ports, for tests: real Postgres, real servers to deliver to, DNS as the test says. */
import { join } from 'node:path'
import { createAccounts } from '@sealpost/accounts'
import type { AccountsDomain } from '@sealpost/accounts'
import { defineConfig } from '@sealpost/config'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { Supervisor } from '@sealpost/runtime'
import { createTestPlatform } from '../../../test/platform.ts'
import type { TestPlatform } from '../../../test/platform.ts'
import { readConfig, type SmtpConfig } from '../src/config.ts'
import type { Hop } from '../src/delivery/remote-carrier.ts'
import { createEvents } from '../src/events.ts'
import { openMailFlow, type MailFlow, type MailFlowOptions } from '../src/mail-flow.ts'
import type { Resolver } from '../src/dns/resolver.ts'
import type { Carrier } from '../src/queue/carrier.ts'
import { ReportCollector } from '../src/reports/report-collector.ts'
import { reportEvents } from '../src/reports/report-events.ts'
import { envelopeFor } from '../src/queue/_fixture.ts'
import type { Envelope } from '../src/reception/stage.ts'
import { noDns, unsigned } from './peers.ts'

/** Nobody counts. */
const bounces = { watch: (carrier: Carrier): Carrier => carrier }

/** Counts nothing for reports. */
export function uncounted({ clock, random, metrics }: TestPlatform, resolver: Resolver): ReportCollector {
  const supervisor = new Supervisor(() => undefined)
  const events = reportEvents(metrics)
  return new ReportCollector({
    kinds: [],
    resolver,
    domains: ['localhost'],
    clock,
    random,
    supervisor,
    events,
  })
}

export interface FlowFixture extends AsyncDisposable {
  readonly platform: TestPlatform
  readonly accounts: AccountsDomain
  flow: MailFlow
  /** Stops the flow and starts it again over the same data. */
  restart(changes?: Partial<SmtpConfig>): Promise<void>
  /** The id of a new account of localhost. */
  account(name: string): Promise<string>
}

/** `routes`: where mail for a domain goes. */
export async function createFlow(
  routes: Readonly<Record<string, Hop>> = {},
  changes: Partial<SmtpConfig> = {},
  overrides: Partial<TestPlatform> = {},
  more: Partial<MailFlowOptions> = {},
): Promise<FlowFixture> {
  await using stack = new AsyncDisposableStack()
  const platform = { ...stack.use(await createTestPlatform()), ...overrides }
  const { bus, clock, random, databaseUrl, dataDir } = platform
  const db = stack.use(await openDb({ url: databaseUrl, role: 'sealpost_account' }))
  const accounts = stack.use(createAccounts({ db, bus, clock, random }))
  const config: SmtpConfig = {
    ...defineConfig({ SEALPOST_DATA_DIR: dataDir, KEYRING_DIR: join(dataDir, 'keyring') }, readConfig),
    routes: new Map(Object.entries(routes)),
    ...changes,
  }
  const events = createEvents(platform)
  const open = (changed: Partial<SmtpConfig> = {}): Promise<MailFlow> =>
    openMailFlow({ ...config, ...changed }, platform, {
      accounts,
      resolver: noDns,
      signer: unsigned,
      bounces,
      collector: uncounted(platform, noDns),
      events,
      ...more,
    })
  const fixture: FlowFixture = {
    platform,
    accounts,
    flow: await open(),
    restart: async (changed) => {
      await fixture.flow[Symbol.asyncDispose]()
      fixture.flow = await open(changed)
    },
    account: async (name) => (await accounts.create(parseJid(`${name}@localhost`), 'pass-word')).id,
    [Symbol.asyncDispose]: async () => {
      await fixture.flow[Symbol.asyncDispose]()
      await held.disposeAsync()
    },
  }
  const held = stack.move()
  return fixture
}

export interface Sent {
  readonly account?: string
  readonly envelope: Envelope
  readonly header?: string
  readonly body?: string | Buffer
}

/** Queues a mail; the answer is its id. */
export async function enqueue(
  { queue }: MailFlow,
  { account, envelope, header, body = 'text\r\n' }: Sent,
): Promise<string> {
  await using draft = queue.draft()
  await draft.write(Buffer.from(body))
  await draft.finish()
  return await queue.enqueue({
    account,
    envelope,
    header: Buffer.from(header ?? 'From: <ann@localhost>\r\nSubject: hello\r\n\r\n'),
    draft,
  })
}

export { envelopeFor }
