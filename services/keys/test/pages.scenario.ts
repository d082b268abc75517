/** The public pages as a browser uses them: forms, links, and what is shown to whom. */
import { createAccounts } from '@sealpost/accounts'
import { openDb } from '@sealpost/db'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { certify, direct, ed25519, reason, sample, userId } from '../../../packages/openpgp/test/maker.ts'
import { armor, createTestKeys, linkIn, ORIGIN } from './keys.ts'
import type { TestKeys } from './keys.ts'

let keys: TestKeys
beforeAll(async () => {
  keys = await createTestKeys()
})
afterAll(() => keys[Symbol.asyncDispose]())

interface Page {
  readonly status: number
  readonly text: string
}

/** Every page, whatever it says: HTML without script, in one language, with one heading, not kept, not framed. */
async function open(path: string, init: RequestInit = {}): Promise<Page> {
  const answer = await fetch(keys.http + path, init)
  const text = await answer.text()
  const { headers } = answer
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'/,
  )
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('referrer-policy')).toBe('no-referrer')
  expect(headers.has('access-control-allow-origin')).toBe(false)
  expect(headers.has('set-cookie')).toBe(false)
  expect(text).toContain('<html lang="en">')
  expect(text.match(/<h1>/g)).toHaveLength(1)
  expect(text).not.toMatch(/<script|\son\w+=|style="/)
  return { status: answer.status, text }
}

const look = (search: string): Promise<Page> => open(`/keys/lookup?search=${encodeURIComponent(search)}`)

function upload(...parts: readonly (string | Blob)[]): Promise<Page> {
  const body = new FormData()
  for (const part of parts)
    if (typeof part === 'string') body.append('keytext', part)
    else body.append('keytext', part, part.size === 0 ? '' : 'key.asc')
  return open('/keys/upload', { method: 'POST', body })
}

function hidden(text: string, name: string): string {
  return new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? ''
}

const post = (path: string, fields: [string, string][]): Promise<Page> =>
  open(path, { method: 'POST', body: new URLSearchParams(fields) })

test('the pages of an organisation’s host look as it says, and have its name in the title', async () => {
  const { databaseUrl: url, bus, clock, random } = keys.platform
  await using db = await openDb({ url, role: 'sealpost_account', poolSize: 1 })
  await using accounts = createAccounts({ db, bus, clock, random })
  const { organisations } = accounts
  const pools = {}
  const made = await organisations.create({ name: 'Nord', kind: 'customer', parentId: undefined, pools })
  const colours = { background: '#1a2b3c', text: '#ffffff' }
  const supportUrl = 'https://aide.nord.example/'
  await organisations.setBrand(made.id, { name: 'Étoile', colours, domain: 'nord.example', supportUrl })
  for (const path of ['/keys', '/keys/lookup?search=nobody', `/keys/confirm/${'a'.repeat(43)}`]) {
    const answer = await fetch(keys.http + path, { headers: { 'x-forwarded-host': 'nord.example:8443' } })
    const text = await answer.text()
    expect(text).toContain('<p class="brand">Étoile</p>')
    expect(text).toContain('· Étoile</title>')
    expect(text).toContain('background: #1a2b3c; color: #ffffff }</style>')
    expect(text).toContain(`<a href="${supportUrl}">Help</a>`)
    expect(text).not.toContain('Sealpost')
    expect(answer.headers.get('content-security-policy')).toMatch(/style-src 'sha256-[^']+' 'sha256-[^']+';/)
  }
  expect((await open('/keys')).text).toContain('<p class="brand">Sealpost</p>')
})

test('pages speak French to browsers that prefer it', async () => {
  for (const [path, title] of [
    ['/keys', 'Annuaire de clés'],
    ['/keys/manage', 'Gérer votre clé'],
    ['/keys/lookup?search=nobody@example.org', 'Aucune clé de ce genre'],
    [`/keys/confirm/${'a'.repeat(43)}`, 'Ce lien ne fonctionne plus'],
  ] as const) {
    const text = await (
      await fetch(keys.http + path, { headers: { 'accept-language': 'fr-CA, en;q=0.5' } })
    ).text()
    expect(text).toContain('<html lang="fr">')
    expect(text).toContain(`<h1>${title}</h1>`)
  }
})

const fingerprintOf = (seed: number): string => ed25519(seed).key.fingerprint.toString('hex').toUpperCase()
const grouped = (fingerprint: string): string => (fingerprint.match(/.{4}/g) ?? []).join(' ')

test('a key is uploaded as a file, its address verified, and found by address, fingerprint and key id', async () => {
  const address = 'page@example.org'
  const primary = ed25519(301) // It cannot encrypt: the mail is plain.
  const name = `User <${address}>`
  const bytes = Buffer.concat([primary.key.packet.bytes, userId(name), certify(primary, name)])
  const start = await open('/keys')
  for (const action of ['/keys/lookup', '/keys/upload']) expect(start.text).toContain(`action="${action}"`)
  expect(start.text).toContain('href="/keys/manage"')

  const uploaded = await upload(new Blob([bytes]), '')
  expect(uploaded.status).toBe(200)
  expect(uploaded.text).toContain(grouped(fingerprintOf(301)))
  expect(uploaded.text).toContain(`${address}: not shown`)
  expect((await look(address)).status).toBe(404)

  const count = keys.sink.mails.length
  const token = hidden(uploaded.text, 'token')
  const asked = await post('/keys/links', [
    ['token', token],
    ['address', address],
  ])
  expect(asked.status).toBe(200)
  expect(asked.text).toContain(`${address}: a link was mailed`)
  const { message } = await keys.sink.next(count)
  expect((await post(linkIn(message), [])).status).toBe(200)

  const fingerprint = fingerprintOf(301)
  for (const search of [
    address,
    ` ${address.toUpperCase()} `,
    fingerprint,
    `0x${fingerprint}`,
    grouped(fingerprint),
    fingerprint.toLowerCase().slice(-16),
  ]) {
    const found = await look(search)
    expect([search, found.status]).toEqual([search, 200])
    expect(found.text).toContain(grouped(fingerprint))
    expect(found.text).toContain(`User &lt;${address}&gt;`)
  }
  const path = `/vks/v1/by-fingerprint/${fingerprint}`
  expect((await look(fingerprint)).text).toContain(`href="${path}"`)
  expect((await fetch(keys.http + path)).status).toBe(200)
})

test('as text, in place of a file; several at once', async () => {
  const one = await upload(new Blob([]), armor(sample(302).bytes))
  expect(one.text).toContain(grouped(fingerprintOf(302)))
  const many = Buffer.concat(Array.from({ length: 7 }, (_, index) => sample(310 + index).bytes))
  const several = await upload(new Blob([many]))
  expect(several.text.match(/name="token"/g)).toHaveLength(5)
  expect(several.text).toContain('2 more keys were taken')
})

test('what cannot be taken, found or asked for is told on a page', async () => {
  expect(await upload('')).toMatchObject({ status: 422 })
  expect(await upload('hello')).toMatchObject({ status: 422 })
  const secret = await upload('-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlFgE\n')
  expect(secret.status).toBe(422)
  expect(secret.text).toContain('exposed')
  expect((await upload(new Blob([Buffer.alloc(4 * 1024 * 1024)]))).status).toBe(413)
  const json = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }
  expect((await open('/keys/upload', json)).status).toBe(415)
  await keys.service.directory.submit(sample(303).bytes)
  await keys.service.directory.remove(fingerprintOf(303))
  expect((await upload(armor(sample(303).bytes))).text).toContain('removed')
  for (const search of ['', 'a b', '0xABCD1234', 'ABCD1234', '<b>"@x'])
    expect([search, (await look(search)).status]).toEqual([search, 400])
  expect((await look('<b>"@x')).text).toContain('value="&lt;b&gt;&quot;@x"')
  expect((await look('nobody@example.org')).status).toBe(404)
  expect((await post('/keys/links', [['token', 'x']])).status).toBe(400)
})

test('a revoked key says so, and nobody is asked to publish it', async () => {
  const { primary, bytes } = sample(304)
  const size = primary.key.packet.bytes.length
  const revocation = direct(primary, { type: 0x20, hashed: [reason(2)] })
  const revoked = Buffer.concat([bytes.subarray(0, size), revocation, bytes.subarray(size)])
  const uploaded = await upload(armor(revoked))
  expect(uploaded.text).not.toContain('name="token"')
  expect((await look(fingerprintOf(304))).text).toContain('revoked: do not use it')
})

test('the port of HKP leads to the pages', async () => {
  const answer = await fetch(`${keys.hkp}/`, { redirect: 'manual' })
  expect([answer.status, answer.headers.get('location')]).toEqual([302, `${ORIGIN}/keys`])
})
