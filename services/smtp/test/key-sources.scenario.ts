/** Keys from elsewhere: the Web Key Directory and verifying key servers, over real HTTPS; and what the relay never asks. */
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '@sealpost/runtime'
import { createTestPlatform, type TestPlatform } from '../../../test/platform.ts'
import type { DnsAnswer } from '../src/dns/resolver.ts'
import { cachedSource } from '../src/pgp/cached-source.ts'
import { isPublicAddress } from '../src/dns/public-address.ts'
import { fetchPublic } from '../src/pgp/fetch-public.ts'
import { keySources } from '../src/pgp/open-pgp.ts'
import { vksSource } from '../src/pgp/vks-source.ts'
import { wkdSource } from '../src/pgp/wkd-source.ts'

let platform: TestPlatform
let server: Server
let port = 0
let ca = ''
/** Addresses of names; none of any other. */
let names: Record<string, string[]> = {}
let dnsFails = false
let asked: string[] = []
let answer: (response: ServerResponse) => void = (response) => void response.end()

beforeAll(async () => {
  platform = await createTestPlatform()
  ca = readFileSync(platform.caFile, 'utf8')
  const { cert, key } = platform.tls.current()
  server = createServer({ cert, key }, ({ headers, url = '' }, response) => {
    asked.push(`${headers.host ?? ''}${url}`)
    answer(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await platform[Symbol.asyncDispose]()
})
beforeEach(() => {
  names = { localhost: ['127.0.0.1'] }
  dnsFails = false
  asked = []
  answer = (response) => void response.end('certificate')
})

const addresses = (host: string): Promise<DnsAnswer<string>> => {
  const records = names[host]
  if (dnsFails) return Promise.resolve({ result: 'failed' })
  return Promise.resolve(
    records === undefined
      ? { result: 'none', exists: false, secure: false }
      : { result: 'found', records, secure: false },
  )
}
/** The test's server stands for the internet: its certificate is for localhost alone. */
const reach = (allows = (address: string): boolean => address === '127.0.0.1') =>
  fetchPublic({ resolver: { addresses }, port, ca, allows })

describe('the Web Key Directory', () => {
  test('a domain without the name for it is asked directly', async () => {
    const found = await wkdSource(reach()).find('Joe.Doe@localhost')
    expect(found?.toString()).toBe('certificate')
    // The hash is the example of the draft, §3.1.
    expect(asked).toEqual(['localhost/.well-known/openpgpkey/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe'])
  })

  test('where the name is, nothing but it is asked', async () => {
    names['openpgpkey.localhost'] = ['127.0.0.1']
    await expect(wkdSource(reach()).find('bob@localhost')).rejects.toMatchObject({
      code: 'FETCH_UNREACHABLE',
    })
    expect(asked).toEqual([])
  })

  test.each([
    [404, undefined],
    [301, undefined],
    [403, undefined],
  ])('an answer of %i is no key, wherever it points', async (status, expected) => {
    answer = (response) => void response.writeHead(status, { location: 'https://localhost/x' }).end('x')
    expect(await wkdSource(reach()).find('bob@localhost')).toBe(expected)
    expect(asked.length).toBe(1)
  })

  test('a server that fails, one that never ends, and one that is not there, are asked another time', async () => {
    answer = (response) => void response.writeHead(503).end()
    await expect(wkdSource(reach()).find('bob@localhost')).rejects.toMatchObject({ code: 'FETCH_ANSWER' })
    answer = (response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(65_536)));
        response.once('drain', more)
      }
      more()
    }
    await expect(wkdSource(reach()).find('bob@localhost')).rejects.toMatchObject({ code: 'FETCH_ANSWER' })
    answer = (response) => void response.destroy()
    await expect(wkdSource(reach()).find('bob@localhost')).rejects.toMatchObject({
      code: 'FETCH_UNREACHABLE',
    })
    dnsFails = true
    await expect(wkdSource(reach()).find('bob@localhost')).rejects.toMatchObject({ code: 'FETCH_NO_ADDRESS' })
  })

  test('nothing near is asked, whatever a name leads to', async () => {
    const find = wkdSource(fetchPublic({ resolver: { addresses }, port, ca }))
    expect(await find.find('bob@localhost')).toBeUndefined()
    expect(await find.find('bob@[127.0.0.1]')).toBeUndefined()
    expect(await find.find('not an address')).toBeUndefined()
    expect(asked).toEqual([])
  })
})

test.each([
  ['8.8.8.8', true],
  ['2600::1', true],
  ['127.0.0.1', false],
  ['10.1.2.3', false],
  ['100.64.0.1', false],
  ['169.254.169.254', false],
  ['172.31.0.1', false],
  ['192.168.1.1', false],
  ['0.0.0.0', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['::1', false],
  ['::ffff:10.0.0.1', false],
  ['64:ff9b::a00:1', false],
  ['fe80::1', false],
  ['fd00::1', false],
  ['2002:a00:1::', false],
  ['2001:db8::1', false],
  ['localhost', false],
])('%s is an address of the internet at large: %s', (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected)
})

test('a verifying key server is asked by address', async () => {
  expect((await vksSource('localhost', reach()).find('bob+x@localhost'))?.toString()).toBe('certificate')
  expect(asked).toEqual(['localhost/vks/v1/by-email/bob%2Bx%40localhost'])
})

test('the Web Key Directory is asked first, then the named key servers in their order, each with a memory of its own', async () => {
  answer = (response) => void response.writeHead(404).end()
  const wkd = expect.stringMatching(/^localhost\/\.well-known\/openpgpkey\/hu\/[^/]+\?l=bob$/) as string
  names['second.localhost'] = ['127.0.0.1']
  const sources = keySources(['localhost', 'second.localhost'], reach(), new VirtualClock())
  const ask = async (): Promise<unknown[]> => {
    const found = []
    for (const source of sources) found.push(await source.find('bob@localhost').catch(() => 'failed'))
    return found
  }
  // The test's certificate is not for the second server: it cannot be reached.
  expect(await ask()).toEqual([undefined, undefined, 'failed'])
  expect(asked).toEqual([wkd, 'localhost/vks/v1/by-email/bob%40localhost'])
  expect(await ask()).toEqual([undefined, undefined, 'failed'])
  expect(asked).toHaveLength(2)
})

test('answers are remembered for a while, also that there is none; failures are not', async () => {
  const clock = new VirtualClock()
  const source = cachedSource(vksSource('localhost', reach()), clock)
  const find = async (): Promise<string | undefined> => (await source.find('bob@localhost'))?.toString()
  expect([await find(), await find()]).toEqual(['certificate', 'certificate'])
  expect(asked.length).toBe(1)
  answer = (response) => void response.writeHead(404).end()
  await clock.advance(61 * 60_000)
  expect([await find(), await find()]).toEqual([undefined, undefined])
  expect(asked.length).toBe(2)
  answer = (response) => void response.writeHead(500).end()
  await clock.advance(11 * 60_000)
  await expect(find()).rejects.toMatchObject({ code: 'FETCH_ANSWER' })
  await expect(find()).rejects.toMatchObject({ code: 'FETCH_ANSWER' })
  expect(asked.length).toBe(4)
})
