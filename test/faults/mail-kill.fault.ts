/** `kill -9` at random moments of accepting, delivering, refusing and reporting: accepted = delivered + bounced, always. KILLS says how many, SEED which. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createFlow, type FlowFixture } from '../../services/smtp/test/flow.ts'
import { MailSink } from '../../services/smtp/test/mail-sink.ts'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import { MailRelay } from './mail-relay.ts'

const KILLS = Number(process.env['KILLS'] ?? 2)
const SENDERS = 4
const RECIPIENTS = ['yes@example.com', 'no@example.com', 'bob@localhost'] as const
/** In a row, and in the spool. */
const LINES = [3, 6_000] as const

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What the relay said yes to, and what it may have taken without being able to say so. */
class Ledger {
  readonly accepted = new Map<string, string>()
  #next = 0

  make(): { id: string; recipient: string; data: string } {
    const id = `mail-${String(this.#next++)}-`
    const recipient = RECIPIENTS[this.#next % RECIPIENTS.length] ?? ''
    const body = `${'x'.repeat(70)}\r\n`.repeat(LINES[this.#next % 7 === 0 ? 1 : 0])
    const header = `From: <ann@localhost>\r\nTo: <${recipient}>\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <${id}@localhost>\r\nSubject: ${id}\r\n`
    return {
      id,
      recipient,
      data: `${header}\r\n${body}${createHash('sha256')
        .update(id + body)
        .digest('hex')}\r\n`,
    }
  }
}

/** One client that sends mail after mail until it is cut off. */
async function sendAll(port: number, ca: string, ledger: Ledger): Promise<void> {
  using client = await SmtpClient.connect(port, { ca })
  await client.ask()
  await client.ask('EHLO client.example')
  const credentials = Buffer.from('\0ann@localhost\0pass-word').toString('base64')
  if (!(await client.ask(`AUTH PLAIN ${credentials}`)).startsWith('235')) return
  while (!client.closed) {
    const { id, recipient, data } = ledger.make()
    for (const line of ['MAIL FROM:<ann@localhost>', `RCPT TO:<${recipient}>`]) {
      const reply = await client.ask(line)
      if (!reply.startsWith('250')) return
    }
    if (!(await client.ask('DATA')).startsWith('354')) return
    client.send(data)
    if ((await client.ask('.')).startsWith('250')) ledger.accepted.set(id, recipient)
  }
}

async function boxOf({ flow, accounts }: FlowFixture, name: string): Promise<string[]> {
  const { parseJid } = await import('@sealpost/jid')
  const account = (await accounts.find(parseJid(`${name}@localhost`)))?.id ?? ''
  const mails: string[] = []
  for (const { id } of flow.mailbox.list(account, 10_000)) {
    const mail = await flow.mailbox.open(account, id)
    const chunks = [mail?.content.header ?? Buffer.alloc(0)]
    for await (const chunk of mail?.content.body() ?? []) chunks.push(chunk)
    mails.push(Buffer.concat(chunks).toString())
  }
  return mails
}

/** Whether it came as it was sent. */
function isWhole(mail: string): boolean {
  const [, id = ''] = /^Subject: (\S+)\r$/m.exec(mail) ?? []
  const body = mail.slice(mail.indexOf('\r\n\r\n') + 4)
  const digest = body.trimEnd().slice(-64)
  const text = body.trimEnd().slice(0, -64)
  return (
    createHash('sha256')
      .update(id + text)
      .digest('hex') === digest
  )
}

const idIn = (mail: string): string => /^Subject: (mail-\d+-)\r$/m.exec(mail)?.[1] ?? ''

test(
  `killed at ${String(KILLS)} random moments, no mail that was accepted is lost`,
  { timeout: 180_000 + KILLS * 60_000 },
  async () => {
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32))
    const random = randomFrom(seed)
    await using sink = await MailSink.open()
    sink.refuse = (address) => (address.startsWith('no@') ? { code: 550, text: '5.1.1 no' } : undefined)
    await using fixture = await createFlow({ 'example.com': sink.smarthost })
    await fixture.account('ann')
    await fixture.account('bob')
    await fixture.flow[Symbol.asyncDispose]()
    const ca = await readFile(fixture.platform.caFile, 'utf8')
    const ledger = new Ledger()
    const settings = { SMTP_ROUTES: `example.com=127.0.0.1:${String(sink.smarthost.port)}` }
    let next = new MailRelay(fixture.platform)
    for (let kill = 0; kill < KILLS; kill++) {
      const relay = next
      await relay.start(settings)
      next = new MailRelay(fixture.platform) // loads its program meanwhile
      const sending = Array.from({ length: SENDERS }, () =>
        sendAll(relay.ports.submissions, ca, ledger).catch(() => undefined),
      )
      const enough = ledger.accepted.size + 3 + Math.floor(random() * 10)
      await expect
        .poll(() => ledger.accepted.size, { timeout: 60_000, interval: 5 })
        .toBeGreaterThanOrEqual(enough)
      await pause(random() * 500)
      await relay.kill()
      await Promise.all(sending)
    }
    await next.kill()
    await fixture.restart()
    const { queue } = fixture.flow
    await expect
      .poll(
        async () => {
          const waiting = queue.list(10_000)
          for (const { id } of waiting) await queue.retry(id)
          return waiting.length
        },
        { timeout: 120_000, interval: 500 },
      )
      .toBe(0)
    const delivered = [...sink.mails.map(({ message }) => message), ...(await boxOf(fixture, 'bob'))]
    const bounced = await boxOf(fixture, 'ann')
    const fates = { 'yes@example.com': delivered, 'bob@localhost': delivered, 'no@example.com': bounced }
    const found = new Map(
      Object.entries(fates).map(([recipient, mails]) => [recipient, new Set(mails.map(idIn))]),
    )
    const lost = [...ledger.accepted].filter(([id, recipient]) => found.get(recipient)?.has(id) !== true)
    process.stdout.write(
      `seed ${String(seed)}: ${String(ledger.accepted.size)} accepted, ${String(delivered.length)} delivered, ${String(bounced.length)} bounced\n`,
    )
    expect(lost, `seed ${String(seed)}`).toEqual([])
    expect(delivered.filter((mail) => !isWhole(mail))).toEqual([])
    expect(ledger.accepted.size).toBeGreaterThanOrEqual(KILLS * 3)
  },
)
