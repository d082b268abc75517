import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openDb, sql, type Db } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { VirtualClock } from '@sealpost/runtime'
import { createEvents } from '../src/events.ts'
import { KnownRecipients } from '../src/limits/known-recipients.ts'
import type { Transaction } from '../src/reception/stage.ts'
import { attachmentsStage, largestAttachment } from '../src/stages/attachments.ts'
import { mailReviewStage } from '../src/stages/mail-review.ts'
import { sendingLimitsStage } from '../src/stages/sending-limits.ts'
import { openTestReception, PASSWORD, send } from './reception.ts'
import type { TestReception } from './reception.ts'

const PLAN = {
  recipientsPerMessage: 4,
  messagesPerHour: 5,
  messagesPerDay: 8,
  recipientsPerHour: 8,
  recipientsPerDay: 100,
  newRecipientsPerDay: 6,
  newRecipientsPerMessage: 4,
  listMailsPerDay: 2,
}
const HOUR_MS = 3_600_000
const BOUNDS = {
  largeFileBytes: 100,
  largeFilesPerDay: 2,
  mailboxMessagesPerDay: 3,
  mailboxBytesPerDay: 2_000,
}

let reception: TestReception
let db: Db
let clock: VirtualClock
let user: string
let users = 0
const stack = new AsyncDisposableStack()

beforeAll(async () => {
  clock = new VirtualClock()
  reception = await openTestReception({
    clock,
    stages: ({ platform, accounts }) => {
      const events = createEvents(platform)
      return [
        attachmentsStage,
        stack.use(mailReviewStage({ accounts, domains: ['localhost'], clock, events, bounds: BOUNDS })),
        stack.use(
          sendingLimitsStage({
            plan: PLAN,
            plans: accounts.plans,
            lists: { unconfirmed: (_account, recipients) => Promise.resolve(recipients) },
            conduct: accounts.mailConduct,
            organisations: accounts.organisations,
            known: {
              countNew: (...parameters) => known().countNew(...parameters),
              remember: (...parameters) => known().remember(...parameters),
              forget: (...parameters) => known().forget(...parameters),
            },
            clock,
            events,
          }),
        ),
      ]
    },
  })
  db = await openDb({ url: reception.platform.databaseUrl, role: 'sealpost_smtp' })
})
afterAll(async () => {
  await stack.disposeAsync()
  await db[Symbol.asyncDispose]()
  await reception[Symbol.asyncDispose]()
})
beforeEach(async () => {
  users += 1
  user = `user${String(users)}@localhost`
  await reception.accounts.create(parseJid(user), PASSWORD)
})

const known = (): KnownRecipients => new KnownRecipients(db, 'key')
const count = async (): Promise<number> =>
  (await db.query<{ rows: number }>(sql`select count(*)::int as rows from smtp.known_recipient`))[0]?.rows ??
  0

async function mailTo(to: readonly string[], text = 'Subject: x\r\n\r\nx'): Promise<string> {
  return await send(await reception.signedIn(user), { from: user, to, text })
}

describe('what an account may send', () => {
  test('so many messages an hour; they come back evenly', async () => {
    for (let each = 0; each < 5; each++) expect(await mailTo(['a@elsewhere.example'])).toMatch(/^250/)
    expect(await mailTo(['a@elsewhere.example'])).toMatch(/^450 4\.7\.1 You have sent as much/)
    await clock.advance(HOUR_MS / 5)
    expect(await mailTo(['a@elsewhere.example'])).toMatch(/^250/)
  })

  test('so many recipients a message and an hour', async () => {
    const client = await reception.signedIn(user)
    await client.ask(`MAIL FROM:<${user}>`)
    const ask = (each: number): Promise<string> => client.ask(`RCPT TO:<a${String(each)}@elsewhere.example>`)
    for (let each = 0; each < 4; each++) expect(await ask(each)).toMatch(/^250/)
    expect(await ask(4)).toMatch(/^452 4\.5\.3/)
    const four = [0, 1, 2, 3].map((each) => `a${String(each)}@elsewhere.example`)
    for (let each = 0; each < 2; each++) expect(await mailTo(four)).toMatch(/^250/)
    expect(await mailTo(['a0@elsewhere.example'])).toMatch(/^450 4\.7\.1/)
  })

  test('so many mails of all accounts of an organisation in a day, however many send at once; tomorrow it may again', async () => {
    const { accounts } = reception
    const { id } = await accounts.organisations.create({
      name: 'Senders',
      kind: 'customer',
      parentId: undefined,
      pools: { mails_per_day: 6 },
    })
    const members = ['one', 'two', 'three', 'four'].map((name) => `${name}${user}`)
    for (const jid of members) {
      await accounts.create(parseJid(jid), PASSWORD)
      await accounts.organisations.moveAccount(parseJid(jid), id)
    }
    const sendAll = async () => {
      const tries = members.flatMap((jid) =>
        [0, 1, 2].map(async () =>
          send(await reception.signedIn(jid), {
            from: jid,
            to: ['a@elsewhere.example'],
            text: 'Subject: x\r\n\r\nx',
          }),
        ),
      )
      return await Promise.all(tries)
    }
    const replies = await sendAll()
    expect(replies.filter((reply) => reply.startsWith('250'))).toHaveLength(6)
    for (const reply of replies.filter((each) => !each.startsWith('250')))
      expect(reply).toMatch(/^450 4\.7\.1 Your organisation has sent as much/)
    expect((await accounts.organisations.pools(id)).mails_per_day).toEqual({ size: 6, used: 6, given: 0 })
    expect(await mailTo(['a@elsewhere.example'])).toMatch(/^250/)
    await clock.advance(24 * HOUR_MS)
    expect((await sendAll()).filter((reply) => reply.startsWith('250'))).toHaveLength(6)
  })

  test('so many people it has never written to, and any number of others', async () => {
    const three = (from: number): string[] =>
      [0, 1, 2].map((each) => `n${String(from + each)}@elsewhere.example`)
    const before = await count()
    expect(await mailTo(three(0))).toMatch(/^250/)
    await expect.poll(count).toBe(before + 3)
    expect(await mailTo(three(2))).toMatch(/^250/)
    await expect.poll(count).toBe(before + 5)
    await clock.advance(HOUR_MS)
    expect(await mailTo(three(5))).toMatch(/^450 4\.7\.1 You have written to as many new/)
    expect(await mailTo(['N0@elsewhere.example', 'n1@elsewhere.example'])).toMatch(/^250/)
  })

  test('nobody can read from the table to whom; half a year later it is forgotten', async () => {
    const account = await reception.accounts.find(parseJid(user))
    const recipient = { local: 'secret', domain: 'elsewhere.example' }
    const id = account?.id ?? ''
    await known().remember(id, [recipient], '2026-01-01')
    const rows = JSON.stringify(await db.query(sql`select *, pair::text as text from smtp.known_recipient`))
    expect(rows).not.toMatch(new RegExp(`secret|elsewhere|${id}`))
    expect(await known().countNew(id, [recipient])).toBe(0)
    expect(await new KnownRecipients(db, 'other key').countNew(id, [recipient])).toBe(1)
    await known().remember(id, [recipient], '2026-03-01')
    await known().forget('2026-07-10')
    expect(await known().countNew(id, [recipient])).toBe(0)
    await known().forget('2026-10-01')
    expect(await known().countNew(id, [recipient])).toBe(1)
  })

  test('an administrator restricts one account, and it alone, at once', async () => {
    const { mailConduct } = reception.accounts
    await mailConduct.setLimit(parseJid(user), 1)
    expect(await mailTo(['a@elsewhere.example'])).toMatch(/^250/)
    expect(await mailTo(['a@elsewhere.example'])).toMatch(/^450 4\.7\.1/)
    await mailConduct.setLimit(parseJid(user), 0)
    expect(await mailTo(['a@elsewhere.example'])).toMatch(/^450 4\.7\.1/)
    await mailConduct.setLimit(parseJid(user), undefined)
    expect(await mailTo(['a@elsewhere.example'])).toMatch(/^250/)
  })
})

describe('plans', () => {
  test('say for the accounts that have them what they may send, at once', async () => {
    const { plans } = reception.accounts
    await plans.set('plus', { messages_per_hour: 7, recipients_per_message: 2 })
    await plans.assign(parseJid(user), 'plus')
    const client = await reception.signedIn(user)
    await client.ask(`MAIL FROM:<${user}>`)
    for (const [to, reply] of [
      ['a', '250'],
      ['b', '250'],
      ['c', '452 4.5.3'],
    ] as const)
      expect(await client.ask(`RCPT TO:<${to}@elsewhere.example>`)).toContain(reply)
    for (let each = 0; each < 7; each++) expect(await mailTo(['a@elsewhere.example'])).toMatch(/^250/)
    expect(await mailTo(['a@elsewhere.example'])).toMatch(/^450 4\.7\.1/)
    await plans.set('plus', { messages_per_hour: 0 })
    expect(await mailTo(['a@elsewhere.example'])).toMatch(/^450 4\.7\.1/)
    await plans.assign(parseJid(user), 'default')
    expect(await mailTo(['a@elsewhere.example'])).toMatch(/^250/)
  })
})

test.each([
  ['mails', 'messages_per_day'],
  ['recipients', 'recipients_per_day'],
  ['new-people', 'new_recipients_per_day'],
] as const)('a plan bounds the day, too: %s', async (name, limit) => {
  const { plans } = reception.accounts
  await plans.set(name, { [limit]: 2 })
  await plans.assign(parseJid(user), name)
  for (const to of ['one', 'two']) expect(await mailTo([`${to}-${name}@elsewhere.example`])).toMatch(/^250/)
  await clock.advance(2 * HOUR_MS)
  expect(await mailTo([`three-${name}@elsewhere.example`])).toMatch(/^45[02] 4/)
  await clock.advance(22 * HOUR_MS)
  expect(await mailTo([`three-${name}@elsewhere.example`])).toMatch(/^250/)
})

describe('what an administrator is told of', () => {
  const reasons = async (): Promise<string[]> => {
    const account = await reception.accounts.find(parseJid(user))
    const reviews = await reception.accounts.mailConduct.reviews()
    return reviews.filter(({ accountId }) => accountId === account?.id).map(({ reason }) => reason)
  }

  test('a mailbox that gets too much in a day, once', async () => {
    const mx = await reception.connect('mx')
    const mail = { from: 'a@elsewhere.example', to: [user], text: 'Subject: x\r\n\r\nx' }
    for (let each = 0; each < 2; each++) await send(mx, mail)
    expect(await reasons()).toEqual([])
    await send(mx, mail)
    await expect.poll(reasons).toEqual(['mailbox-messages'])
    await send(mx, { ...mail, text: `Subject: x\r\n\r\n${'x'.repeat(60)}${'\r\nxxxxxxxxxx'.repeat(200)}` })
    await expect.poll(reasons).toEqual(['mailbox-bytes', 'mailbox-messages'])
  })

  test('by default of the 3,000th mail of a day into one mailbox, of 1,024 MiB, and of the 20th file of 20 MiB', async () => {
    const { accounts, platform } = reception
    const account = await accounts.find(parseJid(user))
    const events = createEvents(platform)
    await using stage = mailReviewStage({ accounts, domains: ['localhost'], clock, events })
    const mailbox = { local: user.replace('@localhost', ''), domain: 'localhost' }
    const mail = (to: object[], bytes: number, file = 0): void => {
      const transaction = {
        client: { account },
        notes: new Map(),
        envelope: { recipients: to.map((address) => ({ address })) },
      } as unknown as Transaction
      largestAttachment.set(transaction, file)
      const header = Buffer.alloc(1_000)
      void stage.message?.(transaction, { header, bodyBytes: bytes - header.length, body: () => never() })
      stage.accepted?.(transaction)
    }
    async function* never(): AsyncGenerator<Buffer> {}
    for (let each = 0; each < 2_998; each++) mail([mailbox], 1_000)
    mail([mailbox], 2 ** 30 - 2_998_001)
    await stage[Symbol.asyncDispose]()
    expect(await reasons()).toEqual([])
    mail([mailbox], 1_000)
    await expect.poll(reasons).toEqual(['mailbox-bytes', 'mailbox-messages'])
    for (let each = 0; each < 20; each++) {
      mail([], 1_000, 20 * 2 ** 20 - 1)
      expect(await reasons()).not.toContain('large-files')
      mail([], 1_000, 20 * 2 ** 20)
    }
    await expect.poll(reasons).toContain('large-files')
  })

  test('an account that sends large files again and again', async () => {
    const file = `Content-Type: application/zip\r\n\r\n${'x'.repeat(200)}`
    expect(await mailTo(['a@elsewhere.example'], file)).toMatch(/^250/)
    expect(await reasons()).toEqual([])
    expect(await mailTo(['a@elsewhere.example'], file)).toMatch(/^250/)
    await expect.poll(reasons).toEqual(['large-files'])
  })
})
