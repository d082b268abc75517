import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attachmentsStage } from '../src/stages/attachments.ts'
import { ownAddressesStage } from '../src/stages/own-addresses.ts'
import { submissionHeaderStage } from '../src/stages/submission-header.ts'
import { traceStage } from '../src/stages/trace.ts'
import { ALICE, openTestReception, send } from './reception.ts'
import type { TestReception } from './reception.ts'
import type { SmtpClient } from './smtp-client.ts'

const BOB = 'bob@localhost'

let reception: TestReception
let client: SmtpClient

beforeAll(async () => {
  reception = await openTestReception({
    stages: ({ platform: { clock, random, domains } }) => [
      traceStage({ host: 'localhost', clock }),
      ownAddressesStage({ domains }),
      submissionHeaderStage({ clock, random }),
      attachmentsStage,
    ],
  })
})
afterAll(() => reception[Symbol.asyncDispose]())

/** The header that was queued, or the refusal. */
async function submit(header: string, from = ALICE): Promise<string> {
  client = await reception.signedIn()
  const count = reception.queue.mails.length
  const reply = await send(client, { from, to: [BOB], text: `${header}\r\n\r\nbody` })
  return reply.startsWith('250') ? (await reception.queue.mail(count + 1)).header.toString() : reply
}

describe('nobody forges (RFC 5322 §3.6.2)', () => {
  test.each([
    ['the sender itself', `From: ${ALICE}`],
    ['a name of one’s choice', `From: "Alice, at home" <${ALICE.toUpperCase()}>`],
    [
      'all other originators',
      `From: ${ALICE}\r\nSender: ${ALICE}\r\nReply-To: A <${ALICE}>\r\nResent-From: ${ALICE}`,
    ],
    ['others as recipients', `From: ${ALICE}\r\nTo: ${BOB}\r\nResent-To: ${BOB}\r\nCc: x@elsewhere.example`],
  ])('%s is sent', async (_what, header) => {
    expect(await submit(header)).toContain('From:')
  })

  test.each([
    ['another user', `From: ${BOB}`],
    ['a stranger', 'From: ceo@elsewhere.example'],
    ['no From', 'Subject: x'],
    ['two From', `From: ${ALICE}\r\nFrom: ${BOB}`],
    ['two addresses', `From: ${ALICE}, ${BOB}`],
    ['the same twice', `From: ${ALICE}\r\nFROM : ${ALICE}`],
    ['a group of two', `From: Friends: ${ALICE}, ${BOB};`],
    ['an address in an address', `From: <${BOB}> <${ALICE}>`],
    ['an address behind the address', `From: ${ALICE} ${BOB}`],
    ['a route with another', `From: <${BOB}@x:${ALICE}`],
    ['nothing', 'From: '],
    ['another Sender', `From: ${ALICE}\r\nSender: ${BOB}`],
    ['another Reply-To', `From: ${ALICE}\r\nReply-To: ${ALICE}, ${BOB}`],
    ['another Resent-From', `From: ${ALICE}\r\nResent-From: ${BOB}`],
    ['another Resent-Sender', `From: ${ALICE}\r\nResent-Sender: ${BOB}`],
    ['an unreadable Reply-To', `From: ${ALICE}\r\nReply-To: (`],
  ])('%s is refused', async (_what, header) => {
    expect(await submit(header)).toMatch(/^550 5\.7\.1/)
  })

  test.each([BOB, 'ceo@elsewhere.example', 'alice-c4n4ry@elsewhere.example'])(
    'MAIL FROM:<%s> is refused',
    async (from) => {
      const signedIn = await reception.signedIn()
      expect(await signedIn.ask(`MAIL FROM:<${from}>`)).toMatch(/^553 5\.7\.1/)
      expect(await signedIn.ask(`MAIL FROM:<${ALICE}>`)).toMatch(/^250/)
    },
  )

  test('the null sender is for notifications (RFC 8098 §3)', async () => {
    const signedIn = await reception.signedIn()
    expect(await signedIn.ask('MAIL FROM:<>')).toMatch(/^250/)
  })
})

describe('what tells about the sender is taken off', () => {
  test('client, address, way and blind copies', async () => {
    const gone = [
      'Received: from laptop ([192.0.2.77]) by x',
      'User-Agent: Mua 1.0',
      'X-Mailer: Mua',
      'X-Originating-IP: [192.0.2.77]',
      'Bcc: secret@elsewhere.example,\r\n other@elsewhere.example',
      'Resent-Bcc: secret@elsewhere.example',
      'Return-Path: <x@elsewhere.example>',
      'X-Mozilla-Status: 0001',
    ]
    const header = await submit(
      [...gone, `From: ${ALICE}`, 'Subject: stays', 'Autocrypt: addr=x'].join('\r\n'),
    )
    expect(header).toMatch(
      /^From: .*\r\nSubject: stays\r\nAutocrypt: addr=x\r\nDate: .* \+0000\r\nMessage-ID: <[\da-f]{36}@localhost>\r\n\r\n$/,
    )
  })

  test('Date and Message-ID stay when they are there', async () => {
    const header = `From: ${ALICE}\r\nDate: Thu, 1 Jan 2026 00:00:00 +0100\r\nMessage-ID: <x@y>\r\n`
    expect(await submit(header.trimEnd())).toBe(`${header}\r\n`)
  })

  test('nothing of it is done to mail from other servers, which gets a trace (RFC 5321 §4.4)', async () => {
    const mx = await reception.connect('mx')
    await mx.startTls(reception.ca)
    await mx.ask('EHLO relay.elsewhere.example')
    const text = 'Received: from a\r\nFrom: ceo@elsewhere.example\r\nX-Mailer: Mua\r\n\r\nx'
    expect(await send(mx, { from: 'ceo@elsewhere.example', to: [BOB], text })).toMatch(/^250/)
    expect(reception.queue.mails.at(-1)?.header.toString()).toMatch(
      /^Received: from relay\.elsewhere\.example \(\[127\.0\.0\.1\]\)\r\n\tby localhost with ESMTPS id \S{16} tls TLS_\w+;\r\n\t\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\nReceived: from a\r\nFrom: .*\r\nX-Mailer: Mua\r\n\r\n$/,
    )
    expect(reception.platform.logged()).not.toContain('127.0.0.1')
  })

  test('a name in EHLO that is none does not get into the trace', async () => {
    const mx = await reception.connect('mx')
    await mx.ask('EHLO x (by evil.example); x')
    await send(mx, { from: 'a@elsewhere.example', to: [BOB], text: 'Subject: x\r\n\r\nx' })
    expect(reception.queue.mails.at(-1)?.header.toString()).toMatch(/^Received: from unknown \(\[127/)
  })

  test('a mail that has gone in circles is refused (RFC 5321 §6.3)', async () => {
    const text = `${'Received: from a\r\n'.repeat(100)}\r\nx`
    const mx = await reception.connect('mx')
    expect(await send(mx, { from: 'a@elsewhere.example', to: [BOB], text })).toMatch(/^554 5\.4\.6/)
  })
})

describe('attachments', () => {
  const LINE = `${'QUJD'.repeat(19)}\r\n`
  const MIB_LINES = Buffer.from(LINE.repeat(Math.ceil((1024 * 1024) / 57)))

  /** Of so many decoded MiB, roughly. */
  async function attach(megabytes: number, type = 'application/zip'): Promise<string> {
    const mx = await reception.connect('mx')
    for (const line of ['MAIL FROM:<a@elsewhere.example>', `RCPT TO:<${BOB}>`, 'DATA']) await mx.ask(line)
    const head = `Content-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\n\r\n`
    mx.send(`Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n${head}`)
    for (let count = 0; count < megabytes; count++) await mx.sendAll(MIB_LINES)
    return await mx.ask('--b--\r\n.')
  }

  test('one of more than 30 MB is refused, and the reply says how large it is', async () => {
    const count = reception.queue.mails.length
    expect(await attach(31)).toBe('552 5.3.4 An attachment has 31.1 MB decoded; 30.0 MB are allowed')
    expect(reception.queue.mails).toHaveLength(count)
  })

  test('a thousand parts are refused', async () => {
    const text = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\n'.repeat(1_001)}`
    const mx = await reception.connect('mx')
    expect(await send(mx, { from: 'a@elsewhere.example', to: [BOB], text })).toMatch(/^550 5\.6\.0/)
  })
})
