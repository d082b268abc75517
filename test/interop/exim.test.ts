/** Debian's Exim hands mail in: of a user who signs in, and as a mail server, with CHUNKING and without. What it sent is looked at in the queue. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ALICE, openTestReception, PASSWORD } from '../../services/smtp/test/reception.ts'
import type { TestReception } from '../../services/smtp/test/reception.ts'
import { Exim } from './exim.ts'

const BOB = 'bob@localhost'
const LINES = Array.from({ length: 2_000 }, (_, index) => `${'.'.repeat(index % 4)}line ${String(index)}`)

const stack = new AsyncDisposableStack()
let reception: TestReception

beforeAll(async () => {
  reception = stack.use(await openTestReception())
})
afterAll(() => stack.disposeAsync())

const mailOf = (from: string): string =>
  `From: ${from}\nTo: ${BOB}\nSubject: from Exim\n\n${LINES.join('\n')}\n`
const BODY = `${LINES.join('\r\n')}\r\n`

/** What the queue was given last. */
function lastMail(): { readonly account: boolean; readonly body: string } {
  const mail = reception.queue.mails.at(-1)
  return { account: mail?.account !== undefined, body: String(mail?.body) }
}

describe.runIf(process.getuid?.() === 0)('Exim', () => {
  test.each([
    ['submission', 'smtp'],
    ['submissions', 'smtps'],
  ] as const)('signs in by PLAIN at %s over verified TLS, and sends', async (entrance, protocol) => {
    const { caFile } = reception.platform
    const account = { name: ALICE, password: PASSWORD }
    await using exim = await Exim.create({ port: reception.ports[entrance], protocol, caFile, account })
    expect(await exim.send(ALICE, [BOB], mailOf(ALICE))).toMatch(
      /=> bob@localhost .* X=TLS1\.3:\S+ CV=yes .* A=plain C="250 2\.6\.0 Queued as/,
    )
    expect(lastMail()).toMatchObject({ account: true, body: BODY })
  })

  test('a wrong password is told as such, and the mail stays with Exim', async () => {
    const { caFile } = reception.platform
    const before = reception.queue.mails.length
    const account = { name: ALICE, password: 'wrong' }
    await using exim = await Exim.create({
      port: reception.ports.submissions,
      protocol: 'smtps',
      caFile,
      account,
    })
    expect(await exim.send(ALICE, [BOB], mailOf(ALICE))).toMatch(
      /plain authenticator failed .*535 5\.7\.8[^]*== bob@localhost .* defer/,
    )
    expect(reception.queue.mails).toHaveLength(before)
  })

  test.each([
    ['with CHUNKING where it is offered, which it is not', true],
    ['without CHUNKING', false],
  ])(
    'as a mail server, %s: the mail arrives whole, and an unknown recipient is refused',
    async (_how, chunking) => {
      const { caFile } = reception.platform
      await using exim = await Exim.create({ port: reception.ports.mx, protocol: 'smtp', caFile, chunking })
      const from = 'ann@elsewhere.example'
      const log = await exim.send(from, [BOB, 'nobody@localhost'], mailOf(from))
      expect(log).toMatch(/=> bob@localhost .* X=TLS1\.3:\S+ CV=yes .* C="250 2\.6\.0 Queued as/)
      expect(log).toMatch(/\*\* nobody@localhost .* after RCPT TO:<nobody@localhost>: 550 5\.1\.1/)
      expect(lastMail()).toMatchObject({ account: false, body: BODY })
    },
  )
})
