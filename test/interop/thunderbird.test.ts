/**
 * Thunderbird's requests for OpenPGP keys, replayed over HTTPS as its modules wkdLookup, keyserver and keyLookupHelper send them, in their order: the Web Key Directory by the
 * advanced method, then by the direct one, then the key servers it is set to, `vks://` and `hkps://`. It reads bodies by itself; what it makes of status and type is checked.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { beforeAll, expect, test } from 'vitest'
import { readArmor, readStored, summarize } from '@sealpost/openpgp'
import { Gpg } from './gpg.ts'
import { KeyDirectory } from './key-directory.ts'

const DOMAIN = 'example.org'
const ALICE = `alice+mail@${DOMAIN}`

let keys: KeyDirectory
let alice: Gpg
let fingerprint: string
let armor: string
let ca: Buffer
beforeAll(async () => {
  const stack = new AsyncDisposableStack()
  keys = stack.use(await KeyDirectory.start([DOMAIN, `openpgpkey.${DOMAIN}`]))
  await keys.sealpost.importAccounts([{ username: 'alice', password: 'correct horse battery' }])
  alice = stack.use(await Gpg.create({}))
  fingerprint = await alice.makeKey(`Alice <${ALICE}>`)
  armor = await alice.run('--armor', '--export', fingerprint)
  ca = await readFile(keys.sealpost.caFile)
  return () => stack.disposeAsync()
})

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** What all of its requests have. */
const USUAL = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.5.0',
  Accept: '*/*',
  'Accept-Language': 'en-US,en;q=0.5',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Sec-Fetch-Dest': 'empty',
  'Sec-Fetch-Mode': 'cors',
  'Sec-Fetch-Site': 'none',
  Connection: 'keep-alive',
}

/** The names of the URL lead to this machine; the port is the one that 443 would lead to. */
function send(url: string, { method = 'GET', headers = {}, body = '' }: Sent = {}): Promise<Answer> {
  const { hostname, pathname, search } = new URL(url)
  const length = method === 'POST' ? { 'Content-Length': String(Buffer.byteLength(body)) } : {}
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const options = {
    host: '127.0.0.1',
    port: keys.sealpost.httpsPort,
    servername: hostname,
    ca,
    method,
    path: pathname + search,
    headers: { Host: hostname, ...USUAL, ...headers, ...length },
  }
  request(options, (response) => {
    const { statusCode = 0 } = response
    buffer(response).then(
      (bytes) => resolve({ status: statusCode, headers: response.headers, body: bytes }),
      reject,
    )
  })
    .on('error', reject)
    .end(body)
  return promise
}

const Z_BASE_32 = 'ybndrfg8ejkmcpqxot1uwisza345h769'

/** wkdLookup.sys.mjs: the hash is of all of the local part in lower case, and `escape` leaves a plus as it is. */
function wkdUrl(email: string, method: 'advanced' | 'direct'): string {
  const [user = '', domain = ''] = email.toLowerCase().trim().split('@')
  const digest = BigInt(`0x${createHash('sha1').update(user).digest('hex')}`)
  const hash = digest
    .toString(32)
    .padStart(32, '0')
    .replaceAll(/./g, (digit) => Z_BASE_32[Number.parseInt(digit, 32)] ?? '')
  const root =
    method === 'advanced'
      ? `https://openpgpkey.${domain}/.well-known/openpgpkey/${domain}`
      : `https://${domain}/.well-known/openpgpkey`
  return `${root}/hu/${hash}?l=${user}`
}

function wkd(url: string): Promise<Answer> {
  const headers = {
    'Content-Type': 'application/octet-stream',
    Authorization: `Basic ${btoa('no-user:')}`,
    'X-OpenPGP-Padding': 'x'.padEnd((url.length % 512) + 1, 'x'),
  }
  return send(url, { headers })
}

/** `downloadKey`: nothing, unless it succeeds and is no page. */
function keyIn({ status, headers, body }: Answer): Buffer | undefined {
  const isPage = /^text\/html/i.test(headers['content-type'] ?? '')
  return status >= 200 && status < 300 && !isPage ? body : undefined
}

const hkp = (path: string, { method, body }: Sent = {}): Promise<Answer> =>
  send(`https://${DOMAIN}/pks/${path}`, {
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    ...(method === undefined ? {} : { method }),
    ...(body === undefined ? {} : { body }),
  })
const vks = (path: string): Promise<Answer> =>
  send(`https://${DOMAIN}/vks/v1/${path}`, { headers: { 'Content-Type': 'text/plain;charset=UTF-8' } })
const vksPost = (path: string, body: object): Promise<Answer> =>
  send(`https://${DOMAIN}/vks/v1/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })

const dearmor = (body: Buffer): Buffer => readArmor(body.toString())[0]?.data ?? Buffer.alloc(0)

function expectAlice(binary: Buffer | undefined): void {
  expect(summarize(readStored(binary ?? Buffer.alloc(0)), Date.now() / 1000)).toMatchObject({
    fingerprint,
    userIds: [{ address: ALICE, valid: true }],
  })
}

test('vks://, as a key is published: uploaded, and a mail asked for each address that is not published', async () => {
  const uploaded = await vksPost('upload', { keytext: armor })
  expect(uploaded.status).toBe(200)
  const { status, token, key_fpr } = JSON.parse(uploaded.body.toString()) as Record<string, unknown>
  expect([key_fpr, status]).toEqual([fingerprint, { [ALICE]: 'unpublished' }])
  const asked = await vksPost('request-verify', { token, addresses: [ALICE], locale: ['en-US'] })
  expect([asked.status, JSON.parse(asked.body.toString())]).toMatchObject([
    200,
    { key_fpr: fingerprint, status: { [ALICE]: 'pending' } },
  ])
})

test('before it is published nothing is found by its address; each answer is taken for none', async () => {
  for (const method of ['advanced', 'direct'] as const)
    expect(keyIn(await wkd(wkdUrl(ALICE, method)))).toBeUndefined()
  expect((await vks(`by-email/${ALICE}`)).status).toBe(404)
  expect((await hkp(`lookup?search=${ALICE}&fingerprint=on&op=index&options=mr&exact=on`)).status).toBe(404)
})

test('the Web Key Directory: the advanced method first, and the direct one where that has nothing', async () => {
  await keys.publish(fingerprint, ALICE)
  for (const method of ['advanced', 'direct'] as const)
    expectAlice(keyIn(await wkd(wkdUrl(ALICE.toUpperCase(), method))))
  const nobody = [wkdUrl(`nobody@${DOMAIN}`, 'advanced'), wkdUrl(`nobody@${DOMAIN}`, 'direct')]
  for (const url of nobody) expect((await wkd(url)).status).toBe(404)
})

test('vks://: a key is looked up by address, fingerprint and long key id', async () => {
  for (const path of [
    `by-email/${ALICE}`,
    `by-fingerprint/${fingerprint}`,
    `by-keyid/${fingerprint.slice(-16)}`,
  ]) {
    const { status, body } = await vks(path)
    expect(status).toBe(200)
    expectAlice(dearmor(body))
  }
  expect((await send(`https://${DOMAIN}/vks/`)).status).toBe(404) // What it asks for any other search.
})

test('hkps://: an index by address, its one key fetched; refreshed by fingerprint, and sent', async () => {
  const index = await hkp(`lookup?search=${ALICE}&fingerprint=on&op=index&options=mr&exact=on`)
  expect(index.status).toBe(200)
  const lines = index.body
    .toString()
    .split(/\r?\n/)
    .map((line) => line.split(':').map(decodeURIComponent))
  expect(lines[0]?.slice(0, 2)).toEqual(['info', '1'])
  const found = lines.filter(([kind]) => kind === 'pub')
  expect(found.map((line) => [line.length >= 6, line[1]])).toEqual([[true, fingerprint]])
  expect(lines.find(([kind]) => kind === 'uid')?.[1]).toBe(`Alice <${ALICE}>`)
  for (const id of [found[0]?.[1] ?? '', fingerprint.slice(-16)]) {
    const { status, body } = await hkp(`lookup?search=0x${id}&op=get&options=mr`)
    expect(status).toBe(200)
    expectAlice(dearmor(body))
  }
  const sent = await hkp('add', { method: 'POST', body: `keytext=${encodeURIComponent(armor)}` })
  expect(sent.status).toBe(200)
})
