import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defineConfig, type Env } from '@sealpost/config'
import { createMetrics } from '@sealpost/metrics'
import { systemRandom } from '@sealpost/runtime'
import { readTurnConfig, TurnRelay } from './index.ts'
import { parseTurnUri } from './turn-uri.ts'

const SECRET = 'a'.repeat(32)
const OLD = 'b'.repeat(32)
const read = (env: Env) => defineConfig(env, readTurnConfig)

test.each([
  ['turn:turn.example.org', { type: 'turn', host: 'turn.example.org', port: 3478, transport: 'udp' }],
  ['turn:192.0.2.1:3479?transport=tcp', { type: 'turn', host: '192.0.2.1', port: 3479, transport: 'tcp' }],
  ['turns:turn.example.org', { type: 'turns', port: 5349, transport: 'tcp' }],
  ['turns:turn.example.org:443?transport=tcp', { type: 'turns', port: 443, transport: 'tcp' }],
  ['turn:[2001:db8::1]:3478', { host: '2001:db8::1', port: 3478 }],
  ['stun:stun.example.org', { type: 'stun', port: 3478, transport: 'udp' }],
  ['STUN:Stun.example.org', { type: 'stun', host: 'stun.example.org' }],
])('%s', (uri, service) => expect(parseTurnUri(uri)).toMatchObject(service))

test.each([
  '',
  'turn:',
  'turn://host',
  'turn:host:0',
  'turn:host:70000',
  'turn:host?transport=sctp',
  'http:host',
  'stun:host?transport=udp',
  'turn:a b',
  'turn:user@host',
])('not a URI: %s', (uri) => expect(parseTurnUri(uri)).toBeUndefined())

test('nothing configured: no services, no credentials', () => {
  const config = read({})
  expect(config).toEqual({ services: [], secret: undefined, ttlMs: 6 * 3_600_000 })
  const relay = new TurnRelay({
    config,
    clock: { now: () => 0 },
    random: systemRandom,
    metrics: createMetrics(),
  })
  expect(relay.credentials()).toBeUndefined()
})

test.each([
  [{ TURN_URIS: 'turn:host' }, /TURN_SECRET must be set/],
  [{ TURN_URIS: 'turn:host', TURN_SECRET: 'short' }, /at least 32 bytes/],
  [{ TURN_URIS: 'turn:host', TURN_SECRET: `${SECRET},short` }, /one secret or two/],
  [{ TURN_URIS: 'turn:host', TURN_SECRET: `${SECRET},${OLD},${SECRET}` }, /one secret or two/],
  [{ TURN_URIS: 'turn:host', TURN_SECRET: `${SECRET};drop` }, /one secret or two/],
  [{ TURN_URIS: 'http://host' }, /list of URIs/],
  [{ TURN_TTL: '30m' }, /at least/],
  [{ TURN_TTL: '13h' }, /at most/],
])('%j is refused', (env, problem) => {
  expect(() => read(env)).toThrow(problem)
})

test('credentials are those of the first secret, named by their end and an id that nobody had before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'turn-'))
  const file = join(folder, 'secret')
  writeFileSync(file, `${SECRET}\n${OLD}\n`)
  const config = read({ TURN_URIS: 'turn:host', TURN_SECRET_FILE: file, TURN_TTL: '1h' })
  rmSync(folder, { recursive: true })
  const metrics = createMetrics()
  const now = Date.UTC(2030, 0, 1) + 999
  const relay = new TurnRelay({ config, clock: { now: () => now }, random: systemRandom, metrics })
  const [one, other] = [relay.credentials(), relay.credentials()]
  const expires = Date.UTC(2030, 0, 1, 1) / 1000
  expect(one?.username).toMatch(new RegExp(`^${String(expires)}:[\\w-]{16}$`))
  expect(one?.expiresAt).toBe(expires * 1000)
  expect(one?.password).toBe(
    createHmac('sha1', SECRET)
      .update(one?.username ?? '')
      .digest('base64'),
  )
  expect(other?.username).not.toBe(one?.username)
  expect(await metrics.render()).toContain('turn_credentials_total 2')
})
