import { readFile } from 'node:fs/promises'
import { readArmor, readStored, readUpload, summarize, writeArmor } from '@sealpost/openpgp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  bind,
  BIRTH,
  certify,
  crossSignature,
  DAY,
  direct,
  ecdsa,
  ed25519,
  flags,
  NOW,
  reason,
  rsa,
  sample,
  seconds,
  toKey,
  unknownKey,
  userId,
} from '../../../packages/openpgp/test/maker.ts'
import { createTestPlatform } from '../../../test/platform.ts'
import type { TestPlatform } from '../../../test/platform.ts'
import { startKeys } from './keys.ts'
import type { KeysService } from '../src/service.ts'

const LOOKUPS = [
  'certs/by-vfingerprint',
  'certs/by-keyid',
  'certs/by-identity',
  'canonical',
  'index',
  'prefixlog',
]

const stack = new AsyncDisposableStack()
let platform: TestPlatform
let service: KeysService
let root: string

beforeAll(async () => {
  platform = stack.use(await createTestPlatform())
  service = stack.use(await startKeys(platform))
  root = `${service.addresses[0]?.url.replace('hkp://localhost', 'http://127.0.0.1') ?? ''}/pks/v2`
})
afterAll(() => stack.disposeAsync())

interface Answer {
  readonly status: number
  readonly type: string | null
  readonly headers: Headers
  readonly body: Buffer
}

/** §7.1: whatever is asked, and whatever is answered, pages of any origin may read it. */
async function ask(path: string, init?: RequestInit): Promise<Answer> {
  const answer = await fetch(`${root}/${path}`, init)
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    headers: answer.headers,
    body: Buffer.from(await answer.arrayBuffer()),
  }
}

function submit(body: Uint8Array | FormData | string, type?: string): Promise<Answer> {
  return ask('certs', {
    method: 'POST',
    body,
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
  })
}

function json({ body }: Answer): unknown {
  return JSON.parse(body.toString()) as unknown
}

const lowerOf = (seed: number, version: 4 | 6 = 4): string =>
  ed25519(seed, { version }).key.fingerprint.toString('hex')
const NOTHING = { inserted: [], updated: [], deleted: [], ignored: [], invalid: [] }

const ALICE = 'user61@example.org'
const alice = sample(61)
const fingerprint = lowerOf(61)

test('H10, draft-ietf-openpgp-hkp §5.2.1, §7.2: a submission is reported certificate by certificate', async () => {
  const first = await submit(alice.bytes, 'application/pgp')
  expect([first.status, first.type]).toEqual([200, 'application/json; charset=utf-8'])
  expect(json(first)).toEqual({ ...NOTHING, inserted: [{ version: 4, fingerprint }] })
  const six = sample(62, { version: 6 })
  const foreign = Buffer.concat([ed25519(63).key.packet.bytes, userId('x'), certify(alice.primary, 'x')])
  const second = await submit(Buffer.concat([alice.bytes, six.bytes, foreign]), 'application/pgp')
  expect([second.status, json(second)]).toEqual([
    200,
    {
      ...NOTHING,
      inserted: [{ version: 6, fingerprint: lowerOf(62, 6) }],
      ignored: [{ version: 4, fingerprint, comment: expect.any(String) as string }],
      invalid: [{ version: 4, fingerprint: lowerOf(63), comment: expect.any(String) as string }],
    },
  ])
  const more = Buffer.concat([alice.primary.key.packet.bytes, userId('new'), certify(alice.primary, 'new')])
  expect(json(await submit(more, 'application/pgp-keys;armor=no'))).toEqual({
    ...NOTHING,
    updated: [{ version: 4, fingerprint }],
  })
})

test('H14, H18, §5.2.5: as a part named keytext; armored by leave', async () => {
  const form = new FormData()
  form.append('other', 'x')
  form.append('keytext', new Blob([alice.bytes], { type: 'application/pgp' }), 'alice.pgp')
  expect(json(await submit(form))).toMatchObject({ ignored: [{ fingerprint }] })
  const armor = writeArmor('PUBLIC KEY BLOCK', alice.bytes, { checksum: true })
  expect(json(await submit(armor, 'application/pgp-keys'))).toMatchObject({ ignored: [{ fingerprint }] })
})

test.each<[string, Uint8Array | string, string, number]>([
  ['rubbish', Buffer.from('\0not a certificate'), 'application/pgp', 422],
  ['nothing', Buffer.alloc(0), 'application/pgp', 422],
  ['half a certificate', alice.bytes.subarray(0, 70), 'application/pgp', 422],
  ['a form without keytext', '--b\r\n\r\nx\r\n--b--', 'multipart/form-data; boundary=b', 422],
  ['a form without boundary', 'x', 'multipart/form-data', 422],
  ['a secret key', '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlFgE\n', 'application/pgp', 422],
  ['too much', Buffer.alloc(1024 * 1024 + 1, 0xff), 'application/pgp', 413],
  ['another type', '{}', 'application/json', 415],
])('H1, §4.2: %s', async (_, body, type, status) => {
  const answer = await submit(body, type)
  expect(answer.status).toBe(status)
  if (_ === 'a secret key') expect(answer.body.toString()).toContain('treat the key as exposed')
})

test('H1, H10, §4.2: of which nothing is valid: 422, with what was invalid in it', async () => {
  const foreign = Buffer.concat([ed25519(63).key.packet.bytes, userId('x'), certify(alice.primary, 'x')])
  const answer = await submit(foreign, 'application/pgp')
  expect([answer.status, json(answer)]).toEqual([
    422,
    {
      ...NOTHING,
      invalid: [{ version: 4, fingerprint: lowerOf(63), comment: expect.any(String) as string }],
    },
  ])
})

interface Listed {
  readonly algorithm: { readonly code: number }
  readonly subkeys: readonly { readonly algorithm: { readonly code: number } }[]
}

function fingerprintsIn(bundle: Buffer): string[] {
  return readUpload(bundle, NOW).certificates.map((each) => summarize(each, NOW).fingerprint.toLowerCase())
}

async function found(path: string): Promise<string> {
  const { status, type, body } = await ask(path)
  expect([status, type]).toEqual([200, 'application/pgp'])
  return summarize(readStored(body), NOW).fingerprint.toLowerCase()
}

test('H3, §5.1.2: by versioned fingerprint, with or without a slash, in any case, without 0x', async () => {
  const [signing] = summarize(
    readStored((await ask(`certs/by-vfingerprint/04/${fingerprint}`)).body),
    NOW,
  ).subkeys
  for (const identifier of [
    `04/${fingerprint}`,
    `04${fingerprint.toUpperCase()}`,
    `04/${signing?.fingerprint ?? ''}`,
  ])
    expect(await found(`certs/by-vfingerprint/${identifier}`)).toBe(fingerprint)
  expect(await found(`certs/by-vfingerprint/06/${lowerOf(62, 6)}`)).toBe(lowerOf(62, 6))
  for (const identifier of [
    fingerprint,
    `0x04${fingerprint}`,
    `06/${fingerprint}`,
    `04/${lowerOf(62, 6)}`,
    `04/${fingerprint}/`,
    `04/${'0'.repeat(40)}`,
  ])
    expect((await ask(`certs/by-vfingerprint/${identifier}`)).status).toBe(404)
})

test('H4, §5.1.3: by key id of 16 digits, version 4 only', async () => {
  expect(await found(`certs/by-keyid/${fingerprint.slice(-16)}`)).toBe(fingerprint)
  const six = lowerOf(62, 6)
  for (const identifier of [
    fingerprint,
    `0x${fingerprint.slice(-16)}`,
    six.slice(0, 16),
    six.slice(-16),
    '0'.repeat(16),
  ])
    expect((await ask(`certs/by-keyid/${identifier}`)).status).toBe(404)
})

test('H2, H5, §5.1.1, §5.1.4, §5.1.9: by identity exactly, in any case, once its owner published it', async () => {
  for (const category of ['certs/by-identity', 'canonical', 'index'])
    expect((await ask(`${category}/${ALICE}`)).status).toBe(404)
  await service.directory.publish(fingerprint.toUpperCase(), ALICE)
  for (const category of ['certs/by-identity', 'canonical']) {
    expect(await found(`${category}/${ALICE}`)).toBe(fingerprint)
    expect(await found(`${category}/${encodeURIComponent(ALICE.toUpperCase())}`)).toBe(fingerprint)
    for (const part of [
      'user61',
      'example.org',
      'ser61@example.org',
      `<${ALICE}>`,
      fingerprint,
      'new',
      '%',
      '*',
    ])
      expect((await ask(`${category}/${encodeURIComponent(part)}`)).status).toBe(404)
  }
})

test('H6, H17, §5.1.5, §7.1.1, §8: the index says what the certificate says, in lower case and UTC', async () => {
  const answer = await ask(`index/${ALICE}`)
  expect([answer.status, answer.type]).toEqual([200, 'application/json; charset=utf-8'])
  const subkey = {
    version: 4,
    fingerprint: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
    isRevoked: false,
  }
  expect(json(answer)).toEqual([
    {
      version: 4,
      fingerprint,
      creation: new Date(BIRTH * 1000).toISOString().replace('.000', ''),
      algorithm: { code: 27, name: 'ed25519' },
      isRevoked: false,
      userIDs: [{ uidString: `User <${ALICE}>`, confidence: 120, isRevoked: false }],
      subkeys: [expect.objectContaining(subkey), expect.objectContaining(subkey)],
    },
  ])
  const expiring = certify(alice.primary, `User <${ALICE}>`, {
    created: BIRTH + 2 * DAY,
    hashed: [seconds(9, 9 * DAY)],
  })
  const parts = [alice.primary.key.packet.bytes, userId(`User <${ALICE}>`), expiring]
  await submit(
    Buffer.concat([
      ...parts.slice(0, 1),
      direct(alice.primary, { type: 0x20, hashed: [reason(1)], created: BIRTH + 3 * DAY }),
      ...parts.slice(1),
    ]),
    'application/pgp',
  )
  expect(json(await ask(`index/${ALICE}`))).toMatchObject([
    { isRevoked: true, expiration: new Date((BIRTH + 9 * DAY) * 1000).toISOString().replace('.000', '') },
  ])
})

test('H6, §7.1.1: algorithms have their code and name, and a length where the code does not tell it', async () => {
  const address = 'sizes@example.org'
  const name = `User <${address}>`
  const primary = rsa(2048)
  const subkeys = [
    ecdsa('secp384r1', { subkey: true }).key,
    rsa(1024, { subkey: true }).key,
    unknownKey(7, { subkey: true }),
  ]
  const bound = subkeys.flatMap((key) => [key.packet.bytes, bind(primary, key)])
  await submit(
    Buffer.concat([primary.key.packet.bytes, userId(name), certify(primary, name), ...bound]),
    'application/pgp',
  )
  await service.directory.publish(primary.key.fingerprint.toString('hex').toUpperCase(), address)
  const [listed] = json(await ask(`index/${address}`)) as Listed[]
  expect(listed?.algorithm).toEqual({ code: 1, name: 'rsa', bitLength: 2048 })
  expect(listed?.subkeys.map(({ algorithm }) => algorithm).sort((a, b) => a.code - b.code)).toEqual([
    { code: 1, name: 'rsa', bitLength: 1024 },
    { code: 19, name: 'ecdsa/nistp384' },
    { code: 99, name: 'unknown-99' },
  ])
})

test('H4, H16, §9: certificates that share a key are answered one behind the other, four at most, by each face', async () => {
  const shared = unknownKey(8, { subkey: true })
  const signing = ed25519(70.1, { subkey: true })
  const seeds = [70, 71, 72, 73, 74]
  const made = seeds.map((seed) => {
    const primary = ed25519(seed)
    // The first alone has what the other adopted sign in turn.
    const cross =
      seed === 70
        ? [
            signing.key.packet.bytes,
            bind(primary, signing.key, { hashed: [flags(2), crossSignature(primary.key, signing)] }),
          ]
        : [toKey(signing.key.packet.body, 14).packet.bytes, bind(primary, signing.key)]
    return Buffer.concat([primary.key.packet.bytes, shared.packet.bytes, bind(primary, shared), ...cross])
  })
  await submit(Buffer.concat(made), 'application/pgp')
  const sorted = seeds.map((seed) => lowerOf(seed)).sort()
  const keyId = shared.keyId.toString('hex')
  const paths = [`certs/by-keyid/${keyId}`, `certs/by-vfingerprint/04/${shared.fingerprint.toString('hex')}`]
  for (const path of paths) {
    const { status, body } = await ask(path)
    expect([status, fingerprintsIn(body)]).toEqual([200, sorted.slice(0, 4)])
  }
  const legacy = async (op: string, key: typeof shared): Promise<string> =>
    (await fetch(`${root.replace('/v2', '')}/lookup?op=${op}&search=0x${key.keyId.toString('hex')}`)).text()
  const [block] = readArmor(await legacy('get', shared))
  expect(fingerprintsIn(block?.data ?? Buffer.alloc(0))).toEqual(sorted.slice(0, 4))
  expect(await legacy('index', shared)).toMatch(/^info:1:4\n(?:pub:.*\n){4}$/)
  // Whoever has signed with it comes first, and the owner of a primary key before all.
  const first = fingerprintsIn((await ask(`certs/by-keyid/${signing.key.keyId.toString('hex')}`)).body)
  expect([first.length, first[0]]).toEqual([4, lowerOf(70)])
})

test.each(['v4-ml-kem', 'v6-ml-kem', 'ml-dsa-65', 'ml-dsa-87', 'slh-dsa-128s'])(
  'H19, RFC 9980, %s: post-quantum keys are taken, verified and served',
  async (name) => {
    const place = new URL(`../../../test/vectors/openpgp/certificates/rfc9980-${name}.asc`, import.meta.url)
    const [block] = readArmor(await readFile(place, 'latin1'))
    const sent = summarize(readStored(block?.data ?? Buffer.alloc(0)), NOW)
    const lower = sent.fingerprint.toLowerCase()
    const address = 'pqc-test-key@example.com'
    const answer = await submit(block?.data ?? '', 'application/pgp')
    expect(json(answer)).toMatchObject({ inserted: [{ version: sent.version, fingerprint: lower }] })
    await service.directory.publish(sent.fingerprint, address)
    for (const path of [`certs/by-vfingerprint/0${String(sent.version)}/${lower}`, `canonical/${address}`])
      expect(summarize(readStored((await ask(path)).body), NOW)).toEqual(sent)
    const keys = [sent, ...sent.subkeys].map(({ algorithm: { code } }) => code)
    expect(keys.some((code) => code >= 30)).toBe(true)
    const old = await fetch(`${root.replace('/v2', '')}/lookup?op=get&search=${address}`)
    const [legacy] = old.status === 200 ? readArmor(await old.text()) : []
    expect([old.status, legacy && summarize(readStored(legacy.data), NOW).subkeys]).toEqual(
      sent.version === 4 ? [200, sent.subkeys] : [404, undefined],
    )
  },
)

test('H7, §5.1.6: the log of a day has the prefixes of what changed, and nothing of what is not shown', async () => {
  const day = new Date().toISOString().slice(0, 10)
  const logged = async (): Promise<string[]> => {
    const { status, type, body } = await ask(`prefixlog/${day}`)
    expect([status, type]).toEqual([200, 'text/plain; charset=utf-8'])
    const lines = body.toString().split('\r\n')
    expect(lines.pop()).toBe('')
    return lines
  }
  const { bytes, primary } = sample(64)
  const before = await logged()
  expect(before).toContain(fingerprint.slice(0, 8))
  expect(before).toEqual([...new Set(before)].sort())
  expect(before).not.toContain(lowerOf(64).slice(0, 8))
  await submit(bytes, 'application/pgp')
  expect(await logged()).toEqual([...before, lowerOf(64).slice(0, 8)].sort())

  const clock = { ...platform.clock, now: () => Date.now() + 89 * DAY * 1000 }
  const later = stack.use(await startKeys({ ...platform, clock }))
  const dayLater = new Date(clock.now()).toISOString().slice(0, 10)
  const hidden = Buffer.concat([primary.key.packet.bytes, userId('hidden'), certify(primary, 'hidden')])
  expect((await later.directory.submit(hidden)).certificates).toMatchObject([{ outcome: 'updated' }])
  expect(await later.directory.changedOn(dayLater)).toEqual([])
  expect(await later.directory.changedOn(day)).toEqual(await logged())

  for (const [unknown, status] of [
    [new Date(Date.now() + 2 * DAY * 1000).toISOString().slice(0, 10), 404],
    ['2020-01-01', 404],
    ['2026-02-30', 400],
    ['yesterday', 400],
    [`${day}T00:00:00Z`, 400],
  ] as const)
    expect((await ask(`prefixlog/${unknown}`)).status).toBe(status)
})

test('H1, H8, H15, §5.1.7, §5.2.6: what is supported tells so to OPTIONS, everything else is 501', async () => {
  for (const category of LOOKUPS) {
    const { status, headers } = await ask(category, { method: 'OPTIONS' })
    expect([status, headers.get('allow')]).toEqual([
      200,
      category === 'canonical' ? 'GET, HEAD, PUT, OPTIONS' : 'GET, HEAD, OPTIONS',
    ])
    expect((await ask(`${category}/x`, { method: 'OPTIONS' })).status).toBe(200)
  }
  const { status, headers } = await ask('certs', { method: 'OPTIONS' })
  expect([status, headers.get('allow'), headers.get('accept')]).toEqual([
    200,
    'POST, OPTIONS',
    expect.stringMatching(/^application\/pgp,/) as string,
  ])
  expect(headers.get('access-control-allow-headers')).toBe('authentication, authorization, content-type')
  const canonical = await ask('canonical', { method: 'OPTIONS' })
  expect(canonical.headers.get('accept')).toMatch(/^application\/pgp;proof=tokens/)
  const token = await ask('sendtoken', { method: 'OPTIONS' })
  expect([token.headers.get('allow'), token.headers.get('accept')]).toEqual(['POST, OPTIONS', 'text/plain'])
  for (const [method, path] of [
    ['GET', 'sendtoken'],
    ['DELETE', `canonical/${ALICE}`],
    ['DELETE', 'certs'],
    ['GET', `certs/by-fingerprint/${fingerprint}`],
    ['POST', `certs/by-keyid/${fingerprint.slice(-16)}`],
    ['GET', 'elsewhere'],
    ['GET', ''],
  ] as const)
    expect((await ask(path, { method })).status).toBe(501)
})

test('H8, §5.1.7: nothing is listed without an identifier', async () => {
  for (const category of [...LOOKUPS, 'certs'])
    for (const path of category === 'certs' ? [category] : [category, `${category}/`])
      expect((await ask(path)).status).toBe(403)
})

test('H16, §7.1: pages of any origin read that a path is no URL, too', async () => {
  expect((await ask('certs/by-identity/%zz')).status).toBe(400)
})

test('H9, §5.1.8: HEAD has the header fields of GET; what is known already is not sent again', async () => {
  for (const path of [
    `certs/by-identity/${ALICE}`,
    `index/${ALICE}`,
    'certs/by-identity/nobody@example.org',
  ]) {
    const [get, head] = [await ask(path), await ask(path, { method: 'HEAD' })]
    expect([head.status, head.type, head.headers.get('content-length'), head.body.length]).toEqual([
      get.status,
      get.type,
      String(get.body.length),
      0,
    ])
  }
  const path = `certs/by-vfingerprint/04/${fingerprint}`
  const tag = (await ask(path)).headers.get('etag') ?? ''
  expect((await ask(path, { headers: { 'if-none-match': tag } })).status).toBe(304)
})

test('H16: too many requests are refused in a way that pages of any origin can read', async () => {
  const one = stack.use(await startKeys(platform))
  root = `${one.addresses[0]?.url.replace('hkp://localhost', 'http://127.0.0.1') ?? ''}/pks/v2`
  let status = 200
  for (let turn = 0; turn < 100 && status !== 429; turn += 1)
    status = (await submit('', 'application/pgp')).status
  expect(status).toBe(429)
})
