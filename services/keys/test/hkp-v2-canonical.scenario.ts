/** draft-ietf-openpgp-hkp §5.2.2, §5.2.3, §5.2.4.1: tokens by mail, and with them the certificate of an address. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '@sealpost/runtime'
import { direct, ed25519, reason, sample } from '../../../packages/openpgp/test/maker.ts'
import { createTestKeys, ORIGIN } from './keys.ts'
import type { TestKeys } from './keys.ts'

let keys: TestKeys
let ahead = 0
beforeAll(async () => {
  const clock = { ...systemClock, now: () => Date.now() + ahead }
  keys = await createTestKeys({ clock })
})
afterAll(() => keys[Symbol.asyncDispose]())

const lowerOf = (seed: number): string => ed25519(seed).key.fingerprint.toString('hex')
const NOTHING = { inserted: [], updated: [], deleted: [], ignored: [], invalid: [] }
const entry = (seed: number, comment?: unknown) => ({
  version: 4,
  fingerprint: lowerOf(seed),
  ...(comment === undefined ? {} : { comment: expect.any(String) as string }),
})

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** §7.1: pages of any origin may read every answer. */
async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(`${keys.http}/pks/v2/${path}`, init)
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

const sendToken = (
  body: string,
  headers: Record<string, string> = { 'content-type': 'text/plain' },
): Promise<Answer> => ask('sendtoken', { method: 'POST', body, headers })

interface Token {
  readonly '@context': string
  readonly url: string
  readonly token: string
  readonly expires: string
}

/** Asks for a token and reads it where programs do. */
async function tokenFor(address: string): Promise<Token> {
  const count = keys.sink.mails.length
  expect((await sendToken(address)).status).toBe(200)
  const { recipient, message } = await keys.sink.next(count)
  expect(recipient).toBe(address)
  return documentIn(message)
}

function documentIn(message: string): Token {
  const [, json = ''] =
    /Content-Type: application\/ld\+json\r\n[^]*?\r\n\r\n([^]*?)\r\n--/.exec(message) ?? []
  return JSON.parse(json) as Token
}

function put(
  identity: string,
  body: Uint8Array | FormData,
  token: string,
  { header = 'authorization', type = 'application/pgp' } = {},
): Promise<Answer> {
  const headers: Record<string, string> = { [header]: `Bearer ${token}` }
  if (!(body instanceof FormData)) headers['content-type'] = type
  return ask(`canonical/${encodeURIComponent(identity)}`, { method: 'PUT', body, headers })
}

const of = (seed: number, ...addresses: string[]): Buffer => sample(seed, { addresses }).bytes
const found = async (address: string): Promise<number> => (await ask(`canonical/${address}`)).status

test('H11, §5.2.2: the body is one address, the answer is empty, the token is in the mail alone, with its expiry in UTC', async () => {
  const count = keys.sink.mails.length
  const answer = await sendToken('Dora@Example.org\r\n')
  expect([answer.status, answer.text]).toEqual([200, ''])
  const { recipient, message } = await keys.sink.next(count)
  expect(recipient).toBe('dora@example.org')
  expect(message).toMatch(/^Content-Type: multipart\/alternative; boundary="/m)
  expect(message).toContain('Auto-Submitted: auto-generated')
  const { '@context': context, url, token, expires } = documentIn(message)
  expect([context, url]).toEqual([
    'http://hockeypuck.io/contexts/hkp-sendtoken.jsonld',
    `${ORIGIN}/pks/v2/canonical/dora%40example.org`,
  ])
  expect(expires).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  expect(Math.abs(Date.parse(expires) - Date.now() - 86_400_000)).toBeLessThan(60_000)
  expect(message.split(token)).toHaveLength(3) // For people, and for programs.
})

test('H11, §5.2.2: what is no address is refused, whatever the type of content', async () => {
  for (const body of ['', 'nobody', 'a@example.org, b@example.org', 'a@example.org\nb@example.org'])
    expect((await sendToken(body)).status).toBe(422)
  expect((await sendToken('x'.repeat(2_000))).status).toBe(413)
  const count = keys.sink.mails.length
  expect((await sendToken('typeless@example.org', {})).status).toBe(200)
  expect((await keys.sink.next(count)).recipient).toBe('typeless@example.org')
})

test('H12, H13, §5.2.3, §5.2.4.1: with the token the certificate of the address is set, once', async () => {
  const address = 'erika@example.org'
  expect(await found(address)).toBe(404)
  const { token } = await tokenFor(address)
  const answer = await put(address, of(201, address), token)
  expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { ...NOTHING, inserted: [entry(201)] }])
  expect(await found(address)).toBe(200)
  expect((await put(address, of(202, address), token)).status).toBe(401)

  const next = await tokenFor(address)
  expect(
    (await put(address.toUpperCase(), of(202, address), next.token, { header: 'authentication' })).status,
  ).toBe(200)
  const index = JSON.parse((await ask(`index/${address}`)).text) as { fingerprint: string }[]
  expect(index.map(({ fingerprint }) => fingerprint)).toEqual([lowerOf(202)])
})

test('H12, §5.2.3: a token holds for a day', async () => {
  const address = 'heidi@example.org'
  const [first, second] = [await tokenFor(address), await tokenFor(address)]
  ahead = 24 * 3_600_000 + 1
  expect((await put(address, of(230, address), first.token)).status).toBe(401)
  ahead = 24 * 3_600_000 - 60_000
  expect((await put(address, of(230, address), second.token)).status).toBe(200)
  ahead = 0
})

test('H12, §5.2.3: of ten requests at once with one token one wins', async () => {
  const address = 'greta@example.org'
  const { token } = await tokenFor(address)
  const seeds = Array.from({ length: 10 }, (_, index) => 210 + index)
  const answers = await Promise.all(seeds.map((seed) => put(address, of(seed, address), token)))
  const won = seeds.filter((_, index) => answers[index]?.status === 200)
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
    200,
    ...Array<number>(9).fill(401),
  ])
  const index = JSON.parse((await ask(`index/${address}`)).text) as { fingerprint: string }[]
  expect(index.map(({ fingerprint }) => fingerprint)).toEqual(won.map((seed) => lowerOf(seed)))
})

test('H12, §5.2.3: what cannot be verified is rejected before the body is read', async () => {
  const address = 'frida@example.org'
  const { token } = await tokenFor(address)
  const body = of(203, address)
  for (const [identity, wrong] of [
    [address, ''],
    [address, 'x'],
    [address, 'A'.repeat(43)],
    ['other@example.org', token],
    ['nobody', token],
  ] as const) {
    const answer = await put(identity, body, wrong)
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  }
  expect((await ask(`canonical/${address}`, { method: 'PUT', body })).status).toBe(401)
  const headers = { 'content-type': 'application/pgp' }
  expect((await ask('canonical', { method: 'PUT', body, headers })).status).toBe(403)
  expect((await ask(`certs/by-vfingerprint/04/${lowerOf(203)}`)).status).toBe(404)
})

test('H13, H14, §5.2.4.1, §5.2.5: the identity of the token must be one of the certificate; else nothing of it is taken, and the token still holds', async () => {
  const address = 'gerda@example.org'
  const { token } = await tokenFor(address)
  const other = await put(address, of(204, 'else@example.org'), token)
  expect([other.status, JSON.parse(other.text)]).toEqual([422, { ...NOTHING, invalid: [entry(204, true)] }])
  expect((await ask(`certs/by-vfingerprint/04/${lowerOf(204)}`)).status).toBe(404)
  const two = await put(address, Buffer.concat([of(205, address), of(206, address)]), token)
  expect(two.status).toBe(422)
  for (const [body, type, status] of [
    [Buffer.from('\0rubbish'), 'application/pgp', 422],
    [of(205, address), 'text/plain', 415],
    [Buffer.alloc(1024 * 1024 + 1, 0xff), 'application/pgp', 413],
  ] as const)
    expect((await put(address, body, token, { type })).status).toBe(status)
  const form = new FormData()
  form.append('keytext', new Blob([Buffer.concat([of(205, address), of(207)])]), 'gerda.pgp')
  const answer = await put(address, form, token) // §5.2.5
  expect(JSON.parse(answer.text)).toEqual({ ...NOTHING, inserted: [entry(205), entry(207)] })
  expect(await found(address)).toBe(200)
})

test('H12, §5.2.3: of one who was removed or is revoked nothing is set', async () => {
  const address = 'hanna@example.org'
  const { token } = await tokenFor(address)
  await keys.service.directory.submit(of(208, address))
  await keys.service.directory.remove(lowerOf(208).toUpperCase())
  expect((await put(address, of(208, address), token)).status).toBe(422)
  const { primary, bytes } = sample(209, { addresses: [address] })
  const size = primary.key.packet.bytes.length
  const revocation = direct(primary, { type: 0x20, hashed: [reason(2)] })
  const revoked = Buffer.concat([bytes.subarray(0, size), revocation, bytes.subarray(size)])
  expect((await put(address, revoked, token)).status).toBe(422)
  expect(await found(address)).toBe(404)
  expect((await put(address, of(210, address), token)).status).toBe(200)
})

test('H11, §5.2.2: a client that asks too often is refused; an address is not told apart by how often it is asked for', async () => {
  const count = keys.sink.mails.length
  for (let turn = 0; turn < 5; turn += 1) expect((await sendToken('often@example.org')).text).toBe('')
  await keys.sink.next(count + 2)
  await tokenFor('last@example.org')
  const recipients = keys.sink.mails.slice(count).map(({ recipient }) => recipient)
  expect(recipients).toEqual([...Array<string>(3).fill('often@example.org'), 'last@example.org'])
  let refused: Answer | undefined
  for (let turn = 0; turn < 60 && refused?.status !== 429; turn += 1)
    refused = await sendToken(`many${String(turn)}@example.org`)
  expect(refused?.status).toBe(429)
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
})
