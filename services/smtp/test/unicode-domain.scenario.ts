/** RFC 5890 §2.3.2.1: a relay for a domain beyond ASCII speaks and judges in A-labels, however the domain is configured. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWholeRelay, PASSWORD, type WholeRelay } from './whole-relay.ts'

const ASCII = 'xn--bcher-kva.example'
const UNICODE = 'b\u00FCcher.example'

let relay: WholeRelay

beforeAll(async () => {
  relay = await openWholeRelay({ domain: UNICODE, env: { DNS_SERVERS: '127.0.0.1:1' } })
  await relay.account('ann')
})
afterAll(() => relay[Symbol.asyncDispose]())

test('its name is in ASCII, its mailboxes are found, and nobody writes results in its name', async () => {
  const client = await relay.connect('mx')
  expect(await client.ask('HELO client.example')).toBe(`250 ${ASCII}`)
  expect(await client.ask('MAIL FROM:<bob@stranger.example>')).toMatch(/^250/)
  expect(await client.ask(`RCPT TO:<ann@${ASCII}>`)).toMatch(/^250/)
  expect(await client.ask('DATA')).toMatch(/^354/)
  const forged = [UNICODE, `"${UNICODE}"`, ASCII].map((id) => `Authentication-Results: ${id}; dkim=pass\r\n`)
  expect(
    await client.ask(`${forged.join('')}From: <bob@stranger.example>\r\nSubject: hello\r\n\r\nhello\r\n.`),
  ).toMatch(/^250/)

  const user = `ann@${UNICODE}:${PASSWORD}`
  const waiting = async (): Promise<{ items: { id: string }[] }> =>
    (await (await relay.fetch('/v1/mail', user)).json()) as { items: { id: string }[] }
  await expect.poll(async () => (await waiting()).items.length).toBe(1)
  const [{ id } = { id: '' }] = (await waiting()).items
  const mail = await (await relay.fetch(`/v1/mail/${id}`, user)).text()
  expect(mail.match(/^Authentication-Results:.*/gm)).toEqual([`Authentication-Results: ${ASCII};`])
  expect(mail).toContain(`\tby ${ASCII} with `)
  expect(mail).not.toContain('dkim=pass')
})
