/** XEP-0401 §5.2: the page of an invitation to become a contact, and what the page of an invite to an account says to chat programs. */
import { systemRandom } from '@sealpost/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestApi, type TestApi } from './api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi({ config: { inBandRegistration: true } })
})
afterAll(() => api[Symbol.asyncDispose]())

const page = (address: string, token: string, headers: Readonly<Record<string, string>> = {}) =>
  api.call('GET', `/contact/${encodeURIComponent(address)}/${token}`, { headers })

/** The token of an invite to make an account. */
async function registrationToken(of: TestApi, body: object = {}): Promise<string> {
  const { json } = await of.owner('POST', '/v1/invites/account', body)
  return String(json['url']).split('/').at(-1) ?? ''
}

test('a link for chat programs, programs for the system of the browser, a QR code of the page; no script, in two languages', async () => {
  const token = systemRandom.token(32)
  const { status, text, headers } = await page('ann@example.org', token)
  expect(status).toBe(200)
  expect(text).toContain(`href="xmpp:ann@example.org?roster;preauth=${token}"`)
  expect(text).toContain('ann@example.org invites you to chat')
  expect(text).toContain('<svg')
  expect(text).not.toContain('<script')
  expect(text).not.toContain('/enrol/')
  expect(headers['content-security-policy']).toContain("default-src 'none'")
  for (const name of ['Conversations', 'Monal', 'Gajim', 'Dino']) expect(text).toContain(name)
  const phone = await page('ann@example.org', token, {
    'user-agent': 'Mozilla/5.0 (Linux; Android 16) Mobile',
  })
  expect([phone.text.includes('Conversations'), phone.text.includes('Gajim')]).toEqual([true, false])
  const french = await page('ann@example.org', token, { 'accept-language': 'fr' })
  expect(french.text).toContain('ann@example.org vous invite')
})

test.each([
  ['an address of elsewhere', 'ann@example.com', 'A'.repeat(43)],
  ['no account', 'example.org', 'A'.repeat(43)],
  ['a device', 'ann@example.org/phone', 'A'.repeat(43)],
  ['no address', '"><script>', 'A'.repeat(43)],
  ['no token', 'ann@example.org', 'x'],
])('%s is no invitation', async (_what, address, token) => {
  const answer = await page(address, token)
  expect(answer.status).toBe(404)
  expect(answer.text).not.toContain('<script')
})

test('a name is written into the link as RFC 5122 wants it', async () => {
  const { text } = await page('o.hara?x@example.org', 'A'.repeat(43))
  expect(text).not.toContain('xmpp:o.hara?x@')
  expect(text).toContain('%3Fx@example.org?roster;preauth=')
})

test('where the invitation is for an account as well, the page leads there, and programs may make it', async () => {
  const token = await registrationToken(api)
  const { text } = await page('ann@example.org', token)
  expect(text).toContain(`?roster;preauth=${token};ibr=y"`)
  expect(text).toContain(`href="https://example.org:8443/enrol/${token}"`)
})

test('XEP-0445 §2: an invite to an account can be opened in a chat program, if programs may make accounts', async () => {
  const open = await registrationToken(api)
  const named = await registrationToken(api, { name: 'juliet' })
  expect((await api.call('GET', `/enrol/${open}`)).text).toContain(
    `"xmpp:example.org?register;preauth=${open}"`,
  )
  expect((await api.call('GET', `/enrol/${named}`)).text).toContain(
    `"xmpp:juliet@example.org?register;preauth=${named}"`,
  )
  await using closed = await createTestApi()
  const token = await registrationToken(closed)
  expect((await closed.call('GET', `/enrol/${token}`)).text).not.toContain('xmpp:')
  const contact = await closed.call('GET', `/contact/ann%40example.org/${token}`)
  expect(contact.text).not.toContain('ibr=y')
})
