/** VKS version 1 (https://keys.openpgp.org/about/api) as clients speak it, and the mail that verifies an address, over real sockets. */
import { decrypt, generateKey, readMessage, readPrivateKey } from 'openpgp'
import { readArmor, writeArmor } from '@sealpost/openpgp'
import { systemClock } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  bind,
  certify,
  DAY,
  direct,
  ed25519,
  flags,
  reason,
  sample,
  seconds,
  signatureOver,
  toKey,
  userId,
} from '../../../packages/openpgp/test/maker.ts'
import { armor, createTestKeys, linkIn, serveKeys, summaryOf } from './keys.ts'
import type { TestKeys } from './keys.ts'

let keys: TestKeys
let ahead = 0
beforeAll(async () => {
  const clock = { ...systemClock, now: () => Date.now() + ahead }
  keys = await createTestKeys({ clock })
})
afterAll(() => keys[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly type: string | null
  readonly headers: Headers
  readonly text: string
  readonly json: { key_fpr: string; status: Record<string, string>; token: string; error: string }
}

async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(keys.http + path, init)
  const text = await answer.text()
  const type = answer.headers.get('content-type')
  const json = (type?.includes('json') === true ? JSON.parse(text) : {}) as Answer['json']
  return { status: answer.status, type, headers: answer.headers, text, json }
}

let clients = 0

/** Each from a client of its own: how much one client may ask for is another test's. */
function post(path: string, body: unknown): Promise<Answer> {
  clients += 1
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': `10.0.1.${String(clients)}` }
  return ask(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

const upload = (bytes: Buffer): Promise<Answer> => post('/vks/v1/upload', { keytext: armor(bytes) })
const request = (token: string, ...addresses: string[]): Promise<Answer> =>
  post('/vks/v1/request-verify', { token, addresses })
const fingerprintOf = (seed: number, version: 4 | 6 = 4): string =>
  ed25519(seed, { version }).key.fingerprint.toString('hex').toUpperCase()

/** A certificate that can only sign: mails about it are plain. */
function signingOnly(seed: number, ...addresses: string[]): Buffer {
  const primary = ed25519(seed)
  const userIds = addresses.map((address) => `User <${address}>`)
  return Buffer.concat([
    primary.key.packet.bytes,
    ...userIds.flatMap((name) => [userId(name), certify(primary, name)]),
  ])
}

/** The same, expired three days after it was made. */
function expired(seed: number, address: string): Buffer {
  const primary = ed25519(seed)
  const name = `User <${address}>`
  const certification = certify(primary, name, { hashed: [flags(3), seconds(9, 3 * DAY)] })
  return Buffer.concat([primary.key.packet.bytes, userId(name), certification])
}

/** Uploads, asks for the mail, and gives the link in it. */
async function linkFor(bytes: Buffer, address: string): Promise<string> {
  const { json } = await upload(bytes)
  const count = keys.sink.mails.length
  expect((await request(json.token, address)).json.status).toMatchObject({ [address]: 'pending' })
  const { recipient, message } = await keys.sink.next(count)
  expect(recipient).toBe(address)
  return linkIn(message)
}

const press = (link: string, body = ''): Promise<Answer> =>
  ask(link, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body })

describe('the way of a key', () => {
  test('V8, V9, V10, V11, V12: Thunderbird publishes one: upload, verification mail, page, button; then it is found by its address', async () => {
    const address = 'thunder@example.org'
    // As its keyserver.sys.mjs sends them, `locale` included: the mail is in English, whichever it names.
    const uploaded = await upload(signingOnly(1, address))
    expect([uploaded.status, uploaded.type]).toEqual([200, 'application/json; charset=utf-8'])
    expect(uploaded.json).toEqual({
      key_fpr: fingerprintOf(1),
      status: { [address]: 'unpublished' },
      token: expect.stringMatching(/^[\w-]+$/) as string,
    })
    const asked = { token: uploaded.json.token, addresses: [address], locale: ['fr', 'en-US'] }
    const requested = await post('/vks/v1/request-verify', asked)
    expect([requested.status, requested.json.status]).toEqual([200, { [address]: 'pending' }])
    expect((await ask(`/vks/v1/by-email/${address}`)).status).toBe(404)

    const mail = await keys.sink.next(0)
    expect(mail).toMatchObject({ sender: 'keys@localhost', recipient: address, secure: true })
    for (const line of [
      'From: Key directory <keys@localhost>',
      `To: <${address}>`,
      'Subject: Confirm your OpenPGP key',
      'Auto-Submitted: auto-generated', // RFC 3834 §5
      'Content-Type: text/plain; charset=utf-8',
    ])
      expect(mail.message).toContain(`${line}\r\n`)
    expect(mail.message).toMatch(/^Date: \w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000\r\n/m) // RFC 5322 §3.3
    expect(mail.message).toMatch(/^Message-ID: <[\w-]+@localhost>\r\n/m) // RFC 5322 §3.6.4
    const link = linkIn(mail.message)
    const page = await ask(link)
    expect([page.status, page.type]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
    expect(page.text).not.toContain('<script')
    expect((await ask(`/vks/v1/by-email/${address}`)).status).toBe(404) // Looking is not confirming.
    expect((await press(link)).status).toBe(200)

    const found = await ask(`/vks/v1/by-email/${encodeURIComponent(address)}`)
    expect([found.status, found.type]).toEqual([200, 'application/pgp-keys'])
    expect(found.headers.get('access-control-allow-origin')).toBe('*')
    expect(found.headers.get('cache-control')).toBe('no-cache')
    expect(summaryOf(found.text)).toMatchObject({ fingerprint: fingerprintOf(1), userIds: [{ address }] })
    expect((await ask(`/vks/v1/by-email/${address.toUpperCase()}`)).status).toBe(200)
    expect((await press(link)).status).toBe(404) // Once.
    expect((await upload(signingOnly(1, address))).json.status).toEqual({ [address]: 'published' })
  })

  test('a link that is pressed ten times at once publishes once, and each sees that it is published', async () => {
    const address = 'eager@example.org'
    const link = await linkFor(signingOnly(2_001, address), address)
    const answers = await Promise.all(Array.from({ length: 10 }, () => press(link)))
    const texts = answers.filter(({ status }) => status === 200).map(({ text }) => text)
    expect(texts.length).toBeGreaterThan(0)
    for (const text of texts) expect(text).toContain('Your key is published')
    for (const { status } of answers) expect([200, 404]).toContain(status)
    expect((await press(link)).status).toBe(404)
    const { entries } = JSON.parse((await ask(`/keys/v1/history/${address}`)).text) as { entries: unknown[] }
    expect(entries).toHaveLength(1)
  })

  test('V13: by an address one may look as often as by a fingerprint, over this face as over the others', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => ask(`/vks/v1/by-email/n${String(index)}@example.org`)),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]))
  })

  test('a mail to one who can read it is encrypted, link and all (RFC 3156 §4)', async () => {
    const address = 'sealed@example.org'
    const { privateKey, publicKey } = await generateKey({ userIDs: [{ email: address }], format: 'armored' })
    const { json } = await post('/vks/v1/upload', { keytext: publicKey })
    const count = keys.sink.mails.length
    await request(json.token, address)
    const { message } = await keys.sink.next(count)
    expect(linkIn(message)).toBe('')
    expect(message).toMatch(
      /^Content-Type: multipart\/encrypted; protocol="application\/pgp-encrypted";\r\n boundary=/m,
    )
    const armored = message.slice(
      message.indexOf('-----BEGIN PGP MESSAGE'),
      message.indexOf('-----END PGP MESSAGE-----') + 25,
    )
    const decryptionKeys = await readPrivateKey({ armoredKey: privateKey })
    const opened = await decrypt({
      message: await readMessage({ armoredMessage: armored }),
      decryptionKeys,
    })
    const data = String(opened.data)
    expect(data).toMatch(/^Content-Type: text\/plain; charset=utf-8\r?\n/)
    expect((await press(linkIn(data))).status).toBe(200)
    expect((await ask(`/vks/v1/by-email/${address}`)).status).toBe(200)
  })

  test('V12: when nothing can be encrypted to a key the mail goes out plain, and confirms as well', async () => {
    const address = 'zero@example.org'
    const primary = ed25519(2_002)
    // X25519 with a point from which no secret can be agreed: openpgp.js refuses to.
    const body = Buffer.concat([
      Buffer.from([4]),
      primary.key.packet.body.subarray(1, 5),
      Buffer.from([25]),
      Buffer.alloc(32),
    ])
    const zero = toKey(body, 14)
    const name = `User <${address}>`
    const whole = [
      primary.key.packet.bytes,
      userId(name),
      certify(primary, name),
      zero.packet.bytes,
      bind(primary, zero),
    ]
    const link = await linkFor(Buffer.concat(whole), address)
    expect(link).toMatch(/^\/keys\/confirm\//)
    expect((await press(link)).status).toBe(200)
    expect((await ask(`/vks/v1/by-email/${address}`)).status).toBe(200)
  })

  test('V7: one key an address: the last one that was verified', async () => {
    const address = 'twice@example.org'
    const first = await linkFor(signingOnly(10, address), address)
    const second = await linkFor(signingOnly(11, address), address)
    await press(second)
    await press(first)
    expect(summaryOf((await ask(`/vks/v1/by-email/${address}`)).text).fingerprint).toBe(fingerprintOf(10))
    const other = await ask(`/vks/v1/by-fingerprint/${fingerprintOf(11)}`)
    expect(summaryOf(other.text)).toMatchObject({ fingerprint: fingerprintOf(11), userIds: [] })
  })

  test('of two links for an address that are used at once one key is left, and it is found', async () => {
    const address = 'both@example.org'
    const links = [
      await linkFor(signingOnly(13, address), address),
      await linkFor(signingOnly(14, address), address),
    ]
    for (const { status } of await Promise.all(links.map((link) => press(link)))) expect(status).toBe(200)
    const { fingerprint } = summaryOf((await ask(`/vks/v1/by-email/${address}`)).text)
    const ours = [fingerprintOf(13), fingerprintOf(14)]
    expect(ours).toContain(fingerprint)
    const other = ours.find((each) => each !== fingerprint) ?? ''
    expect(summaryOf((await ask(`/vks/v1/by-fingerprint/${other}`)).text).userIds).toEqual([])
  })

  test('V9, V12: a link for a key that is revoked meanwhile publishes nothing', async () => {
    const address = 'late@example.org'
    const link = await linkFor(signingOnly(12, address), address)
    const revocation = direct(ed25519(12), { type: 0x20, hashed: [reason(2)] })
    expect((await upload(revocation)).json).toMatchObject({ key_fpr: fingerprintOf(12), status: {} })
    expect((await upload(signingOnly(12, address))).json.status).toEqual({ [address]: 'revoked' })
    expect((await press(link)).status).toBe(404)
    expect((await ask(`/vks/v1/by-email/${address}`)).status).toBe(404)
  })

  test('mails to one address are few, whoever asks for whatever', async () => {
    const address = 'often@example.org'
    const count = keys.sink.mails.length
    for (const seed of [20, 21, 22, 23, 24]) {
      const { json } = await upload(signingOnly(seed, address))
      const { status } = (await request(json.token, address)).json
      expect(status).toEqual({ [address]: seed < 23 ? 'pending' : 'unpublished' })
    }
    expect(keys.sink.mails.length - count).toBe(3)
  })

  test('V4: no link is left of a mail that is not taken; it may be asked for again', async () => {
    const address = 'bounce@example.org'
    const { json } = await upload(signingOnly(25, address))
    for (const code of [451, 550]) {
      keys.sink.refusal = { code, text: 'not now' }
      const refused = await request(json.token, address)
      expect([refused.status, refused.json.error]).toEqual([503, expect.stringContaining('No mail was sent')])
      expect(refused.headers.get('retry-after')).not.toBeNull()
      expect((await upload(signingOnly(25, address))).json.status).toEqual({ [address]: 'unpublished' })
    }
    keys.sink.refusal = undefined
    for (let turn = 0; turn < 3; turn += 1)
      expect((await request(json.token, address)).json.status).toEqual({ [address]: 'pending' })
  })
})

describe('the API, part by part', () => {
  test('V5, V6, by-fingerprint and by-keyid: any key of the certificate, armored, without user ids that nobody verified', async () => {
    await upload(sample(30).bytes)
    const { text } = await ask(`/vks/v1/by-fingerprint/${fingerprintOf(30)}`)
    const found = summaryOf(text)
    expect(found).toMatchObject({ fingerprint: fingerprintOf(30), userIds: [] })
    for (const { fingerprint, keyId } of [found, ...found.subkeys])
      for (const path of [
        `by-fingerprint/${fingerprint}`,
        `by-fingerprint/${fingerprint.toLowerCase()}`,
        `by-keyid/${keyId}`,
      ])
        expect(summaryOf((await ask(`/vks/v1/${path}`)).text).fingerprint).toBe(fingerprintOf(30))
  })

  test.each([
    ['by-fingerprint/0x' + 'AB'.repeat(20), 400],
    ['by-fingerprint/ABCD', 400],
    ['by-keyid/89ABCDEF', 400],
    ['by-keyid/0123456789ABCDEF', 404],
    ['by-email/nobody', 400],
    ['by-email/nobody@example.org', 404],
    ['by-email/%ff', 400],
    [`by-email/${'x'.repeat(300)}@example.org`, 400],
  ])('V1, V2, V7: GET %s: %i in plain text', async (path, status) => {
    const answer = await ask(`/vks/v1/${path}`)
    expect(answer.status).toBe(status)
    if (!path.includes('%ff')) expect(answer.type).toBe('text/plain; charset=utf-8')
  })

  test('V5: a key of version 6 is verified as others are, and answered by its fingerprint alone', async () => {
    const address = 'six@example.org'
    const { json } = await upload(sample(31, { version: 6, addresses: [address] }).bytes)
    expect(json).toMatchObject({ key_fpr: fingerprintOf(31, 6), status: { [address]: 'unpublished' } })
    await keys.service.directory.publish(fingerprintOf(31, 6), address)
    const { text } = await ask(`/vks/v1/by-fingerprint/${fingerprintOf(31, 6)}`)
    expect(summaryOf(text)).toMatchObject({ version: 6, userIds: [{ address }] })
    for (const path of [`by-email/${address}`, `by-keyid/${summaryOf(text).keyId}`]) {
      const answer = await ask(`/vks/v1/${path}`)
      expect([answer.status, answer.text]).toEqual([404, expect.stringContaining('version 6')])
    }
  })

  test('V1, V3, V13: too many requests are refused in the form of each, with the time to wait', async () => {
    await using few = await serveKeys(keys.platform, {}, 3)
    const send = async (
      path: string,
      init: RequestInit,
    ): Promise<readonly [number, string | null, boolean]> => {
      let answer = await fetch(few.http + path, init)
      for (let turn = 0; turn < 100 && answer.status !== 429; turn += 1)
        answer = await fetch(few.http + path, init)
      return [
        answer.status,
        answer.headers.get('content-type'),
        Number(answer.headers.get('retry-after')) > 0,
      ]
    }
    expect(await send('/vks/v1/by-email/nobody@example.org', {})).toEqual([
      429,
      'text/plain; charset=utf-8',
      true,
    ])
    expect(await send('/vks/v1/upload', { method: 'POST' })).toEqual([
      429,
      'application/json; charset=utf-8',
      true,
    ])
  })

  test('V8: upload takes Base64 in JSON, and the key itself as application/pgp-keys', async () => {
    const base64 = await post('/vks/v1/upload', {
      keytext: signingOnly(32, 'b64@example.org').toString('base64'),
    })
    expect(base64.json.key_fpr).toBe(fingerprintOf(32))
    const headers = { 'content-type': 'application/pgp-keys' }
    const plain = await ask('/vks/v1/upload', {
      method: 'POST',
      headers,
      body: armor(signingOnly(33, 'p@example.org')),
    })
    expect(plain.json.key_fpr).toBe(fingerprintOf(33))
  })

  test('V8: several keys in one upload: their fingerprints, and no token', async () => {
    const both = Buffer.concat([signingOnly(34, 'one@example.org'), signingOnly(35, 'two@example.org')])
    expect(JSON.parse((await upload(both)).text)).toEqual([fingerprintOf(34), fingerprintOf(35)])
  })

  test('V10: addresses that are not of the key get no mail', async () => {
    const { json } = await upload(signingOnly(36, 'mine@example.org'))
    const count = keys.sink.mails.length
    const { status } = (await request(json.token, 'yours@example.org', '', 'x')).json
    expect(status).toEqual({ 'mine@example.org': 'unpublished' })
    expect(keys.sink.mails).toHaveLength(count)
  })

  test('V9, V10: who has a key without its user ids learns no address of it, and causes no mail', async () => {
    const address = 'hidden@example.org'
    const { primary, bytes } = sample(38, { addresses: [address] })
    const old = 'User <was@example.org>'
    const revoked = certify(primary, old, { type: 0x30, hashed: [reason(32)] })
    const whole = Buffer.concat([bytes, userId(old), certify(primary, old), revoked])
    expect((await upload(whole)).json.status).toEqual({
      [address]: 'unpublished',
      'was@example.org': 'revoked',
    })
    const [block] = readArmor((await ask(`/vks/v1/by-fingerprint/${fingerprintOf(38)}`)).text)
    const { json } = await upload(block?.data ?? Buffer.alloc(0))
    expect(json).toMatchObject({ key_fpr: fingerprintOf(38), status: {} })
    const count = keys.sink.mails.length
    expect((await request(json.token, address)).json.status).toEqual({})
    expect(keys.sink.mails).toHaveLength(count)
  })

  test.each<[string, unknown, number, RegExp]>([
    [
      'a secret key',
      { keytext: '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlFgE\n' },
      422,
      /treat the key as exposed/,
    ],
    ['no key', { keytext: 'hello, world' }, 422, /no public key/],
    ['nothing', { keytext: '' }, 422, /no public key/],
    // Both would keep everybody else waiting, for hours and for a second.
    ['white space', { keytext: `A${' '.repeat(1_000_000)}!` }, 422, /no public key/],
    ['brackets', { keytext: 'A', more: Array.from({ length: 200 }, () => []) }, 400, /more in it/],
    ['another member', { key: 'x' }, 400, /not as/],
    ['no object', 'x', 400, /not as/],
    ['too much', { keytext: 'A'.repeat(3_000_000) }, 413, /larger than/],
  ])('V3: upload of %s: JSON with the error', async (_, body, status, error) => {
    const answer = await post('/vks/v1/upload', body)
    expect(answer.status).toBe(status)
    expect(answer.json).toEqual({ error: expect.stringMatching(error) as string })
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  })

  test('V3: bodies of other types, and broken ones, are refused in JSON', async () => {
    const send = (type: string, body: string): Promise<Answer> =>
      ask('/vks/v1/upload', { method: 'POST', headers: { 'content-type': type }, body })
    expect(await send('text/plain', 'x')).toMatchObject({
      status: 415,
      json: { error: 'Send application/json.' },
    })
    expect(await send('application/json', '{')).toMatchObject({
      status: 400,
      json: { error: expect.any(String) as string },
    })
  })

  test.each(['', 'x', 'A'.repeat(54)])('V3, V10: token %j is refused', async (token) => {
    const answer = await request(token, 'a@example.org')
    expect([answer.status, answer.json]).toEqual([400, { error: expect.stringContaining('token') as string }])
  })

  test('web pages of anybody may use it: preflights are answered', async () => {
    for (const path of ['upload', 'request-verify']) {
      const { status, headers } = await ask(`/vks/v1/${path}`, { method: 'OPTIONS' })
      expect([
        status,
        headers.get('access-control-allow-origin'),
        headers.get('access-control-allow-headers'),
      ]).toEqual([204, '*', 'content-type'])
    }
  })

  test('V3: a key that its owner had removed is refused', async () => {
    await upload(signingOnly(37, 'gone@example.org'))
    await keys.service.directory.remove(fingerprintOf(37))
    const answer = await upload(signingOnly(37, 'gone@example.org'))
    expect([answer.status, answer.json.error]).toEqual([403, expect.stringContaining('removed')])
  })
})

describe('managing by a link', () => {
  async function manageLink(address: string): Promise<string> {
    const count = keys.sink.mails.length
    const answer = await press('/keys/manage', new URLSearchParams({ address }).toString())
    expect(answer.status).toBe(200)
    return linkIn((await keys.sink.next(count)).message)
  }
  const publish = async (bytes: Buffer, address: string): Promise<void> => {
    expect((await press(await linkFor(bytes, address))).status).toBe(200)
  }

  test('whether an address is known is not told', async () => {
    const address = 'known@example.org'
    await publish(signingOnly(40, address), address)
    expect((await ask('/keys/manage')).status).toBe(200)
    const count = keys.sink.mails.length
    const [unknown, known] = await Promise.all(
      ['unknown@example.org', address].map((each) =>
        press('/keys/manage', new URLSearchParams({ address: each }).toString()),
      ),
    )
    expect(unknown?.text).toBe(known?.text)
    expect([unknown?.status, known?.status]).toEqual([200, 200])
    expect((await keys.sink.next(count)).recipient).toBe(address)
  })

  test('an address is taken off; the key stays, without it', async () => {
    const address = 'off@example.org'
    await publish(signingOnly(41, address), address)
    const link = await manageLink(address)
    expect((await ask(link)).text).toContain(address)
    expect((await press(link, 'action=nothing')).status).toBe(400)
    expect((await press(link, 'action=unpublish')).status).toBe(200)
    expect((await ask(`/vks/v1/by-email/${address}`)).status).toBe(404)
    expect(summaryOf((await ask(`/vks/v1/by-fingerprint/${fingerprintOf(41)}`)).text).userIds).toEqual([])
    expect((await press(link, 'action=unpublish')).status).toBe(404)
  })

  test.each([
    ['expired', 46],
    ['revoked', 47],
  ])('an address is taken off a key that is %s', async (state, seed) => {
    const address = `off-${state}@example.org`
    await publish(state === 'expired' ? expired(seed, address) : signingOnly(seed, address), address)
    if (state === 'revoked') await upload(direct(ed25519(seed), { type: 0x20, hashed: [reason(2)] }))
    const index = await ask(`/pks/lookup?op=index&search=${address}`)
    expect(index.text).toMatch(state === 'expired' ? /^pub:.*:e$/m : /^pub:.*:r$/m)
    expect((await press(await manageLink(address), 'action=unpublish')).status).toBe(200)
    expect((await ask(`/vks/v1/by-email/${address}`)).status).toBe(404)
    expect(summaryOf((await ask(`/vks/v1/by-fingerprint/${fingerprintOf(seed)}`)).text).userIds).toEqual([])
  })

  test('a link holds for a day, whatever it is for', async () => {
    const [one, two] = ['day@example.org', 'day2@example.org']
    await publish(signingOnly(48, one), one)
    const links = [await linkFor(signingOnly(49, two), two), await manageLink(one)]
    ahead = 24 * 3_600_000 - 60_000
    for (const link of links) expect((await ask(link)).status).toBe(200)
    ahead = 24 * 3_600_000 + 1
    for (const link of links)
      expect([(await ask(link)).status, (await press(link, 'action=unpublish')).status]).toEqual([404, 404])
    ahead = 0
    expect((await ask(`/vks/v1/by-email/${one}`)).status).toBe(200)
    expect((await ask(`/vks/v1/by-email/${two}`)).status).toBe(404)
  })

  test('a key that has expired is deleted, and nothing of it is left', async () => {
    const address = 'expired@example.org'
    await publish(expired(45, address), address)
    expect((await ask(`/pks/lookup?op=index&search=${address}`)).text).toMatch(/^pub:.*:e$/m)
    expect((await press(await manageLink(address), 'action=delete')).status).toBe(200)
    expect((await ask(`/vks/v1/by-email/${address}`)).status).toBe(404)
    expect((await ask(`/vks/v1/by-fingerprint/${fingerprintOf(45)}`)).status).toBe(404)
  })

  test('a key is deleted, also when it is revoked; its revocation stays known', async () => {
    const address = 'delete@example.org'
    await publish(signingOnly(42, address), address)
    await upload(direct(ed25519(42), { type: 0x20, hashed: [reason(2)] }))
    expect((await press(await manageLink(address), 'action=delete')).status).toBe(200)
    expect((await ask(`/vks/v1/by-email/${address}`)).status).toBe(404)
    const left = summaryOf((await ask(`/vks/v1/by-fingerprint/${fingerprintOf(42)}`)).text)
    expect(left).toMatchObject({ userIds: [], subkeys: [], revoked: 'hard' })
  })

  test('a key that is published for others too is not deleted by one of them', async () => {
    const [mine, yours] = ['mine2@example.org', 'yours2@example.org']
    const bytes = signingOnly(43, mine, yours)
    for (const address of [mine, yours]) await publish(bytes, address)
    const link = await manageLink(mine)
    expect((await ask(link)).text).not.toContain('value="delete"')
    expect((await press(link, 'action=delete')).status).toBe(404)
    expect((await press(link, 'action=unpublish')).status).toBe(200)
    expect((await press(await manageLink(yours), 'action=delete')).status).toBe(200)
    expect((await ask(`/vks/v1/by-fingerprint/${fingerprintOf(43)}`)).status).toBe(404)
  })

  test('pages show what stands in a key as text', async () => {
    const address = "o'connor&co@example.org"
    const link = await linkFor(signingOnly(44, address), address)
    expect((await ask(link)).text).toContain('o&#39;connor&amp;co@example.org')
  })
})

describe('taking a key off by a signature of its own', () => {
  const wanted = (action: string, seed: number): Promise<Answer> =>
    ask(`/keys/statement/${action}/${fingerprintOf(seed).toLowerCase()}`)
  /** As `gpg --clearsign` writes it. */
  const clearsign = (text: string, seed: number): string => {
    const body = text.trimEnd()
    const signature = signatureOver(ed25519(seed), 1, [Buffer.from(body.replaceAll('\n', '\r\n'))])
    return `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${body}\n${writeArmor('SIGNATURE', signature, { checksum: true })}`
  }
  const send = async (body: string): Promise<readonly [number, string]> => {
    const { status, text } = await ask('/keys/statement', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' }, // As curl has it.
      body,
    })
    return [status, text]
  }
  const publish = async (seed: number, ...addresses: string[]): Promise<void> => {
    await upload(signingOnly(seed, ...addresses))
    for (const address of addresses) await keys.service.directory.publish(fingerprintOf(seed), address)
  }
  const lookUp = async (address: string): Promise<number> => (await ask(`/vks/v1/by-email/${address}`)).status

  test('deletes it, whoever shares it, also when it is revoked; once', async () => {
    await publish(50, 'a50@example.org', 'b50@example.org')
    await upload(direct(ed25519(50), { type: 0x20, hashed: [reason(2)] }))
    const statement = await wanted('delete', 50)
    expect([statement.status, statement.type]).toEqual([200, 'text/plain; charset=utf-8'])
    expect(statement.text).toContain(fingerprintOf(50))
    const signed = clearsign(statement.text, 50)
    expect(await send(signed)).toEqual([200, 'Done\n'])
    expect([await lookUp('a50@example.org'), await lookUp('b50@example.org')]).toEqual([404, 404])
    expect(await send(signed)).toEqual([409, expect.stringContaining('before')])
  })

  test('takes all addresses off', async () => {
    await publish(51, 'a51@example.org', 'b51@example.org')
    expect(await send(clearsign((await wanted('unpublish', 51)).text, 51))).toEqual([200, 'Done\n'])
    expect([await lookUp('a51@example.org'), await lookUp('b51@example.org')]).toEqual([404, 404])
    expect((await ask(`/vks/v1/by-fingerprint/${fingerprintOf(51)}`)).status).toBe(200)
  })

  test.each([
    ['delete', 55, 404],
    ['unpublish', 56, 200],
  ])('an expired key signs for itself: %s', async (action, seed, status) => {
    const address = `expired-${action}@example.org`
    await upload(expired(seed, address))
    await keys.service.directory.publish(fingerprintOf(seed), address)
    expect(await send(clearsign((await wanted(action, seed)).text, seed))).toEqual([200, 'Done\n'])
    expect(await lookUp(address)).toBe(404)
    expect((await ask(`/vks/v1/by-fingerprint/${fingerprintOf(seed)}`)).status).toBe(status)
  })

  test('nothing else does', async () => {
    await publish(52, 'a52@example.org')
    const { text } = await wanted('delete', 52)
    const other = await wanted('delete', 53)
    const refused: readonly (readonly [string, number])[] = [
      [text, 403],
      [clearsign(text, 54), 403],
      [clearsign(text, 52).replace('delete the', 'take all addresses off the'), 400],
      [clearsign(text.replace(/until 2/, 'until 9'), 52), 400],
      [clearsign(`I never want to:\n${text}`, 52), 403],
      [clearsign(other.text, 52), 404],
      [clearsign('delete it', 52), 400],
      ['', 400],
    ]
    for (const [body, status] of refused) expect([body, (await send(body))[0]]).toEqual([body, status])
    expect(await lookUp('a52@example.org')).toBe(200)
    expect((await wanted('revoke', 52)).status).toBe(400)
  })
})

test('nothing of a person stands in a log or a metric', async () => {
  const everything = keys.platform.logged() + (await keys.platform.metrics.render())
  expect(everything).not.toContain('example.org')
  expect(everything).toContain('keys_verifications_total{step="confirmed"}')
})
