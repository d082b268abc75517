/** Who may not sign in any more is put out of the mailbox server. Over HTTP to a server that answers as Dovecot 2.3 was seen to. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { defineConfig, Secret } from '@sealpost/config'
import { parseJid } from '@sealpost/jid'
import { VirtualClock } from '@sealpost/runtime'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { MailboxSessions } from '../src/mailbox/mailbox-sessions.ts'
import { createFlow, type FlowFixture } from './flow.ts'

const KEY = 'a-c4n4ry-key'
const stack = new AsyncDisposableStack()
const clock = new VirtualClock()
let fixture: FlowFixture
let url: URL
/** Commands as they came, and what the server does: answers, refuses or says nonsense. */
let asked: string[]
let sessions: string[]
let status: number
let errors: unknown[]

beforeAll(async () => {
  fixture = stack.use(await createFlow())
  for (const name of ['ann', 'bob', 'st*r']) await fixture.account(name)
  const server = createServer((request, response) => {
    void answer(request).then((body) => response.writeHead(status).end(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => void server.close())
  url = new URL(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`)
})
afterAll(() => stack.disposeAsync())
beforeEach(() => {
  asked = []
  sessions = []
  errors = []
  status = 200
})

async function answer(request: IncomingMessage): Promise<string> {
  expect([request.method, request.url]).toEqual(['POST', '/doveadm/v1'])
  expect(request.headers.authorization).toBe(`X-Dovecot-API ${Buffer.from(KEY).toString('base64')}`)
  const [[name, parameters, tag]] = JSON.parse(await text(request)) as [[string, { mask?: string[] }, string]]
  asked.push([name, ...(parameters?.mask ?? [])].join(' '))
  if (name === 'who') {
    const [first, ...others] = sessions.map((username) => ({ username, connections: '1', service: 'imap' }))
    return JSON.stringify([['doveadmResponse', first === undefined ? [] : [first], ...others, tag]])
  }
  if (parameters?.mask?.[0] === 'bob@localhost')
    return JSON.stringify([['doveadmResponse', [{ result: 'bob@localhost' }], tag]])
  return JSON.stringify([['error', { type: 'exitCode', exitCode: 68 }, tag]])
}

async function open(key = KEY): Promise<void> {
  const { accounts, platform } = fixture
  const sessionsOf = new MailboxSessions({
    accounts,
    bus: platform.bus,
    domains: ['localhost'],
    clock,
    doveadm: { url, key: Secret.of(key) },
    onError: (error) => errors.push(error),
  })
  onTestFinished(async () => {
    await sessionsOf[Symbol.asyncDispose]()
    for (const name of ['ann', 'bob', 'st*r']) await fixture.accounts.restore(parseJid(`${name}@localhost`))
  })
  await expect.poll(() => asked.length + errors.length).toBeGreaterThan(0)
}

const suspend = (name: string) => fixture.accounts.suspend(parseJid(`${name}@localhost`), 'abuse')

test('a suspended account is kicked at once, and twice more for sign-ins that were under way', async () => {
  await open()
  await suspend('bob')
  await expect.poll(() => asked).toEqual(['who', 'kick bob@localhost'])
  await clock.advance(5_000)
  await expect.poll(() => asked).toHaveLength(3)
  await clock.advance(5_000)
  await expect.poll(() => asked).toEqual(['who', ...Array.from({ length: 3 }, () => 'kick bob@localhost')])
  await clock.advance(60_000)
  expect(asked).toHaveLength(4)
  expect(errors).toEqual([])
})

test('at the start, of those who have sessions here the ones that may not are kicked', async () => {
  await suspend('ann')
  sessions = ['bob@localhost', 'ann@localhost', 'gone@localhost', 'root@elsewhere.example']
  await open()
  await expect.poll(() => asked).toEqual(['who', 'kick ann@localhost', 'kick gone@localhost'])
})

test('a name is no pattern', async () => {
  await open()
  await suspend('st*r')
  await expect.poll(() => asked).toEqual(['who', 'kick st?r@localhost'])
})

test.each([
  [401, 'MAILBOX_SERVER_REFUSED'],
  [500, 'MAILBOX_SERVER_ANSWER'],
])('a server that says %i is told of and asked again', async (code, error) => {
  status = code
  await open()
  await expect.poll(() => errors).toMatchObject([{ code: error }])
  status = 200
  await clock.advance(5_000)
  await expect.poll(() => asked).toEqual(['who', 'who'])
  expect(errors).toHaveLength(1)
})

test('address and key go together', () => {
  const read = (environment: Record<string, string>) => () => defineConfig(environment, readConfig)
  expect(read({ MAILBOX_DOVEADM: 'http://127.0.0.1:8081' })).toThrow(/MAILBOX_DOVEADM_KEY go together/)
  expect(read({ MAILBOX_DOVEADM_KEY: 'key' })).toThrow(/go together/)
  expect(read({ MAILBOX_DOVEADM: 'dovecot', MAILBOX_DOVEADM_KEY: 'key' })).toThrow(/must be like http/)
  const both = { MAILBOX_DOVEADM: 'http://127.0.0.1:8081', MAILBOX_DOVEADM_KEY: 'key' }
  expect(defineConfig(both, readConfig).doveadm?.url.port).toBe('8081')
})
