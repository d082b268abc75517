import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Client } from 'pg'
import { median } from '../../../test/rank-test.ts'
import type { Stage } from '../src/reception/stage.ts'
import { SmtpReply } from '../src/smtp-reply.ts'
import { ALICE, openTestReception, send } from './reception.ts'
import type { TestReception } from './reception.ts'
import { SmtpClient } from './smtp-client.ts'

const SENDER = 'sender@elsewhere.example'
const MAIL = `From: ${SENDER}\r\nSubject: one\r\n\r\nHello\r\n..\r\nBye`

/** In a file of the spool. */
const LARGE = 'large\r\n'.repeat(50_000)

/** What the stage under test does, and what it has seen. */
let stage: Partial<Stage> = {}
let seen: string[] = []

const hooks: Stage = {
  name: 'test',
  connect: (client) => stage.connect?.(client),
  header: (transaction) => stage.header?.(transaction),
  watch: (transaction) => stage.watch?.(transaction),
  message: (transaction, content) => stage.message?.(transaction, content),
  accepted: ({ id }) => void seen.push(`accepted ${String(id.length > 10)}`),
}

let reception: TestReception

beforeAll(async () => {
  reception = await openTestReception({ stages: () => [hooks] })
})
afterAll(() => reception[Symbol.asyncDispose]())
beforeEach(() => {
  stage = {}
  seen = []
})

const mailTo = async (text: string, to = [ALICE]): Promise<string> =>
  await send(await reception.connect('mx'), { from: SENDER, to, text })

const spooled = (): Promise<string[]> => readdir(reception.queue.spoolDir)

/** As its superuser. */
async function databaseOf({ platform }: TestReception): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString: platform.databaseUrl })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}

describe('DATA (RFC 5321 §4.1.1.4)', () => {
  test('a mail is queued as it came, dots taken off, before its 250', async () => {
    const count = reception.queue.mails.length + 1
    const reply = await mailTo(MAIL)
    const { id, header, body, envelope, account } = await reception.queue.mail(count)
    expect(reply).toBe(`250 2.6.0 Queued as ${id}`)
    expect(header.toString()).toBe(`From: ${SENDER}\r\nSubject: one\r\n\r\n`)
    expect(body.toString()).toBe('Hello\r\n.\r\nBye\r\n')
    expect(envelope.sender).toEqual({ local: 'sender', domain: 'elsewhere.example' })
    expect(envelope.recipients.map(({ address }) => address.local)).toEqual(['alice-c4n4ry'])
    expect(account).toBeUndefined()
    expect(seen).toEqual(['accepted true'])
  })

  test('several mails go over one connection, pipelined (RFC 2920)', async () => {
    const client = await reception.connect('mx')
    for (let round = 0; round < 3; round++) {
      client.send(`MAIL FROM:<${SENDER}>\r\nRCPT TO:<${ALICE}>\r\nRCPT TO:<bob@localhost>\r\nDATA\r\n`)
      for (const code of ['250 2.1.0', '250 2.1.5', '250 2.1.5', '354'])
        expect(await client.ask()).toContain(code)
      client.send(`Subject: x\r\n\r\nbody\r\n.\r\nNOOP\r\n`)
      expect(await client.ask()).toMatch(/^250 2\.6\.0/)
      expect(await client.ask()).toBe('250 2.0.0 Ok')
    }
    expect((await reception.queue.mail(reception.queue.mails.length)).envelope.recipients).toHaveLength(2)
  })

  test('a mail without body, and one without header', async () => {
    expect(await mailTo('Subject: only')).toMatch(/^250/)
    expect(reception.queue.mails.at(-1)?.header.toString()).toBe('Subject: only\r\n\r\n')
    expect(reception.queue.mails.at(-1)?.body).toHaveLength(0)
    expect(await mailTo('\r\nonly body')).toMatch(/^250/)
    expect(reception.queue.mails.at(-1)?.body.toString()).toBe('only body\r\n')
  })

  test.each([
    ['no header', 'just text\r\n\r\nmore', '550 5.6.0'],
    ['a header without end', `${'X-Long: x\r\n'.repeat(30_000)}\r\nbody`, '552 5.3.4'],
  ])('%s is refused, and the connection goes on', async (_what, text, reply) => {
    const client = await reception.connect('mx')
    expect(await send(client, { from: SENDER, to: [ALICE], text })).toContain(reply)
    expect(await send(client, { from: SENDER, to: [ALICE], text: MAIL })).toMatch(/^250/)
  })

  test('a client that vanishes in the middle leaves nothing', async () => {
    const before = reception.queue.mails.length
    const gone = Promise.withResolvers<void>()
    stage.watch = () => ({
      write: () => undefined,
      end: () => undefined,
      abandon: () => gone.resolve(),
    })
    const client = await reception.connect('mx')
    for (const line of [`MAIL FROM:<${SENDER}>`, `RCPT TO:<${ALICE}>`, 'DATA']) await client.ask(line)
    client.send(`Subject: x\r\n\r\n${LARGE.repeat(8)}`) // More than is held in memory before it goes to a file.
    await expect.poll(() => spooled()).toHaveLength(1)
    client[Symbol.dispose]()
    await gone.promise
    await expect.poll(() => spooled()).toEqual([])
    expect(reception.queue.mails).toHaveLength(before)
  })
})

describe('SMTP smuggling: nothing but CRLF.CRLF ends a mail (RFC 5321 §2.3.8, §4.1.1.4)', () => {
  test.each([
    '\n.\n',
    '\n.\r\n',
    '\r\n.\n',
    '\r.\r',
    '\r.\r\n',
    '\r\n.\r',
    '\r\r\n.\r\r\n',
    '\r\n\0.\r\n',
    '\n\n.\r\n',
    '\r\n.\r\r\n',
  ])('after %j what follows is text, and the mail is refused', async (end) => {
    const before = reception.queue.mails.length
    const client = await reception.connect('mx')
    const smuggled = `MAIL FROM:<eve@localhost>\r\nRCPT TO:<${ALICE}>\r\nDATA\r\nSubject: smuggled\r\n\r\nx`
    const text = `Subject: a\r\n\r\nb${end}${smuggled}`
    expect(await send(client, { from: SENDER, to: [ALICE], text })).toMatch(/^550 5\.6\.11/)
    expect(await client.ask('NOOP')).toBe('250 2.0.0 Ok')
    expect(reception.queue.mails).toHaveLength(before)
  })

  test('a bare LF ends no command: the connection is closed', async () => {
    const client = await reception.connect('mx')
    client.send(`MAIL FROM:<${SENDER}>\nRCPT TO:<${ALICE}>\r\n`)
    expect(await client.ask()).toMatch(/^521 5\.5\.2/)
    await client.untilClosed()
  })

  test('a text that is sent with DATA, before 354, is not taken (RFC 2920 §3.1)', async () => {
    const client = await reception.connect('mx')
    client.send(`MAIL FROM:<${SENDER}>\r\nRCPT TO:<${ALICE}>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n`)
    expect([await client.ask(), await client.ask()].join()).toMatch(/250.*250/)
    expect(await client.ask()).toMatch(/^521 5\.5\.0/)
  })

  test('a command that is sent in clear behind STARTTLS is not obeyed under TLS (RFC 3207 §5)', async () => {
    const client = await reception.connect('mx')
    client.send(`STARTTLS\r\nMAIL FROM:<${SENDER}>\r\n`)
    expect(await client.ask()).toMatch(/^521 5\.5\.0/)
    await client.untilClosed()
  })

  test('who talks before the greeting is sent away', async () => {
    const slow = Promise.withResolvers<undefined>()
    stage.connect = () => slow.promise
    const client = await SmtpClient.connect(reception.ports.mx)
    await client.sendAll(Buffer.from('EHLO early\r\n'))
    stage = {}
    await reception.connect('mx') // by now the server has what the first one said
    slow.resolve(undefined)
    expect(await client.ask()).toMatch(/^521 5\.5\.0/)
    client[Symbol.dispose]()
  })
})

describe('stages', () => {
  const refusal = () => new SmtpReply(550, '5.7.1', 'Refused by test')

  test.each<[string, Partial<Stage>]>([
    ['header', { header: refusal }],
    ['watch', { watch: () => ({ write: refusal, end: () => undefined }) }],
    ['end of watch', { watch: () => ({ write: () => undefined, end: refusal }) }],
    ['message', { message: () => Promise.resolve(refusal()) }],
  ])('a refusal at %s is the reply, and nothing is queued', async (_moment, handlers) => {
    stage = handlers
    const before = reception.queue.mails.length
    expect(await mailTo(`${MAIL}\r\n${LARGE}`)).toBe('550 5.7.1 Refused by test')
    expect(reception.queue.mails).toHaveLength(before)
    expect(await spooled()).toEqual([])
    expect(seen).toEqual([])
  })

  test('they change the header, and see header and body whole', async () => {
    stage.header = ({ header }) => {
      header.prepend('X-Stage', 'seen')
      return undefined
    }
    stage.message = async (_transaction, content) => {
      const chunks: Buffer[] = []
      for await (const chunk of content.body()) chunks.push(chunk)
      seen.push(`${content.header.toString()}${Buffer.concat(chunks).toString()}${String(content.bodyBytes)}`)
      return undefined
    }
    expect(await mailTo(MAIL)).toMatch(/^250/)
    const header = `X-Stage: seen\r\nFrom: ${SENDER}\r\nSubject: one\r\n\r\n`
    expect(seen).toEqual([`${header}Hello\r\n.\r\nBye\r\n15`, 'accepted true'])
    expect(reception.queue.mails.at(-1)?.header.toString()).toBe(header)
  })

  test('one that breaks defers the mail', async () => {
    stage.message = () => {
      throw new Error('broken')
    }
    expect(await mailTo(MAIL)).toMatch(/^451 4\.3\.0/)
  })

  test('what the queue cannot keep is deferred (RFC 3463 §3.4), and leaves nothing', async () => {
    await using client = await databaseOf(reception)
    await client.query('alter table smtp.mail rename to away')
    expect(await mailTo(`${MAIL}\r\n${LARGE}`)).toMatch(/^451 4\.3\.0/)
    await client.query('alter table smtp.away rename to mail')
    await expect.poll(() => spooled()).toEqual([])
    expect(await mailTo(MAIL)).toMatch(/^250/)
  })
})

describe('size (RFC 1870)', () => {
  const MIB = Buffer.alloc(1024 * 1024, `${'x'.repeat(62)}\r\n`)

  test('a mail beyond the limit is read to its end and refused; one that goes on for long is cut off', async () => {
    await using small = await openTestReception({ messageBytesMax: 1024 * 1024 })
    const client = await small.connect('mx')
    const begin = async (): Promise<void> => {
      for (const line of [`MAIL FROM:<${SENDER}>`, `RCPT TO:<${ALICE}>`, 'DATA']) await client.ask(line)
      client.send('Subject: x\r\n\r\n')
      await client.sendAll(MIB)
    }
    await begin()
    expect(await client.ask('.')).toMatch(/^552 5\.3\.4/)
    await begin()
    await client.sendAll(MIB)
    client.send(MIB)
    expect(await client.ask()).toMatch(/^552 5\.3\.4|^closed/)
    await client.untilClosed()
    await expect.poll(() => readdir(small.queue.spoolDir)).toEqual([])
    expect(small.queue.mails).toEqual([])
  })

  test('a body of "..CRLF" lines does not hold up others (30 MB)', async () => {
    const before = reception.queue.mails.length
    const greeted = async (): Promise<number> => {
      const start = performance.now()
      using other = await SmtpClient.connect(reception.ports.mx)
      await other.ask()
      return performance.now() - start
    }
    const [idle, waits]: [number[], number[]] = [[], []]
    while (idle.length < 20) idle.push(await greeted())
    const sender = new Worker(new URL('send-dots.ts', import.meta.url), {
      workerData: { port: reception.ports.mx, from: SENDER, to: ALICE, bytes: 30 * 1024 * 1024 },
    })
    const sending = new AbortController()
    const ended = once(sender, 'message').finally(() => sending.abort())
    await once(sender, 'online')
    while (!sending.signal.aborted && waits.length < 200) waits.push(await greeted())
    expect((await ended)[0]).toMatch(/^250/)
    expect(waits.length).toBeGreaterThan(0)
    expect(median(waits)).toBeLessThan(20 * median(idle) + 200)
    expect(reception.queue.mails[before]?.body).toHaveLength((30 * 1024 * 1024 * 3) / 4)
  })
})
