import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { scramClient } from '@sealpost/sasl'
import { ALICE, openTestReception, PASSWORD, send } from './reception.ts'
import type { TestReception } from './reception.ts'
import { SmtpClient } from './smtp-client.ts'

const MAIL = 'From: a@elsewhere.example\r\n\r\nHello'
const FROM = 'MAIL FROM:<a@elsewhere.example>'

let reception: TestReception

beforeAll(async () => {
  reception = await openTestReception()
})
afterAll(() => reception[Symbol.asyncDispose]())

async function asked(lines: readonly string[], client?: SmtpClient): Promise<string> {
  const used = client ?? (await reception.connect('mx'))
  let reply = ''
  for (const line of lines) reply = await used.ask(line)
  return reply
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('EHLO (RFC 5321 §4.1.1.1)', () => {
  test('what is offered before and under TLS', async () => {
    const client = await reception.connect('submission')
    const before = await client.ask('EHLO [192.0.2.1]')
    expect(before.split('\n')[0]).toBe('250-localhost')
    for (const each of [
      'PIPELINING',
      'SIZE 62914560',
      'STARTTLS',
      'ENHANCEDSTATUSCODES',
      '8BITMIME',
      'DSN',
      'SMTPUTF8',
    ])
      expect(before).toContain(each)
    expect(before).toContain('LIMITS MAILMAX=1000 RCPTMAX=100')
    expect(before).not.toMatch(/AUTH|REQUIRETLS/)
    await client.startTls(reception.ca)
    const after = await client.ask('EHLO [192.0.2.1]')
    expect(after).toMatch(/REQUIRETLS[^]*AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN/)
    expect(after).not.toContain('STARTTLS')
  })

  test('HELO offers nothing, and is enough', async () => {
    const client = await reception.connect('mx')
    expect(await client.ask('HELO client.example')).toBe('250 localhost')
    expect(await send(client, { from: 'a@elsewhere.example', to: [ALICE], text: MAIL })).toMatch(/^250/)
  })
})

describe('the order of commands (RFC 5321 §4.1.4)', () => {
  test.each([
    [['RSET', 'RCPT TO:<alice@localhost>'], '503 5.5.1'],
    [['DATA'], '503 5.5.1'],
    [[FROM, 'DATA'], '503 5.5.1'],
    [[FROM, FROM], '503 5.5.1'],
    [[FROM, 'RSET', FROM], '250 2.1.0'],
    [[FROM, 'EHLO again', FROM], '250 2.1.0'],
    [['AUTH PLAIN'], '502 5.5.1'],
    [['BDAT 10 LAST'], '502 5.5.1'],
    [['EXPN staff'], '502 5.5.1'],
    [[`VRFY ${ALICE}`], '252 2.1.5'],
    [['VRFY nobody'], '252 2.1.5'],
    [['NOOP anything'], '250 2.0.0'],
    [['HELP'], '214'],
    [['XCLIENT ADDR=192.0.2.1'], '500 5.5.1'],
    [['WIZ'], '500 5.5.1'],
    [['rset'], '250 2.0.0'],
    [['RSET now'], '501 5.5.4'],
    [['QUIT'], '221 2.0.0'],
    [['GET / HTTP/1.1'], '521'],
    [['"'], '500 5.5.2'],
    [['NOOP \u0000'], '500 5.5.2'],
    [['EHLO'], '501 5.5.4'],
  ])('%j: %s', async (lines, reply) => {
    expect(await asked(lines)).toContain(reply)
  })

  test('who does not say hello sends nothing', async () => {
    const client = await SmtpClient.connect(reception.ports.mx)
    await client.ask()
    expect(await client.ask(FROM)).toBe('503 5.5.1 EHLO first')
    client[Symbol.dispose]()
  })

  test('after STARTTLS everything said before is forgotten (RFC 3207 §4.2)', async () => {
    const client = await reception.connect('mx')
    await client.ask(FROM)
    await client.startTls(reception.ca)
    expect(await client.ask(`RCPT TO:<${ALICE}>`)).toMatch(/^503/)
    expect(await client.ask(FROM)).toMatch(/^503/)
    await client.ask('EHLO again')
    expect(await client.ask('STARTTLS')).toMatch(/^503/)
  })

  test('a client that has said everything and closes its side gets its replies', async () => {
    const client = await reception.connect('mx')
    client.send(`${FROM}\r\nRCPT TO:<${ALICE}>\r\nNOOP\r\n`)
    client.finish()
    for (const code of ['250 2.1.0', '250 2.1.5', '250 2.0.0']) expect(await client.ask()).toContain(code)
    await client.untilClosed()
  })
})

describe('MAIL and its parameters', () => {
  test.each([
    ['<>', '250'],
    ['<a@b.example> SIZE=62914560', '250'],
    ['<a@b.example> SIZE=62914561', '552 5.3.4'],
    ['<a@b.example> SIZE=x', '501 5.5.4'],
    ['<a@b.example> BODY=8BITMIME RET=HDRS ENVID=QQ+2B314159', '250'],
    ['<a@b.example> BODY=BINARYMIME', '501 5.5.4'],
    ['<a@b.example> RET=HALF', '501 5.5.4'],
    ['<a@b.example> ENVID=a=b', '501 5.5.4'],
    ['<a@b.example> RET=FULL RET=FULL', '501 5.5.4'],
    ['<a@b.example> REQUIRETLS', '555 5.5.4'],
    ['<a@b.example> AUTH=<>', '555 5.5.4'],
    ['<a@b.example> XYZ=1', '555 5.5.4'],
    ['<jürgen@b.example>', '553 5.6.7'],
    ['<a@bücher.example>', '553 5.6.7'],
    ['<jürgen@bücher.example> SMTPUTF8', '250'],
    ['<"two words"@b.example>', '250'],
    ['<"a@b"@b.example>', '250'],
    ['<@relay.example,@other.example:a@b.example>', '250'],
    [' <a@b.example>', '250'],
    ['<a@b.example', '501 5.5.4'],
    ['a@b.example', '501 5.5.4'],
    ['<a b@b.example>', '501 5.5.4'],
    ['<a@>', '553 5.1.7'],
    ['<a@b.example>SIZE=1', '501 5.5.4'],
  ])('MAIL FROM:%s gets %s', async (argument, reply) => {
    expect(await asked([`MAIL FROM:${argument}`])).toMatch(new RegExp(`^${reply}`))
  })

  test('REQUIRETLS is for TLS (RFC 8689 §2)', async () => {
    const client = await reception.connect('mx')
    await client.startTls(reception.ca)
    expect(await asked(['EHLO a', `${FROM} REQUIRETLS`, `RCPT TO:<${ALICE}>`, 'DATA'], client)).toMatch(
      /^354/,
    )
    await client.ask(`${MAIL}\r\n.`)
    expect(reception.queue.mails.at(-1)?.envelope.requireTls).toBe(true)
  })

  test('the envelope has what DSN and SMTPUTF8 said (RFC 3461 §4, RFC 6531 §3)', async () => {
    const client = await reception.connect('mx')
    const lines = [
      'MAIL FROM:<jürgen@b.example> SMTPUTF8 BODY=8BITMIME RET=FULL ENVID=a+2Bb',
      `RCPT TO:<${ALICE}> NOTIFY=SUCCESS,delay ORCPT=rfc822;list+2Bx@b.example`,
      'RCPT TO:<bob@localhost> NOTIFY=NEVER',
      'DATA',
      `${MAIL}\r\n.`,
    ]
    expect(await asked(lines, client)).toMatch(/^250/)
    expect(reception.queue.mails.at(-1)?.envelope).toEqual({
      sender: { local: 'jürgen', domain: 'b.example' },
      recipients: [
        {
          address: { local: 'alice-c4n4ry', domain: 'localhost' },
          notify: ['success', 'delay'],
          originalRecipient: 'rfc822;list+x@b.example',
        },
        { address: { local: 'bob', domain: 'localhost' }, notify: ['never'], originalRecipient: undefined },
      ],
      smtpUtf8: true,
      eightBit: true,
      requireTls: false,
      returnContent: 'full',
      envelopeId: 'a+b',
    })
  })
})

describe('RCPT', () => {
  test.each([
    [`<${ALICE}> NOTIFY=SUCCESS,NEVER`, '501 5.5.4'],
    [`<${ALICE}> NOTIFY=`, '501 5.5.4'],
    [`<${ALICE}> ORCPT=nothing`, '501 5.5.4'],
    [`<${ALICE}> SIZE=1`, '555 5.5.4'],
    ['<>', '553 5.1.3'],
    ['<bücher@localhost>', '553 5.6.7'],
    ['<postmaster>', '250 2.1.5'],
    ['<PostMaster@localhost>', '250 2.1.5'],
    ['<abuse@localhost>', '250 2.1.5'],
    ['<a/b@localhost>', '550 5.1.1'],
    ['<alice-c4n4ry@localhost/x>', '553 5.1.3'],
    ['<b@elsewhere.example>', '550 5.7.1'],
  ])('RCPT TO:%s gets %s', async (argument, reply) => {
    expect(await asked([FROM, `RCPT TO:${argument}`])).toMatch(new RegExp(`^${reply}`))
  })

  test('those beyond a hundred are for another transaction, however many a client tries (RFC 5321 §4.5.3.1.10)', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `b${String(index)}@elsewhere.example`)
    await using trusting = await openTestReception({ trusted: ['127.0.0.0/8'] })
    const trusted = await trusting.connect('mx')
    await trusted.ask(FROM)
    for (const name of names) await trusted.ask(`RCPT TO:<${name}>`)
    for (let count = 0; count < 150; count++)
      expect(await trusted.ask(`RCPT TO:<c${String(count)}@elsewhere.example>`)).toMatch(/^452 4\.5\.3/)
    expect(await asked(['DATA', `${MAIL}\r\n.`], trusted)).toMatch(/^250/)
    expect(trusting.queue.mails[0]?.envelope.recipients).toHaveLength(100)
  })

  test('who goes on for ever is sent away', async () => {
    const client = await reception.connect('mx')
    await client.ask(FROM)
    client.send(`RCPT TO:<${ALICE}>\r\n`.repeat(2_000))
    let reply = ''
    while (!client.closed && !reply.startsWith('421')) reply = await client.ask()
    expect(reply).toMatch(/^421 4\.7\.0/)
  })

  test('a recipient named again gets the mail once', async () => {
    const client = await reception.connect('mx')
    await client.ask(FROM)
    for (const name of [ALICE, ALICE.toUpperCase(), ALICE, 'Alice-C4n4ry@LOCALHOST', 'bob@localhost'])
      expect(await client.ask(`RCPT TO:<${name}>`)).toMatch(/^250 2\.1\.5/)
    expect(await asked(['DATA', `${MAIL}\r\n.`], client)).toMatch(/^250/)
    const recipients = reception.queue.mails.at(-1)?.envelope.recipients ?? []
    expect(recipients.map(({ address }) => address.local)).toEqual(['alice-c4n4ry', 'bob'])
  })

  test('a full mailbox is told at once, for a time (RFC 3463 §3.3)', async () => {
    const account = await reception.accounts.create(parseJid('full@localhost'), undefined)
    reception.full.add(account.id)
    const client = await reception.connect('mx')
    expect(await asked([FROM, 'RCPT TO:<full@localhost>'], client)).toMatch(/^452 4\.2\.2/)
    expect(await client.ask(`RCPT TO:<${ALICE}>`)).toMatch(/^250/)
    reception.full.delete(account.id)
    expect(await client.ask('RCPT TO:<full@localhost>')).toMatch(/^250/)
  })

  test('names that nobody has, suspended and deleted ones are refused alike; who tries many learns nothing more', async () => {
    await using own = await openTestReception()
    for (const name of ['suspended', 'deleted'])
      await own.accounts.create(parseJid(`${name}@localhost`), undefined)
    await own.accounts.suspend(parseJid('suspended@localhost'), 'abuse')
    await own.accounts.terminate(parseJid('deleted@localhost'))
    const replies = new Set<string>()
    for (const name of ['nobody', 'suspended', 'deleted'])
      replies.add(await asked([FROM, `RCPT TO:<${name}@localhost>`], await own.connect('mx')))
    expect([...replies]).toEqual(['550 5.1.1 No such mailbox here'])
    const guess = async (name: string): Promise<string> =>
      asked([FROM, `RCPT TO:<${name}@localhost>`], await own.connect('mx'))
    for (let count = 3; count < 25; count++)
      expect(await guess(`guess${String(count)}`)).toMatch(/^550 5\.1\.1/)
    for (const name of ['another', 'bob']) expect(await guess(name)).toMatch(/^450 4\.7\.1/)
    expect(await guess('postmaster')).toMatch(/^250/)
  })
})

describe('AUTH (RFC 4954)', () => {
  async function scram(
    client: SmtpClient,
    options: { plus?: 'tls-exporter' | 'tls-server-end-point'; password?: string; username?: string } = {},
  ): Promise<string> {
    const { plus, password = PASSWORD, username = ALICE } = options
    const exchange = scramClient({
      hash: 'SHA-256',
      plus: plus !== undefined,
      username,
      password,
      random: (count) => systemRandom.bytes(count),
      ...(plus === undefined ? {} : { channelBinding: { type: plus, data: client.channelBinding(plus) } }),
    })
    const mechanism = `SCRAM-SHA-256${plus === undefined ? '' : '-PLUS'}`
    const first = await client.ask(`AUTH ${mechanism} ${base64(exchange.first())}`)
    if (!first.startsWith('334 ')) return first
    const final = await exchange.final(Buffer.from(first.slice(4), 'base64').toString())
    const second = await client.ask(base64(final))
    if (!second.startsWith('334 ')) return second
    exchange.verify(Buffer.from(second.slice(4), 'base64').toString())
    return await client.ask('')
  }

  test.each([[undefined], ['tls-exporter'], ['tls-server-end-point']] as const)(
    'SCRAM-SHA-256, bound to the channel by %s: both prove who they are',
    async (plus) => {
      const client = await reception.connect('submissions')
      expect(await scram(client, plus === undefined ? {} : { plus })).toBe(
        '235 2.7.0 Authentication successful',
      )
      expect(await client.ask('AUTH PLAIN')).toMatch(/^503/)
      expect(await asked([`MAIL FROM:<${ALICE}>`, 'RCPT TO:<b@elsewhere.example>'], client)).toMatch(/^250/)
    },
  )

  test('a wrong proof, and a name that nobody has, get the same answers; the third ends the connection', async () => {
    const client = await reception.connect('submissions')
    expect(await scram(client, { password: 'wrong' })).toBe('535 5.7.8 Authentication credentials invalid')
    expect(await scram(client, { username: 'nobody@localhost' })).toBe(
      '535 5.7.8 Authentication credentials invalid',
    )
    expect(await scram(client, { password: 'wrong again' })).toMatch(/^421 4\.7\.0/)
    await client.untilClosed()
  })

  test.each([
    [['AUTH PLAIN', base64(`\0${ALICE}\0${PASSWORD}`)], '235 2.7.0'],
    [[`AUTH LOGIN ${base64(ALICE)}`, base64(PASSWORD)], '235 2.7.0'],
    [['AUTH PLAIN', '*'], '501 5.7.0'],
    [['AUTH PLAIN', 'not base64'], '501 5.5.2'],
    [['AUTH PLAIN ='], '535 5.7.8'],
    [['AUTH SCRAM-SHA-256 bm9uc2Vuc2U='], '535 5.7.8'],
    [['AUTH CRAM-MD5'], '504 5.5.4'],
    [['AUTH'], '504 5.5.4'],
  ])('%j: %s', async (lines, reply) => {
    expect(await asked(lines, await reception.connect('submissions'))).toContain(reply)
  })

  test('who is suspended while signed in is disconnected, and cannot come back', async () => {
    await reception.accounts.create(parseJid('soon@localhost'), PASSWORD)
    const client = await reception.signedIn('soon@localhost')
    expect(await client.ask('MAIL FROM:<soon@localhost>')).toMatch(/^250/)
    await reception.accounts.suspend(parseJid('soon@localhost'), 'abuse')
    expect(await client.ask()).toMatch(/^421 4\.7\.0/)
    await client.untilClosed()
    const again = await reception.connect('submissions')
    expect(await again.ask(`AUTH PLAIN ${base64(`\0soon@localhost\0${PASSWORD}`)}`)).toMatch(/^535/)
  })
})

describe('trusted networks and proxies', () => {
  test('a trusted network relays without signing in, at any port', async () => {
    await using trusting = await openTestReception({ trusted: ['127.0.0.0/8'] })
    for (const entrance of ['mx', 'submission'] as const)
      expect(await asked([FROM, 'RCPT TO:<b@elsewhere.example>'], await trusting.connect(entrance))).toMatch(
        /^250/,
      )
  })

  let proxied: TestReception
  beforeAll(async () => {
    proxied = await openTestReception({ proxies: ['127.0.0.1'], trusted: ['192.0.2.7'] })
  })
  afterAll(() => proxied[Symbol.asyncDispose]())

  const V2_OF_192_0_2_7 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc000020711111111d9040019', 'hex')
  const V2_LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')

  test.each([
    ['version 1', 'PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\n', true],
    ['version 1, IPv6', 'PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n', false],
    ['version 1, unknown', 'PROXY UNKNOWN\r\n', false],
    ['version 2', V2_OF_192_0_2_7, true],
    ['version 2, local', V2_LOCAL, false],
  ])('a proxy says for whom it comes: %s', async (_what, header, trusted) => {
    const client = await SmtpClient.connect(proxied.ports.mx)
    client.send(header)
    expect(await client.ask()).toMatch(/^220/)
    const reply = await asked(['EHLO a', FROM, 'RCPT TO:<b@elsewhere.example>'], client)
    expect(reply).toMatch(trusted ? /^250/ : /^550 5\.7\.1/)
    client[Symbol.dispose]()
  })

  test('behind the header of a proxy TLS begins, in the same segment', async () => {
    const client = await SmtpClient.connect(proxied.ports.submissions, {
      ca: proxied.ca,
      before: 'PROXY TCP4 192.0.2.7 192.0.2.1 40000 465\r\n',
    })
    expect(await client.ask()).toMatch(/^220/)
    client[Symbol.dispose]()
  })

  test.each([
    'EHLO a\r\n',
    'PROXY TCP4 nobody 192.0.2.1 1 2\r\n',
    'PROXY TCP4 192.0.2.7\r\n',
    'x'.repeat(5_000),
  ])('from a proxy, %j is the end', async (bytes) => {
    const client = await SmtpClient.connect(proxied.ports.mx)
    client.send(bytes)
    await client.untilClosed()
  })

  test('others cannot claim to be a proxy', async () => {
    const client = await SmtpClient.connect(reception.ports.mx)
    await client.ask()
    expect(await client.ask('PROXY TCP4 192.0.2.7 192.0.2.1 40000 25')).toMatch(/^500/)
    client[Symbol.dispose]()
  })
})

describe('bounds', () => {
  test('a client has 50 connections at a time', async () => {
    await using own = await openTestReception()
    for (let count = 0; count < 50; count++) await own.connect('mx')
    const one = await SmtpClient.connect(own.ports.mx)
    expect(await one.ask()).toMatch(/^421 4\.3\.2/)
    await one.untilClosed()
  })

  test.each([
    ['20 errors', 'NONSENSE', 20],
    ['100 commands without a mail', 'NOOP', 101],
  ])('%s end a connection', async (_what, line, count) => {
    const client = await SmtpClient.connect(reception.ports.mx)
    await client.ask()
    for (let each = 1; each < count; each++) expect(await client.ask(line)).not.toMatch(/^421/)
    expect(await client.ask(line)).toMatch(/^421 4\.7\.0/)
    await client.untilClosed()
  })

  test('a line without end is not waited for', async () => {
    const client = await reception.connect('mx')
    client.send('NOOP '.padEnd(5_000, 'x'))
    expect(await client.ask()).toMatch(/^521 5\.5\.2/)
  })

  test('a line that comes in drops has five minutes as a whole, a connection without a mail half an hour', async () => {
    const clock = new VirtualClock()
    await using own = await openTestReception({ clock })
    const [dripping, idling] = [await own.connect('mx'), await own.connect('mx')]
    for (let minutes = 0; minutes < 5; minutes++) {
      dripping.send('N')
      await idling.ask('NOOP')
      await clock.advance(60_000)
    }
    expect(await dripping.ask()).toMatch(/^421 4\.4\.2/)
    for (let minutes = 5; minutes < 28; minutes += 4) {
      await idling.ask('NOOP')
      await clock.advance(4 * 60_000)
    }
    await clock.advance(2 * 60_000)
    expect(await idling.ask()).toMatch(/^421 4\.4\.2/)
  })

  test('a body that pauses for three minutes is over', async () => {
    const clock = new VirtualClock()
    await using own = await openTestReception({ clock })
    const client = await own.connect('mx')
    await asked([FROM, `RCPT TO:<${ALICE}>`, 'DATA'], client)
    client.send('Subject: x\r\n')
    await own.connect('mx') // by now it was read
    await clock.advance(3 * 60_000 + 1)
    expect(await client.ask()).toMatch(/^421 4\.4\.2/)
    expect(own.queue.mails).toEqual([])
  })
})
