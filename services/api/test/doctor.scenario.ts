/** The doctor, over a server whose DNS, ports and figures say what a test wants. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeCertificate } from '../../../packages/http/test/_certificate.ts'
import { testDns, type TestDns } from '../../smtp/test/test-dns.ts'
import { examineCertificate } from '../src/doctor/certificate.ts'
import type { Diagnosis } from '../src/doctor/diagnosis.ts'
import { examineKeys } from '../src/doctor/key-safety.ts'
import { examineClock, examineDisk, judgeRoom } from '../src/doctor/machine.ts'
import { examinePorts, PUBLIC_PORTS, type PublicPort } from '../src/doctor/ports.ts'
import { examineSettings } from '../src/doctor/postgres-settings.ts'
import { examineReputation } from '../src/doctor/reputation.ts'
import { createTestApi, type TestApi } from './api.ts'

const verdicts = (found: readonly Diagnosis[]): string[] => found.map(({ verdict }) => verdict)

describe('the whole of it, as ctl and REST show it', () => {
  let dns: TestDns
  let api: TestApi
  beforeAll(async () => {
    dns = await testDns({ 'example.org MX': ['10 elsewhere.example'] })
    api = await createTestApi({ config: { dnsServers: [`127.0.0.1:${String(dns.server.port)}`] } })
  })
  afterAll(async () => {
    await api[Symbol.asyncDispose]()
    await dns[Symbol.asyncDispose]()
  })

  test('each area is looked at, and what is not well comes with advice', async () => {
    const { status, json } = await api.owner('GET', '/v1/doctor')
    expect(status).toBe(200)
    const items = json['items'] as Diagnosis[]
    expect(new Set(items.map(({ area }) => area))).toEqual(
      new Set(['dns', 'ports', 'tls', 'clock', 'disk', 'postgres', 'keys', 'reputation']),
    )
    expect(
      items.filter(
        ({ verdict, advice }) => verdict !== 'ok' && advice === undefined && verdict !== 'unknown',
      ),
    ).toEqual([])
    expect(items).toContainEqual({
      area: 'dns',
      verdict: 'wrong',
      found: 'example.org MX is wrong: 10 elsewhere.example (required)',
      advice: 'Set example.org MX 10 example.org',
    })
    expect(items.some(({ found }) => found.startsWith('example.net MX is missing'))).toBe(true)
    expect(items).toContainEqual(expect.objectContaining({ area: 'ports', verdict: 'unknown' }))
  })

  test('it needs the scope that reads the status', async () => {
    expect((await api.call('GET', '/v1/doctor', { key: await api.key('accounts:read') })).status).toBe(403)
    expect((await api.call('GET', '/v1/doctor', { key: await api.key('status:read') })).status).toBe(200)
  })
})

describe('ports', () => {
  const secure = (port: number): PublicPort => ({
    ...(PUBLIC_PORTS.find((each) => each.port === 443) as PublicPort),
    port,
  })
  const host = { name: 'public.test', address: '127.0.0.1', ca: [] as string[] }

  test('one that serves a certificate for the name; one that nobody believes; one that nobody listens on', async () => {
    const pair = makeCertificate('public.test')
    const server = createTlsServer(pair)
    server.on('tlsClientError', () => undefined)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const [good] = await examinePorts({ ...host, ca: [pair.ca] }, [secure(port)])
    expect(good).toEqual({
      area: 'ports',
      verdict: 'ok',
      found: `public.test:${String(port)} serves browsers, files, keys`,
    })
    const [strange] = await examinePorts(host, [secure(port)])
    expect(strange?.found).toMatch(/certificate that .* will not believe/)
    server.close()
    await once(server, 'close')
    const [closed] = await examinePorts({ ...host, ca: [pair.ca] }, [secure(port)])
    expect(closed).toMatchObject({
      verdict: 'wrong',
      found: `public.test:${String(port)} does not serve browsers, files, keys`,
    })
  })

  test('something else that answers there', async () => {
    const server = createServer(
      (socket) => void socket.on('error', () => undefined).end('220 mail.test\r\n250 hello\r\n'),
    )
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const mail = { ...(PUBLIC_PORTS.find((each) => each.port === 25) as PublicPort), port }
    const [found] = await examinePorts(host, [mail])
    expect(found?.found).toBe(
      `public.test:${String(port)} does not serve other mail servers, but something else`,
    )
    server.close()
  })
})

describe('certificate', () => {
  const { cert } = makeCertificate('one.test')
  const day = 86_400_000

  test('names, days left, and whose it is', () => {
    expect(verdicts(examineCertificate(cert, ['one.test'], Date.now()))).toContain('ok')
    expect(examineCertificate(cert, ['one.test', 'two.test'], Date.now())[0]).toMatchObject({
      verdict: 'wrong',
      found: 'the certificate does not name two.test',
    })
    expect(examineCertificate(cert, ['one.test'], Date.now() + 100_000 * day)[1]).toMatchObject({
      verdict: 'wrong',
      found: 'the certificate has expired',
    })
    expect(examineCertificate('none', ['one.test'], 0)[0]?.verdict).toBe('unknown')
  })
})

test('clock: beside Postgres, and whether anything keeps it right', async () => {
  expect(verdicts(await examineClock(0, 500, ['/']))).toEqual(['ok', 'ok'])
  expect(verdicts(await examineClock(0, 5_000, ['/nowhere']))).toEqual(['wrong', 'unknown'])
})

test('disk: bytes and files', async () => {
  expect((await examineDisk({ 'what is gone': '/nowhere/at/all' }))[0]?.verdict).toBe('unknown')
  expect(judgeRoom('x', 0.5, 0.9).verdict).toBe('ok')
  expect(judgeRoom('x', 0.1, 0.9).verdict).toBe('advice')
  expect(judgeRoom('x', 0.5, 0.01)).toMatchObject({
    verdict: 'wrong',
    found: expect.stringContaining('of its files') as string,
  })
  expect(judgeRoom('x', 0.5, 0).verdict).toBe('ok')
})

test('settings of Postgres: those that lose what was acknowledged, and those that log names', () => {
  const well = { fsync: 'on', synchronous_commit: 'on', log_statement: 'none', server_version_num: '180004' }
  expect(verdicts(examineSettings(new Map(Object.entries(well))))).toEqual(['ok'])
  const ill = {
    ...well,
    fsync: 'off',
    log_statement: 'all',
    log_lock_waits: 'on',
    server_version_num: '140000',
  }
  expect(verdicts(examineSettings(new Map(Object.entries(ill)))).toSorted()).toEqual([
    'advice',
    'wrong',
    'wrong',
    'wrong',
  ])
})

test('reputation: listings, and attempts that are put off', async () => {
  const source = (text: string) => [{ name: 'mail', fresh: false, read: () => Promise.resolve(text) }]
  const attempts = (delivered: number, deferred: number): string =>
    `smtp_attempts_total{outcome="delivered"} ${String(delivered)}\nsmtp_attempts_total{outcome="deferred"} ${String(deferred)}\n`
  expect(verdicts(await examineReputation(source('')))).toEqual(['unknown'])
  expect(verdicts(await examineReputation(source('smtp_own_addresses_listed 2\n')))).toEqual(['wrong'])
  const clean = 'smtp_own_addresses_listed 0\n'
  expect(verdicts(await examineReputation(source(clean + attempts(1, 9))))).toEqual(['ok'])
  expect(verdicts(await examineReputation(source(clean + attempts(90, 10))))).toEqual(['ok', 'ok'])
  expect(verdicts(await examineReputation(source(clean + attempts(10, 90))))).toEqual(['ok', 'advice'])
  const away = [{ name: 'mail', fresh: false, read: () => Promise.reject(new Error('away')) }]
  expect(verdicts(await examineReputation(away))).toEqual(['unknown'])
})

test('keys: what may bring them to a disk, what has to go, and the self-audits', async () => {
  const source = (text: string) => [{ name: 'relay', fresh: false, read: () => Promise.resolve(text) }]
  const risk = (name: string, value: number) =>
    `keyring_risk{keyring="xmpp",risk="${name}"} ${String(value)}\n`
  expect(verdicts(await examineKeys(source('')))).toEqual(['unknown'])
  const calm = risk('core-dump', 0) + risk('swap', 0) + risk('copied-blocks', 0)
  expect(verdicts(await examineKeys(source(calm)))).toEqual(['ok', 'ok', 'ok', 'ok', 'advice'])
  expect(verdicts(await examineKeys(source(`${calm}self_audit_passed{keyring="xmpp"} 1\n`))).at(-1)).toBe(
    'ok',
  )
  const late =
    'shred_oldest_pending_seconds{keyring="smtp"} 90\nself_audit_passed{keyring="xmpp"} 1\nself_audit_passed{keyring="smtp"} 0\n'
  const ill = await examineKeys(source(risk('swap', 1) + late))
  expect(verdicts(ill)).toEqual(['wrong', 'wrong', 'wrong'])
  expect(ill[0]?.advice).toContain('swapoff')
})
