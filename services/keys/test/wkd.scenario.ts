import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { createHttp } from '@sealpost/http'
import { readStored, summarize } from '@sealpost/openpgp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  BIRTH,
  certify,
  DAY,
  direct,
  ed25519,
  NOW,
  reason,
  sample,
  userId,
} from '../../../packages/openpgp/test/maker.ts'
import { createTestPlatform } from '../../../test/platform.ts'
import { mailboxOf } from '../src/directory/mailbox.ts'
import { writeZBase32 } from '../src/directory/z-base-32.ts'
import { startKeys } from './keys.ts'
import type { KeysService } from '../src/service.ts'

const DOMAINS = ['example.org', 'bücher.example']
const JOE = { hash: 'iy9q119eutrkn8s1mk4r39qejnbu3n5q', seed: 41, address: 'joe.doe@example.org' }
const ROOT = '/.well-known/openpgpkey'

const stack = new AsyncDisposableStack()
let service: KeysService
let port: number

beforeAll(async () => {
  const platform = stack.use(await createTestPlatform(DOMAINS))
  service = stack.use(await startKeys(platform))
  const http = stack.use(await createHttp({ log: platform.log, metrics: platform.metrics, title: 'Test' }))
  await http.app.register(service.http)
  port = (await http.listen({ host: '127.0.0.1', port: 0 })).port
})
afterAll(() => stack.disposeAsync())

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

interface Ask {
  readonly host?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

function ask(
  path: string,
  { host = 'example.org', method = 'GET', headers = {} }: Ask = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  request({ host: '127.0.0.1', port, path, method, headers: { host, ...headers } }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(chunks),
      }),
    )
  })
    .on('error', reject)
    .end()
  return promise
}

const fingerprintOf = (seed: number): string => ed25519(seed).key.fingerprint.toString('hex').toUpperCase()
const hashOf = (address: string): string => writeZBase32(mailboxOf(address).hash)

async function publish(seed: number, addresses: readonly string[]): Promise<void> {
  await service.directory.submit(sample(seed, { addresses }).bytes)
  for (const address of addresses) await service.directory.publish(fingerprintOf(seed), address)
}

function userIdsOf({ status, body }: Answer): string[] {
  expect(status).toBe(200)
  return summarize(readStored(body), NOW).userIds.map(({ text }) => text)
}

test('W1, W3, W6, draft-koch-openpgp-webkey-service §3.1: the key of a mailbox, binary, by both methods, with its user id alone', async () => {
  await publish(JOE.seed, ['Joe.Doe@example.org', 'joe@elsewhere.example'])
  const answer = await ask(`${ROOT}/hu/${JOE.hash}?l=Joe.Doe`)
  expect(userIdsOf(answer)).toEqual(['User <Joe.Doe@example.org>'])
  expect(answer.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'access-control-allow-origin': '*',
    'cache-control': 'no-cache',
    'content-length': String(answer.body.length),
  })
  expect(summarize(readStored(answer.body), NOW)).toMatchObject({
    fingerprint: fingerprintOf(JOE.seed),
    subkeys: [{ flags: 's' }, { flags: 'e' }],
  })
  for (const [path, host] of [
    [`${ROOT}/hu/${JOE.hash}`, 'EXAMPLE.org:8443'],
    [`${ROOT}/hu/${JOE.hash}?l=somebody.else`, 'example.org'],
    [`${ROOT}/example.org/hu/${JOE.hash}?l=joe.doe`, 'openpgpkey.example.org'],
    [`${ROOT}/Example.ORG/hu/${JOE.hash}`, 'wkd.hosting.example'],
  ] as const)
    expect((await ask(path, { host })).body).toEqual(answer.body)
})

test('W3, §3.1: exactly one user id where a certificate has several with the address, the newest', async () => {
  const primary = ed25519(42)
  const name = (text: string): string => `${text} <twice@example.org>`
  const parts = [
    primary.key.packet.bytes,
    ...['Old', 'New'].flatMap((text, index) => [
      userId(name(text)),
      certify(primary, name(text), { created: BIRTH + index * DAY }),
    ]),
  ]
  await service.directory.submit(Buffer.concat(parts))
  await service.directory.publish(fingerprintOf(42), 'twice@example.org')
  expect(userIdsOf(await ask(`${ROOT}/hu/${hashOf('twice@example.org')}`))).toEqual([name('New')])
})

test('W4, §3.1: a revoked key is answered with its revocation, a revoked user id not at all', async () => {
  await publish(43, ['revoked@example.org'])
  await publish(44, ['left@example.org'])
  await service.directory.submit(direct(ed25519(43), { type: 0x20, hashed: [reason(2)] }))
  const answer = await ask(`${ROOT}/hu/${hashOf('revoked@example.org')}`)
  expect(summarize(readStored(answer.body), NOW)).toMatchObject({ revoked: 'hard', userIds: [{}] })
  const left = ed25519(44)
  const revocation = certify(left, 'User <left@example.org>', {
    type: 0x30,
    created: BIRTH + 3 * DAY,
    hashed: [reason(32)],
  })
  const name = 'User <left@example.org>'
  await service.directory.submit(
    Buffer.concat([left.key.packet.bytes, userId(name), certify(left, name), revocation]),
  )
  expect((await ask(`${ROOT}/hu/${hashOf('left@example.org')}`)).status).toBe(404)
})

test('W2, §3.1: only ASCII is mapped to lower case in what is hashed; the local part beside it finds other scripts too', async () => {
  await publish(45, ['Ärger@example.org'])
  const upper = writeZBase32(mailboxOf('Ärger@example.org').hash)
  const lower = writeZBase32(mailboxOf('ärger@example.org').hash)
  expect(upper).not.toBe(lower)
  expect(userIdsOf(await ask(`${ROOT}/hu/${lower}`))).toHaveLength(1)
  expect(userIdsOf(await ask(`${ROOT}/hu/${upper}?l=${encodeURIComponent('Ärger')}`))).toHaveLength(1)
  expect((await ask(`${ROOT}/hu/${upper}`)).status).toBe(404)
})

test('a domain is found by its A-labels, however the user id writes it', async () => {
  await publish(46, ['a@bücher.example'])
  await publish(47, ['b@xn--bcher-kva.example'])
  for (const address of ['a@bücher.example', 'b@xn--bcher-kva.example'])
    expect(
      userIdsOf(await ask(`${ROOT}/hu/${hashOf(address)}`, { host: 'xn--bcher-kva.example' })),
    ).toHaveLength(1)
})

test('W7, §3.1: unknown, unverified, unpublished, malformed and foreign: 404 with the same text', async () => {
  await service.directory.submit(sample(48, { addresses: ['unverified@example.org'] }).bytes)
  await publish(49, ['gone@example.org', 'user@elsewhere.example'])
  await service.directory.unpublish('gone@example.org')
  const answers = await Promise.all([
    ask(`${ROOT}/hu/${hashOf('nobody@example.org')}?l=nobody`),
    ask(`${ROOT}/hu/${hashOf('unverified@example.org')}`),
    ask(`${ROOT}/hu/${hashOf('gone@example.org')}`),
    ask(`${ROOT}/hu/${JOE.hash.toUpperCase()}`),
    ask(`${ROOT}/hu/${JOE.hash.slice(1)}`),
    ask(`${ROOT}/hu/`),
    ask(`${ROOT}/hu/${hashOf('user@elsewhere.example')}`, { host: 'elsewhere.example' }),
    ask(`${ROOT}/elsewhere.example/hu/${hashOf('user@elsewhere.example')}`),
    ask(`${ROOT}/elsewhere.example/policy`),
    ask(`${ROOT}/elsewhere.example/submission-address`),
    ask(`${ROOT}/submission-address`, { host: 'elsewhere.example' }),
    ask(`${ROOT}/policy`, { host: 'elsewhere.example' }),
  ])
  for (const { status, headers, body } of answers)
    expect([
      status,
      headers['content-type'],
      headers['access-control-allow-origin'],
      headers['cache-control'],
      body.toString(),
    ]).toEqual([404, 'text/plain; charset=utf-8', '*', 'no-cache', 'No such key\n'])
})

test('W8, W13, draft-koch-openpgp-webkey-service §4.1, §4.5: submission address and policy are there by both methods, and agree', async () => {
  for (const [root, host, domain] of [
    [ROOT, 'example.org', 'example.org'],
    [`${ROOT}/example.org`, 'openpgpkey.example.org', 'example.org'],
    [ROOT, 'xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ] as const) {
    const address = await ask(`${root}/submission-address`, { host })
    expect([address.status, address.headers['content-type'], address.body.toString()]).toEqual([
      200,
      'text/plain; charset=utf-8',
      `key-submission@${domain}\n`,
    ])
    const policy = await ask(`${root}/policy`, { host })
    expect([policy.status, policy.body.toString()]).toEqual([
      200,
      `protocol-version: 3\nsubmission-address: key-submission@${domain}\n`,
    ])
  }
})

test('W5, §3.1: HEAD tells what GET would; a client that has the key already gets 304 until it changes', async () => {
  const path = `${ROOT}/hu/${JOE.hash}`
  const get = await ask(path)
  const head = await ask(path, { method: 'HEAD' })
  expect([head.status, head.body.length, head.headers['content-length'], head.headers.etag]).toEqual([
    200,
    0,
    String(get.body.length),
    get.headers.etag,
  ])
  const known = { 'if-none-match': `"other", W/${String(get.headers.etag)}` }
  const same = await ask(path, { headers: known })
  expect([same.status, same.body.length, same.headers.etag]).toEqual([304, 0, get.headers.etag])
  await service.directory.submit(direct(ed25519(JOE.seed), { type: 0x20, created: BIRTH + 5 * DAY }))
  expect((await ask(path, { headers: known })).status).toBe(200)
  expect((await ask(path, { method: 'HEAD', host: 'elsewhere.example' })).status).toBe(404)
})

test('RFC 7929 §3: the record for a zone, named and written as the text of the RFC has it', async () => {
  const address = 'hugh@example.org'
  await service.directory.submit(sample(47, { addresses: [address] }).bytes)
  expect((await ask(`/keys/v1/dane/${address}`)).status).toBe(404)
  await service.directory.publish(fingerprintOf(47), address)
  const { status, body } = await ask('/keys/v1/dane/Hugh@example.org')
  expect(status).toBe(200)
  const [name, ...rest] = body.toString().trimEnd().split(' ')
  expect(name).toBe('c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._openpgpkey.example.org.')
  expect(rest.slice(0, 2)).toEqual(['IN', 'OPENPGPKEY'])
  const key = Buffer.from(rest[2] ?? '', 'base64')
  expect(summarize(readStored(key), NOW).userIds.map((each) => each.address)).toEqual([address])
  for (const unknown of ['nobody@example.org', 'hugh@elsewhere.example', 'nonsense'])
    expect((await ask(`/keys/v1/dane/${unknown}`)).status).toBe(404)
})

test('RFC 1035 §3.2.1: there is no record for a key that DNS cannot carry', async () => {
  const address = 'large@example.org'
  const primary = ed25519(50)
  const name = `User <${address}>`
  const notation = {
    type: 20,
    critical: false,
    body: Buffer.concat([Buffer.alloc(4), Buffer.from([0, 1, 0xea, 0x60]), Buffer.alloc(60_001, 0x61)]),
  }
  const large = certify(primary, name, { hashed: [notation] })
  const more = direct(primary, { hashed: [notation] })
  await service.directory.submit(Buffer.concat([primary.key.packet.bytes, more, userId(name), large]))
  await service.directory.publish(fingerprintOf(50), address)
  const { status, body } = await ask(`/keys/v1/dane/${address}`)
  expect([status, body.toString()]).toEqual([404, 'This key is too large for DNS\n'])
  expect((await ask(`${ROOT}/hu/${hashOf(address)}`)).body.length).toBeGreaterThan(0xffff)
})
