/** Calls through Debian's coturn: credentials that Sealpost gives are taken, others are not, and what lies behind the relay is not reached. */
import { createHmac, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { type Attempt, Coturn } from './coturn.ts'
import { Sealpost } from './sealpost.ts'

const [NEW, OLD] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')] as const
const stack = new AsyncDisposableStack()
let sealpost: Sealpost
let coturn: Coturn
let fromApi: Attempt
let fromChat: Attempt

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'turn-secret-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'secret')
  await writeFile(file, `${NEW}\n${OLD}\n`, { mode: 0o600 })
  const environment = { TURN_URIS: 'turn:turn.localhost?transport=udp', TURN_SECRET_FILE: file }
  sealpost = stack.use(await Sealpost.start({ environment }))
  coturn = stack.use(await Coturn.create(`${NEW}\n${OLD}\n`))
  await sealpost.importAccounts([{ username: 'alice', password: 'secret' }])
  const headers = { authorization: `Basic ${Buffer.from('alice@localhost:secret').toString('base64')}` }
  const answer = await fetch(`http://127.0.0.1:${String(sealpost.httpPort)}/v1/turn`, {
    headers: { ...headers, 'x-forwarded-proto': 'https' },
  })
  fromApi = (await answer.json()) as Attempt
  await using alice = await TestClient.signIn({ port: sealpost.port, username: 'alice', password: 'secret' })
  const services = await alice.request('get', `<services xmlns='urn:xmpp:extdisco:2'/>`, 'localhost')
  const { username = '', password = '' } = services.elements()[0]?.elements()[0]?.attrs ?? {}
  fromChat = { username, password }
})
afterAll(() => stack.disposeAsync())

const sign = (username: string, secret: string): Attempt => ({
  username,
  password: createHmac('sha1', secret).update(username).digest('base64'),
})
const inSeconds = (seconds: number): string => `${String(Math.floor(Date.now() / 1000) + seconds)}:abcdef`

test('credentials of the API and of XEP-0215 have packets relayed to a peer and back; nothing is logged of it', async () => {
  expect(fromApi.username).not.toBe(fromChat.username)
  for (const attempt of [fromApi, fromChat]) {
    const { received, output, log } = await coturn.relay(attempt)
    expect(received, output).toBe(3)
    expect(output, 'no other way').toContain('forwarding between the networks: 0\n')
    expect(log).not.toContain(attempt.username)
    expect(log).not.toMatch(/11\.0\.[12]\.2/)
  }
})

test('while the secret is changed both are taken', async () => {
  expect((await coturn.relay(sign(inSeconds(3_600), OLD))).received).toBe(3)
})

test.each([
  ['a wrong password', () => ({ ...fromApi, password: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' })],
  ['another secret', () => sign(inSeconds(3_600), 'x'.repeat(64))],
  ['credentials that have expired', () => sign(inSeconds(-10), NEW)],
  ['a longer life than was signed', () => ({ ...fromApi, username: inSeconds(99_999) })],
])('%s: refused', async (_what, attempt) => {
  const { received, output } = await coturn.relay(attempt())
  expect([received, output]).toEqual([0, expect.stringMatching(/Cannot complete Allocation[^]*refused/)])
})

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '169.254.169.254',
  '192.168.0.1',
  '172.31.255.255',
  '100.64.0.1',
  '198.51.100.7',
])('nothing is relayed to %s', async (peer) => {
  const { received, output } = await coturn.relay({ ...fromApi, peer })
  expect([received, output]).toEqual([0, expect.stringContaining('Forbidden IP')])
})
