import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { systemClock } from '@sealpost/runtime'
import { expect, onTestFinished, test } from 'vitest'
import type { Outcome } from '../queue/carrier.ts'
import { envelopeFor } from '../queue/_fixture.ts'
import { SmtpSession } from './smtp-session.ts'
import { sendMail } from './transaction.ts'

const HELLO = '250-peer.example\r\n250-PIPELINING\r\n250 8BITMIME'
const BODY = '.a\r\nb\r\n'

/** One connection of a server that answers commands by their first word; what it was told, line by line. */
async function converse(
  replies: Readonly<Record<string, string>>,
  ...recipients: readonly string[]
): Promise<{ readonly outcomes: Outcome[]; readonly lines: string[]; readonly session: SmtpSession }> {
  const lines: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.write('220 peer.example\r\n')
    createInterface({ input: socket }).on('line', (line) => {
      lines.push(line)
      const reply = replies[line] ?? replies[line.split(/[ :]/)[0] ?? '']
      if (reply !== undefined) socket.write(`${reply}\r\n`)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const session = await SmtpSession.open({
    host: 'peer.example',
    address: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    protocol: 'smtp',
    name: 'relay.example',
    tls: { kind: 'none' },
    implicitTls: false,
    ca: undefined,
    clock: systemClock,
    signal: new AbortController().signal,
  })
  onTestFinished(() => session[Symbol.dispose]())
  const envelope = envelopeFor('ann@example.org', ...recipients)
  const content = {
    header: Buffer.from('Subject: x\r\n\r\n'),
    bodyBytes: BODY.length,
    body: () => Readable.from([Buffer.from(BODY)]),
  }
  const transaction = { envelope, recipients: envelope.recipients, content, protocol: 'smtp' } as const
  return { outcomes: await sendMail(session, transaction), lines, session }
}

test('envelope and DATA go together, and the mail behind them as it was (RFC 2920 §3.1)', async () => {
  const replies = { EHLO: HELLO, MAIL: '250 ok', RCPT: '250 ok', DATA: '354 go', '.': '250 2.0.0 taken' }
  const { outcomes, lines, session } = await converse(replies, 'bob@example.com', 'eve@example.com')
  expect(outcomes.map(({ result }) => result)).toEqual(['delivered', 'delivered'])
  expect(lines.slice(1, 5)).toEqual([
    'MAIL FROM:<ann@example.org> BODY=8BITMIME',
    'RCPT TO:<bob@example.com>',
    'RCPT TO:<eve@example.com>',
    'DATA',
  ])
  expect(lines.slice(5)).toEqual(['Subject: x', '', '..a', 'b', '.'])
  expect([session.isOpen, session.isClean]).toEqual([true, true])
})

test.each([
  ['no recipient', { MAIL: '250 ok', RCPT: '550 5.1.1 nobody' }, '5.1.1'],
  ['not the sender', { MAIL: '550 5.7.1 go away', RCPT: '503 no' }, '5.7.1'],
])(
  'a server that takes %s and asks for the mail all the same does not get it',
  async (_what, refusals, status) => {
    const { outcomes, lines, session } = await converse(
      { EHLO: HELLO, ...refusals, DATA: '354 go' },
      'bob@example.com',
    )
    expect(outcomes).toMatchObject([{ result: 'failed', reply: { status } }])
    expect(lines.at(-1)).toBe('DATA')
    expect(session.isOpen).toBe(false)
  },
)

test('a session over which something was said that nobody asked takes no other mail', async () => {
  const replies = {
    EHLO: HELLO,
    MAIL: '250 ok',
    RCPT: '250 ok',
    DATA: '354 go',
    '.': '250 taken\r\n250 taken',
  }
  const { outcomes, session } = await converse(replies, 'bob@example.com')
  expect(outcomes.map(({ result }) => result)).toEqual(['delivered'])
  expect(session.isOpen).toBe(false)
})

test('without PIPELINING nothing is said before the last word was answered', async () => {
  const replies = { EHLO: '250 peer.example', MAIL: '250 ok', RCPT: '450 4.2.1 later', DATA: '354 go' }
  const { outcomes, lines } = await converse(replies, 'bob@example.com')
  expect(outcomes).toMatchObject([{ result: 'deferred', reply: { status: '4.2.1' } }])
  expect(lines).not.toContain('DATA')
})
