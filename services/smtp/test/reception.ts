/** The ports of the relay over its queue, with accounts in a real Postgres; and conversations with them. Mail for our users ends in their mailboxes, all other waits. */
import { readFile } from 'node:fs/promises'
import { onTestFinished } from 'vitest'
import { createAccounts } from '@sealpost/accounts'
import type { AccountsDomain } from '@sealpost/accounts'
import { type Networks, parseNetworks } from '@sealpost/config'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import type { Clock } from '@sealpost/runtime'
import { createTestPlatform } from '../../../test/platform.ts'
import type { TestPlatform } from '../../../test/platform.ts'
import { createEvents } from '../src/events.ts'
import { DESK } from '../src/mailbox/mailbox.ts'
import { openReception } from '../src/reception/reception.ts'
import type { Reception } from '../src/reception/reception.ts'
import type { Entrance, Stage } from '../src/reception/stage.ts'
import { operatorMailStage } from '../src/stages/operator-mail.ts'
import { recipientsStage } from '../src/stages/recipients.ts'
import { openSeenQueue, type SeenQueue } from './seen-queue.ts'
import { SmtpClient } from './smtp-client.ts'

export const PASSWORD = 'pass-c4n4ry-word'
export const ALICE = 'alice-c4n4ry@localhost'

export interface TestReception extends AsyncDisposable {
  readonly platform: TestPlatform
  readonly accounts: AccountsDomain
  readonly queue: SeenQueue
  /** Ids of accounts whose mailbox has no room. */
  readonly full: Set<string>
  readonly ports: Reception['ports']
  readonly ca: string
  /** Greeted, EHLO said; closed with the test. */
  connect(entrance: Entrance): Promise<SmtpClient>
  /** On `submissions`, as ALICE. */
  signedIn(username?: string): Promise<SmtpClient>
}

export interface TestReceptionOptions {
  readonly stages?: (parts: { platform: TestPlatform; accounts: AccountsDomain }) => readonly Stage[]
  readonly messageBytesMax?: number
  /** Instead of a fresh database. */
  readonly databaseUrl?: string
  /** Of the connections; accounts and sign-ins, too. */
  readonly clock?: Clock
  readonly trusted?: readonly string[]
  readonly proxies?: readonly string[]
}

export async function openTestReception(options: TestReceptionOptions = {}): Promise<TestReception> {
  await using stack = new AsyncDisposableStack()
  const platform = stack.use(await createTestPlatform(['localhost'], options.databaseUrl))
  const { bus, random, tls, domains, bind } = platform
  const clock = options.clock ?? platform.clock
  const db = stack.use(await openDb({ url: platform.databaseUrl, role: 'sealpost_account' }))
  const accounts = stack.use(createAccounts({ db, bus, clock, random }))
  await accounts.create(parseJid(ALICE), PASSWORD)
  await accounts.create(parseJid('bob@localhost'), PASSWORD)
  const queue = stack.use(await openSeenQueue(platform, accounts))
  const full = new Set<string>()
  const recipients = stack.use(
    recipientsStage({
      accounts,
      isFull: (accountId) => Promise.resolve(full.has(accountId)),
      domains,
      clock,
      random,
    }),
  )
  const isDeskFull = (): Promise<boolean> => Promise.resolve(full.has(DESK))
  const operator = stack.use(operatorMailStage({ isDeskFull, domains, clock, random }))
  const { ports } = stack.use(
    await openReception({
      host: bind,
      ports: { mx: 0, submission: 0, submissions: 0 },
      ...(options.messageBytesMax === undefined ? {} : { messageBytesMax: options.messageBytesMax }),
      trusted: networks(options.trusted),
      proxies: networks(options.proxies),
      domains,
      tls,
      accounts,
      bus,
      clock,
      random,
      queue,
      events: createEvents(platform),
      stages: [recipients, operator, ...(options.stages?.({ platform, accounts }) ?? [])],
    }),
  )
  const ca = await readFile(platform.caFile, 'utf8')
  const connect = async (entrance: Entrance): Promise<SmtpClient> => {
    const client = await SmtpClient.connect(ports[entrance], entrance === 'submissions' ? { ca } : {})
    onTestFinished(() => client[Symbol.dispose]())
    await client.ask()
    await client.ask('EHLO client.example')
    return client
  }
  const held = stack.move()
  return {
    platform,
    accounts,
    queue,
    full,
    ports,
    ca,
    connect,
    async signedIn(username = ALICE) {
      const client = await connect('submissions')
      await client.ask(`AUTH PLAIN ${Buffer.from(`\0${username}\0${PASSWORD}`).toString('base64')}`)
      return client
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

function networks(items: readonly string[] = []): Networks {
  const parsed = parseNetworks(items)
  if (parsed === undefined) throw new Error('not networks')
  return parsed
}

/** A whole mail: the reply to its last line. */
export async function send(
  client: SmtpClient,
  { from, to, text }: { from: string; to: readonly string[]; text: string },
): Promise<string> {
  await client.ask(`MAIL FROM:<${from}>`)
  for (const recipient of to) await client.ask(`RCPT TO:<${recipient}>`)
  const reply = await client.ask('DATA')
  return reply.startsWith('354') ? await client.ask(`${text}\r\n.`) : reply
}
