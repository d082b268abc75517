import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { VirtualClock } from '@sealpost/runtime'
import { checkOwnListings } from '../src/abuse/own-listings.ts'
import { createEvents } from '../src/events.ts'
import { DESK } from '../src/mailbox/mailbox.ts'
import { ownMail } from '../src/own-mail.ts'
import { openScreening } from '../src/screening.ts'
import type { Screening } from '../src/screening.ts'
import type { ScannerFailure } from '../src/stages/scanners/scanner.ts'
import type { Outcome } from '../src/queue/carrier.ts'
import type { Stage } from '../src/reception/stage.ts'
import { uncounted } from './flow.ts'
import { connectFrom, mailFrom, signedInFrom } from './outside.ts'
import { ALICE, openTestReception, send } from './reception.ts'
import type { TestReception } from './reception.ts'
import { testDns } from './test-dns.ts'
import type { TestDns } from './test-dns.ts'

const TEXT = 'From: ann@known.example\r\nSubject: hi\r\n\r\nA body'
const KNOWN = '203.0.113.5'
const STRANGER = '198.51.100.9'
const MINUTE_MS = 60_000

/** What the scanners answer next, nothing when that is undefined; and what they were shown. */
let clamd: string | undefined = 'stream: OK\0'
let rspamd: { status: number; body: string } | undefined = {
  status: 200,
  body: JSON.stringify({ action: 'no action' }),
}
let shown: { headers: Record<string, unknown>; mail: string }[] = []

const clock = new VirtualClock(Date.now())
let reception: TestReception
let screening: Screening
/** The same with the other answers to scanners that fail. */
let opposite: Screening
let open: (clamav: ScannerFailure, ofRspamd: ScannerFailure, away?: Scanner) => Promise<Screening>
let dns: TestDns
const stack = new AsyncDisposableStack()
const stages: Stage[] = []

type Scanner = 'clamav' | 'rspamd'

function use({ first, last }: Screening): void {
  stages.splice(0, stages.length, ...first, ...last)
}

/** clamd's side of INSTREAM. */
async function fakeClamd(): Promise<number> {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const command = 'zINSTREAM\0'
      let [at, mail] = [command.length, '']
      while (at + 4 <= received.length) {
        const length = received.readUInt32BE(at)
        if (length === 0) {
          shown.push({ headers: { command: received.subarray(0, command.length).toString() }, mail })
          if (clamd !== undefined) socket.end(clamd)
          return
        }
        if (at + 4 + length > received.length) return
        mail += received.toString('latin1', at + 4, at + 4 + length)
        at += 4 + length
      }
    })
  }).listen(0, '127.0.0.1')
  stack.defer(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function fakeRspamd(): Promise<number> {
  const server = createHttpServer((request, response) => {
    void (async () => {
      let mail = ''
      for await (const chunk of request as AsyncIterable<Buffer>) mail += chunk.toString('latin1')
      shown.push({ headers: { ...request.headers, url: request.url }, mail })
      if (rspamd !== undefined) response.writeHead(rspamd.status).end(rspamd.body)
    })()
  }).listen(0, '127.0.0.1')
  stack.defer(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

beforeAll(async () => {
  dns = stack.use(
    await testDns({
      'known.example TXT': [`v=spf1 ip4:${KNOWN} -all`],
      '5.113.0.203.in-addr.arpa PTR': ['mx.known.example'],
      'mx.known.example A': [KNOWN],
      '66.2.0.192.bad.example A': ['127.0.0.4'],
      '67.2.0.192.bad.example A': ['127.255.255.254'],
      '68.2.0.192.bad.example A': ['127.0.0.1'],
      '69.2.0.192.bad.example A': 'SERVFAIL',
      '70.2.0.192.bad.example A': ['192.0.2.70'],
      '71.2.0.192.other.example A': ['127.0.0.2'],
      '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bad.example A': ['127.0.0.2'],
    }),
  )
  const [clamdPort, rspamdPort] = [await fakeClamd(), await fakeRspamd()]
  reception = stack.use(
    await openTestReception({
      proxies: ['127.0.0.1'],
      stages: () => [{ name: 'late', ...delegate() }],
    }),
  )
  const { platform, accounts } = reception
  const events = createEvents(platform)
  // Nobody listens on port 1.
  open = (clamav, ofRspamd, away) =>
    openScreening(
      {
        blocklists: ['bad.example', 'other.example'],
        greylist: true,
        trustedSealers: [],
        clamav: { place: { host: '127.0.0.1', port: away === 'clamav' ? 1 : clamdPort }, onFailure: clamav },
        rspamd: {
          url: new URL(`http://127.0.0.1:${String(away === 'rspamd' ? 1 : rspamdPort)}`),
          onFailure: ofRspamd,
        },
      },
      { ...platform, clock },
      {
        accounts,
        resolver: dns.resolver,
        mail: ownMail({ queue: () => reception.queue, host: 'localhost', clock, random: platform.random }),
        collector: uncounted(platform, dns.resolver),
        events,
      },
    )
  screening = stack.use(await open('defer', 'open'))
  opposite = stack.use(await open('open', 'defer'))
  use(screening)
})
afterAll(() => stack.disposeAsync())
beforeEach(() => {
  clamd = 'stream: OK\0'
  rspamd = { status: 200, body: JSON.stringify({ action: 'no action' }) }
  shown = []
})

/** The stages, which are made only after the reception, in one. */
function delegate(): Omit<Stage, 'name'> {
  const first = async (ask: (stage: Stage) => ReturnType<NonNullable<Stage['message']>>) => {
    for (const stage of stages) {
      const reply = await ask(stage)
      if (reply !== undefined) return reply
    }
    return undefined
  }
  return {
    connect: (client) => first((stage) => stage.connect?.(client)),
    sender: (client, envelope) => first((stage) => stage.sender?.(client, envelope)),
    recipient: (client, envelope, recipient) =>
      first((stage) => stage.recipient?.(client, envelope, recipient)),
    header: (transaction) => first((stage) => stage.header?.(transaction)),
    message: (transaction, content) => first((stage) => stage.message?.(transaction, content)),
    accepted: (transaction) => stages.forEach((stage) => stage.accepted?.(transaction)),
  }
}

const fromKnown = (text = TEXT): Promise<string> =>
  mailFrom(reception, { address: KNOWN, from: 'ann@known.example', text })

describe('blocklists (RFC 5782)', () => {
  test.each([
    ['192.0.2.66', 'a listing', '550 5.7.1 Your address is listed by bad.example'],
    ['192.0.2.71', 'a listing of the second list', '550 5.7.1 Your address is listed by other.example'],
    ['2001:db8::1', 'a listing of an IPv6 address', '550 5.7.1 Your address is listed by bad.example'],
    ['192.0.2.67', 'a list that does not serve us', '451 4.7.1 Not known'],
    ['192.0.2.68', 'a list that lists the world', '451 4.7.1 Not known'],
    ['192.0.2.69', 'a list that fails', '451 4.7.1 Not known'],
    ['192.0.2.70', 'a list whose domain was sold', '451 4.7.1 Not known'],
    ['192.0.2.72', 'none', '451 4.7.1 Not known'],
  ])('%s: %s', async (address, _what, reply) => {
    const client = await connectFrom(reception, address)
    await client.ask('MAIL FROM:<ann@elsewhere.example>')
    expect(await client.ask('RCPT TO:<bob@localhost>')).toContain(reply)
    expect(await client.ask('RCPT TO:<postmaster@localhost>')).toMatch(/^250/)
  })

  test('what is counted tells of lists, not of anybody', async () => {
    const metrics = await reception.platform.metrics.render()
    expect(metrics).toMatch(/smtp_blocklist_questions_total\{outcome="misconfigured"\} [1-9]/)
    expect(metrics).not.toContain('192.0.2')
  })
})

test('our own addresses are looked up, too: what MX names, special ones left out', async () => {
  await using world = await testDns({
    'ours.example MX': ['10 mx.ours.example'],
    'mx.ours.example A': ['192.0.2.66', '192.0.2.67', '127.0.0.1'],
    'bare.example A': ['192.0.2.68'],
    '66.2.0.192.bad.example A': ['127.0.0.4'],
    '67.2.0.192.bad.example A': ['127.255.255.254'],
  })
  let listed: number | undefined
  const told: string[] = []
  const options = {
    resolver: world.resolver,
    zones: ['bad.example'],
    domains: ['ours.example', 'bare.example', 'none.example'],
    clock,
    notices: { tell: (_subject: string, lines: readonly string[]) => void told.push(lines.join('\n')) },
    events: { ownAddressesListed: (listings: number) => void (listed = listings) },
  }
  const listings = await checkOwnListings(options)
  expect([listed, listings]).toEqual([1, ['192.0.2.66 at bad.example']])
  expect(told).toEqual([expect.stringContaining('    192.0.2.66 at bad.example\n')])
  expect(world.asked.filter((question) => question.includes('bad.example'))).toHaveLength(3)
  expect([await checkOwnListings(options, listings), told.length]).toEqual([listings, 1])
})

describe('greylisting (RFC 6647)', () => {
  const rcpt = async (address: string, from: string, to = 'bob@localhost'): Promise<string> => {
    const client = await connectFrom(reception, address)
    await client.ask(`MAIL FROM:<${from}>`)
    return client.ask(`RCPT TO:<${to}>`)
  }

  test('a stranger is asked to come again, and is taken then: from its network, for this sender and recipient', async () => {
    const from = 'new@stranger.example'
    expect(await rcpt(STRANGER, from)).toBe('451 4.7.1 Not known here yet, try again in a few minutes')
    await clock.advance(MINUTE_MS)
    expect(await rcpt(STRANGER, from)).toMatch(/^451/)
    await clock.advance(2 * MINUTE_MS)
    expect(await rcpt('198.51.100.10', from)).toMatch(/^250/)
    expect(await rcpt(STRANGER, from, ALICE)).toMatch(/^451/)
    expect(await rcpt('198.51.101.9', from)).toMatch(/^451/)
    expect(await rcpt(STRANGER, 'other@stranger.example')).toMatch(/^451/)
    await clock.advance(30 * 24 * 60 * MINUTE_MS)
    expect(await rcpt(STRANGER, from), 'under the next key, too').toMatch(/^250/)
  })

  test('who proves its domain and has a name is none', async () => {
    expect(await rcpt(KNOWN, 'ann@known.example')).toMatch(/^250/)
  })

  test('the tables name nobody', async () => {
    await using db = await openDb({ url: reception.platform.databaseUrl, role: 'sealpost_smtp' })
    const rows = await db.query(sql`select greylist::text as row from smtp.greylist`)
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toMatch(/stranger|198\.51|bob/)
  })

  test('rows go when they are old', async () => {
    await using db = await openDb({ url: reception.platform.databaseUrl, role: 'sealpost_smtp' })
    await clock.advance(40 * 24 * 60 * MINUTE_MS)
    await expect
      .poll(async () => {
        await clock.advance(60 * MINUTE_MS)
        return (await db.query(sql`select 1 from smtp.greylist`)).length
      })
      .toBe(0)
  })
})

describe('ClamAV', () => {
  test('sees header and body whole', async () => {
    expect(await fromKnown(`${TEXT}${'x'.repeat(200_000)}`)).toMatch(/^250/)
    const mail = shown.find(({ headers }) => headers['command'] === 'zINSTREAM\0')?.mail ?? ''
    expect(mail).toMatch(
      /^Authentication-Results: localhost;[^]*From: ann@known\.example\r\nSubject: hi\r\n\r\nA body/,
    )
    expect(mail).toContain('x'.repeat(200_000))
  })

  test.each([
    ['stream: Eicar-Test FOUND\0', '550 5.7.1 The mail contains malware'],
    ['INSTREAM size limit exceeded. ERROR\0', '451 4.7.1 The mail cannot be scanned now, try again later'],
    ['', '451 4.7.1'],
    ['gibberish', '451 4.7.1'],
  ])('%j: %s', async (answer, reply) => {
    clamd = answer
    expect(await fromKnown()).toContain(reply)
  })
})

describe('rspamd', () => {
  test('is told the envelope, and sees the mail whole', async () => {
    expect(await fromKnown()).toMatch(/^250/)
    const { headers, mail } = shown.find(({ headers: { url } }) => url === '/checkv2') ?? {
      headers: {},
      mail: '',
    }
    expect(headers).toMatchObject({
      ip: KNOWN,
      from: 'ann@known.example',
      rcpt: 'bob@localhost',
      helo: 'mail.elsewhere.example',
    })
    expect(mail).toMatch(/A body\r\n$/)
  })

  test.each([
    ['no action', '250'],
    ['greylist', '451 4.7.1'],
    ['soft reject', '451 4.7.1'],
    ['add header', '250'],
    ['rewrite subject', '250'],
    ['reject', '550 5.7.1 The mail is taken for spam'],
  ])('%s: %s', async (action, reply) => {
    rspamd = { status: 200, body: JSON.stringify({ action }) }
    expect(await fromKnown()).toContain(reply)
    if (action !== 'no action' && reply === '250')
      expect(reception.queue.mails.at(-1)?.header.toString()).toContain('X-Spam-Flag: YES\r\n')
  })

  test.each([
    [500, '{}'],
    [200, 'not JSON'],
    [200, '{"action":"dance"}'],
    [200, '{}'],
  ])('open on failure: %i %s lets mail in unmarked', async (status, body) => {
    rspamd = { status, body }
    expect(await fromKnown()).toMatch(/^250/)
    expect(reception.queue.mails.at(-1)?.header.toString()).not.toContain('X-Spam')
  })
})

describe('the operator chose the other way of failing', () => {
  beforeAll(() => use(opposite))
  afterAll(() => use(screening))

  test.each(['INSTREAM size limit exceeded. ERROR\0', '', 'gibberish'])(
    'ClamAV answers %j: the mail comes in; malware does not',
    async (answer) => {
      clamd = answer
      expect(await fromKnown()).toMatch(/^250/)
      clamd = 'stream: Eicar-Test FOUND\0'
      expect(await fromKnown()).toContain('550 5.7.1 The mail contains malware')
    },
  )

  test.each([
    [500, '{}'],
    [200, 'not JSON'],
    [200, '{"action":"dance"}'],
  ])('rspamd answers %i %s: the mail has to come again', async (status, body) => {
    rspamd = { status, body }
    expect(await fromKnown()).toMatch(/^451 4\.7\.1/)
    rspamd = { status: 200, body: JSON.stringify({ action: 'no action' }) }
    expect(await fromKnown()).toMatch(/^250/)
  })
})

describe.each<[Scanner, ScannerFailure, RegExp]>([
  ['clamav', 'defer', /^451 4\.7\.1 The mail cannot be scanned now/],
  ['clamav', 'open', /^250/],
  ['rspamd', 'defer', /^451 4\.7\.1 The mail cannot be scanned now/],
  ['rspamd', 'open', /^250/],
])('%s without an answer, %s', (scanner, failure, reply) => {
  const other = failure === 'open' ? 'defer' : 'open'
  const modes = scanner === 'clamav' ? ([failure, other] as const) : ([other, failure] as const)
  const scans = async (outcome: string): Promise<number> => {
    const metric = `smtp_scans_total\\{scanner="${scanner}",outcome="${outcome}"\\} (\\d+)`
    return Number(new RegExp(metric).exec(await reception.platform.metrics.render())?.[1] ?? 0)
  }
  afterAll(() => use(screening))

  test('it is not there', async () => {
    await using away = await open(...modes, scanner)
    use(away)
    const before = await scans('SCANNER_UNREACHABLE')
    expect(await fromKnown()).toMatch(reply)
    expect(await scans('SCANNER_UNREACHABLE')).toBe(before + 1)
  })

  test('it says nothing', async () => {
    use(modes[0] === 'defer' ? screening : opposite)
    if (scanner === 'clamav') clamd = undefined
    else rspamd = undefined
    const before = await scans('SCANNER_TIMEOUT')
    let answer: string | undefined
    const asked = fromKnown().then((text) => (answer = text))
    const isShown = (): boolean =>
      shown.some(({ headers }) => ('command' in headers ? 'clamav' : 'rspamd') === scanner)
    await expect.poll(isShown).toBe(true)
    await clock.advance((scanner === 'clamav' ? 2 * MINUTE_MS : MINUTE_MS) - 1_000)
    expect(answer).toBeUndefined()
    await clock.advance(1_000)
    expect(await asked).toMatch(reply)
    expect(await scans('SCANNER_TIMEOUT')).toBe(before + 1)
  })
})

describe('whoever runs the server', () => {
  const desk = ['abuse@localhost', 'Postmaster@localhost']

  test('gets whatever is about abuse: neither filtered nor scanned, from anybody', async () => {
    rspamd = { status: 200, body: JSON.stringify({ action: 'reject' }) }
    clamd = 'stream: Eicar-Test FOUND\0'
    dns.set({
      'known.example TXT': [`v=spf1 ip4:${KNOWN} -all`],
      '_dmarc.known.example TXT': ['v=DMARC1; p=reject'],
    })
    const mails = [
      { address: STRANGER, from: 'x@elsewhere.example', text: TEXT },
      { address: '192.0.2.66', from: 'x@elsewhere.example', helo: 'localhost', text: TEXT },
      { address: STRANGER, from: 'x@elsewhere.example', text: 'Subject: no author\r\n\r\nx' },
      { address: STRANGER, from: 'x@elsewhere.example', text: `${'X: y\r\n'.repeat(1_200)}${TEXT}` },
    ]
    for (const mail of mails) expect(await mailFrom(reception, { ...mail, to: desk })).toMatch(/^250/)
    expect(shown).toEqual([])
    expect(reception.queue.mails.at(-2)?.header.toString()).toContain('X-Spam-Flag: YES')
    expect(await mailFrom(reception, { ...mails[0], to: [...desk, 'bob@localhost'] } as never)).toMatch(
      /^[45]/,
    )
  })

  test('is not drowned by one stranger: so many mails at once, each of 16 MiB at most', async () => {
    const flood = { address: '192.0.2.250', from: 'x@elsewhere.example', to: ['abuse@localhost'], text: TEXT }
    const large = `${TEXT}\r\n${`${'x'.repeat(998)}\r\n`.repeat(16_800)}.`.slice(0, -1)
    expect(await mailFrom(reception, { ...flood, address: '192.0.2.251', text: large })).toMatch(
      /^552 5\.3\.4/,
    )
    const client = await connectFrom(reception, flood.address)
    const replies: string[] = []
    for (let each = 0; each < 31; each++) {
      for (const line of ['RSET', 'MAIL FROM:<x@elsewhere.example>']) await client.ask(line)
      replies.push(await client.ask('RCPT TO:<abuse@localhost>'))
    }
    expect(replies.filter((reply) => reply.startsWith('250'))).toHaveLength(30)
    expect(replies.at(-1)).toMatch(/^450 4\.7\.1 Too many mails to whoever runs this server/)
    expect(await mailFrom(reception, { ...flood, address: KNOWN })).toMatch(/^250/)
  })

  test('is told to be full for a time only', async () => {
    reception.full.add(DESK)
    const client = await connectFrom(reception, KNOWN)
    await client.ask('MAIL FROM:<ann@known.example>')
    expect(await client.ask('RCPT TO:<abuse@localhost>')).toBe('452 4.2.2 The mailbox is full')
    reception.full.delete(DESK)
  })
})

describe('abuse', () => {
  test('who sends little but spam is blocked for a day; its neighbours are it, others are not', async () => {
    const spam = { address: '192.0.2.90', from: 'x@spam.example', text: TEXT.replace('known', 'spam') }
    dns.set({ 'spam.example TXT': ['v=spf1 ip4:192.0.2.0/24 -all'] })
    dns.set({ '90.2.0.192.in-addr.arpa PTR': ['mx.spam.example'], 'mx.spam.example A': ['192.0.2.90'] })
    rspamd = { status: 200, body: JSON.stringify({ action: 'reject' }) }
    const blocked = '550 5.7.1 Too much spam came from you, try again tomorrow'
    for (let count = 0; count < 9; count++)
      expect(await mailFrom(reception, spam)).toContain('taken for spam')
    expect(await mailFrom(reception, spam)).toContain('taken for spam')
    await expect.poll(() => mailFrom(reception, spam)).toBe(blocked)
    await using db = await openDb({ url: reception.platform.databaseUrl, role: 'sealpost_smtp' })
    const rows = await db.query(sql`select reputation::text as row from smtp.sender_reputation as reputation`)
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows), 'the table names nobody').not.toMatch(/spam|example|192\.0\.2|203\.0\.113/)
    expect(await mailFrom(reception, { ...spam, address: '192.0.2.91' })).toBe(blocked)
    expect(await mailFrom(reception, { ...spam, to: ['postmaster@localhost'] })).toMatch(/^250/)
    rspamd = { status: 200, body: JSON.stringify({ action: 'no action' }) }
    expect(await fromKnown()).toMatch(/^250/)
    await clock.advance(25 * 60 * MINUTE_MS)
    expect(await mailFrom(reception, spam)).toMatch(/^250/)
    await screening.block('spam.example') // an administrator, for thirty days
    await clock.advance(29 * 24 * 60 * MINUTE_MS)
    expect(await mailFrom(reception, spam)).toBe(blocked)
    expect(await fromKnown()).toMatch(/^250/)
    await clock.advance(2 * 24 * 60 * MINUTE_MS)
    expect(await mailFrom(reception, spam)).toMatch(/^250/)
  })

  test.each([
    ['rspamd', 'spam'],
    ['clamav', 'malware'],
  ])(
    'an account whose mail %s refuses is suspended at once, and on the list for review',
    async (scanner, cause) => {
      const address = `sender-${cause}@localhost`
      const { accounts } = reception
      const { id } = await accounts.create(parseJid(address), 'pass-c4n4ry-word')
      const client = await signedInFrom(reception, '192.0.2.200', address)
      const before = reception.queue.mails.length
      if (scanner === 'rspamd') rspamd = { status: 200, body: JSON.stringify({ action: 'reject' }) }
      else clamd = 'stream: Eicar-Test FOUND\0'
      const text = `From: ${address}\r\n\r\nbuy`
      expect(await send(client, { from: address, to: ['bob@localhost'], text })).toMatch(
        /^(?:550 5\.7\.1|421 4\.7\.0 The account was suspended)/,
      )
      expect(await accounts.find(parseJid(address))).toMatchObject({ state: 'suspended', reason: 'spam' })
      await expect
        .poll(async () => (await accounts.mailConduct.reviews()).find(({ accountId }) => accountId === id))
        .toMatchObject({ reason: cause })
      await client.untilClosed()
      const notice = await reception.queue.mail(before + 1)
      expect(notice.envelope).toMatchObject({
        sender: undefined,
        recipients: [{ address: { local: 'postmaster', domain: 'localhost' } }],
      })
      expect(notice.body.toString()).toContain(`    ctl account restore ${address}\r\n`)
      expect(reception.platform.logged()).toContain('smtp_account_suspended')
      expect(reception.platform.logged()).not.toContain(`sender-${cause}`)
    },
  )

  test('an account whose mail is refused again and again is suspended; full mailboxes and delays do not count', async () => {
    const { accounts } = reception
    const { id } = await accounts.create(parseJid('bought-a-list@localhost'), 'pass-c4n4ry-word')
    const outcome = (result: 'failed' | 'deferred', status: string): Outcome => ({
      result,
      reply: { code: result === 'failed' ? 550 : 450, status, text: '', host: undefined },
    })
    let outcomes: Outcome[] = []
    const carrier = screening.bounces.watch({
      destinationOf: (domain) => domain,
      carry: async () => Promise.resolve({ outcomes, reached: true }),
    })
    const carry = async (sent: Outcome[], from: { account?: string } = { account: id }): Promise<void> => {
      outcomes = sent
      const local = from.account === undefined ? 'forged' : 'bought-a-list'
      await carrier.carry({
        ...from,
        mail: { envelope: { sender: { local, domain: 'localhost' } } },
      } as never)
    }
    const forged = await accounts.create(parseJid('forged@localhost'), 'pass-c4n4ry-word')
    await carry(
      Array.from({ length: 100 }, () => outcome('failed', '5.7.1')),
      {},
    )
    await carry(Array.from({ length: 100 }, () => outcome('failed', '5.2.2')))
    await carry(Array.from({ length: 100 }, () => outcome('deferred', '4.7.1')))
    await carry(Array.from({ length: 49 }, () => outcome('failed', '5.1.1')))
    expect((await accounts.findById(id))?.state).toBe('active')
    await carry([outcome('failed', '5.7.1')])
    const review = async () =>
      (await accounts.mailConduct.reviews()).find(({ accountId }) => accountId === id)
    await expect.poll(review).toMatchObject({ reason: 'bounces' })
    expect(await accounts.findById(id)).toMatchObject({ state: 'suspended', reason: 'spam' })
    // Somebody outside who names an account in MAIL FROM does it no harm.
    expect((await accounts.findById(forged.id))?.state).toBe('active')
  })
})
