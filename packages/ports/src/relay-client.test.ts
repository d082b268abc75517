import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRandom } from '@sealpost/runtime'
import { PortError } from './port-error.ts'
import { openPortSecret, type PortSecret } from './port-secret.ts'
import type { PortClientOptions } from './port-client.ts'
import { relayClient } from './relay-client.ts'
import { readDevices, readQueues, readRevoked } from './relay-wire.ts'

const ACCOUNT = '6a1f3ad4-6f10-4c55-8d2f-0f2d9b9b6d10'
const DEVICE = '0c9f37ac-3f30-4c39-9f0e-27e1fc2c8a11'

let folder: string
let secret: PortSecret
let url: URL
/** What the other side does next. */
let answer: (request: IncomingMessage, response: ServerResponse) => void
const server = createServer((request, response) => answer(request, response))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealpost-ports-'))
  secret = await openPortSecret(folder, systemRandom)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = new URL(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`)
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true })
})

const failures: string[] = []
const connect = (options: Partial<PortClientOptions> = {}) =>
  relayClient({ url, secret, onError: ({ code }) => void failures.push(code), ...options })

function answers(status: number, body: string): void {
  answer = (_request, response) => response.writeHead(status).end(body)
}

describe('the relay from another process', () => {
  test('asks with the secret, by id, and reads the answer', async () => {
    const asked: unknown[] = []
    const devices = [
      {
        id: DEVICE,
        createdOn: '2026-03-01',
        lastSeenOn: '2026-03-02',
        registered: true,
        waiting: 3,
        overrun: false,
        label: 'Pocket',
        typed: true,
        bound: false,
      },
    ]
    const queues = [
      { messages: 0, bytes: 0 },
      { deviceId: DEVICE, messages: 3, bytes: 3072, oldestAgeSeconds: 9 },
    ]
    answer = ({ method, url: path = '', headers }, response) => {
      asked.push([method, path, headers.authorization === secret.authorization])
      if (method === 'DELETE') response.end('{"revoked":true}')
      else if (method === 'POST') response.end(JSON.stringify({ done: true, known: true, id: DEVICE }))
      else response.end(JSON.stringify({ items: path.endsWith('queues') ? queues : devices }))
    }
    const relay = connect()
    expect(await relay.devices(ACCOUNT)).toEqual(devices)
    expect(await relay.revokeDevice(ACCOUNT, DEVICE)).toBe(true)
    expect(await relay.queues(ACCOUNT)).toEqual(queues)
    const said = { type: 'Phone', hardwareId: undefined, label: undefined }
    expect(await relay.bindDevice(ACCOUNT, { installation: DEVICE, ...said })).toBe(DEVICE)
    expect(await relay.renameDevice(ACCOUNT, DEVICE, 'Pocket')).toBe(true)
    expect(await relay.signOutDevice(ACCOUNT, DEVICE)).toBe(true)
    expect(await relay.hasDeviceType(ACCOUNT, 'Phone')).toBe(true)
    const base = `/internal/relay/accounts/${ACCOUNT}`
    expect(asked).toEqual([
      ['GET', `${base}/devices`, true],
      ['DELETE', `${base}/devices/${DEVICE}`, true],
      ['GET', `${base}/queues`, true],
      ['POST', `${base}/devices`, true],
      ['POST', `${base}/devices/${DEVICE}/label`, true],
      ['POST', `${base}/devices/${DEVICE}/sign-out`, true],
      ['POST', `${base}/device-type`, true],
    ])
  })

  test('an id cannot leave its place in the path', async () => {
    let path = ''
    answer = (request, response) => {
      path = request.url ?? ''
      response.end('{"items":[]}')
    }
    await connect().devices('../../x?y#z')
    expect(path).toBe('/internal/relay/accounts/..%2F..%2Fx%3Fy%23z/devices')
  })

  test.each([
    [401, '{}', 'PORT_REFUSED'],
    [500, '{}', 'PORT_FAILED'],
    [404, '{}', 'PORT_FAILED'],
    [200, 'not JSON', 'PORT_FAILED'],
    [200, '{"items":[{}]}', 'PORT_FAILED'],
    [200, `"${'x'.repeat(2_000_000)}"`, 'PORT_FAILED'],
  ])('an answer %i %.12s is %s', async (status, body, code) => {
    answers(status, body)
    await expect(connect().devices(ACCOUNT)).rejects.toMatchObject({ code })
    expect(failures.at(-1)).toBe(code)
  })

  test('a redirection is not followed: the secret is for the relay only', async () => {
    let asked = 0
    answer = (_request, response) => {
      asked++
      response.writeHead(307, { location: new URL('/elsewhere', url).href }).end()
    }
    await expect(connect().queues(ACCOUNT)).rejects.toMatchObject({
      code: 'PORT_UNREACHABLE',
    })
    expect(asked).toBe(1)
  })

  test('one that does not answer, is not there, or is not configured is unreachable', async () => {
    answer = () => undefined
    const unreachable = { code: 'PORT_UNREACHABLE' }
    await expect(connect({ timeoutMs: 50 }).queues(ACCOUNT)).rejects.toMatchObject(unreachable)
    const nobody = new URL('http://127.0.0.1:1')
    await expect(connect({ url: nobody }).queues(ACCOUNT)).rejects.toMatchObject(unreachable)
    await expect(connect({ url: undefined }).queues(ACCOUNT)).rejects.toMatchObject(unreachable)
  })
})

test('any answer is read or refused, never anything else (seeded)', () => {
  const seed = Number(process.env['SEED'] ?? Math.trunc(Math.random() * 2 ** 31))
  process.stdout.write(`SEED=${String(seed)}\n`)
  const item = fc.record(
    {
      id: fc.oneof(fc.uuid(), fc.string()),
      createdOn: fc.oneof(fc.constant('2026-01-01'), fc.anything()),
      lastSeenOn: fc.constant('2026-01-01'),
      registered: fc.oneof(fc.boolean(), fc.anything()),
      waiting: fc.oneof(fc.nat(), fc.double()),
      overrun: fc.boolean(),
      deviceId: fc.oneof(fc.uuid(), fc.anything()),
      messages: fc.oneof(fc.nat(), fc.anything()),
      bytes: fc.nat(),
      oldestAgeSeconds: fc.oneof(fc.nat(), fc.anything()),
      label: fc.oneof(fc.string(), fc.anything()),
      typed: fc.boolean(),
      bound: fc.oneof(fc.boolean(), fc.anything()),
      revoked: fc.anything(),
    },
    { requiredKeys: [] },
  )
  const any = fc.oneof(fc.anything(), item, fc.record({ items: fc.array(fc.oneof(item, fc.anything())) }))
  const readers = [readDevices, readQueues, readRevoked]
  fc.assert(
    fc.property(any, fc.constantFrom(...readers), (value, read) => {
      try {
        const result: unknown = read(value)
        expect(JSON.parse(JSON.stringify(result))).toEqual(result)
      } catch (error) {
        expect(error).toBeInstanceOf(PortError)
      }
    }),
    { seed, interruptAfterTimeLimit: 2_000, numRuns: 5_000 },
  )
})
