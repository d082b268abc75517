/** The DNS doctor, before a DNS server that says what a test wants: what is there, missing, wrong, or not known. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDns, type TestDns, type Zone } from '../../smtp/test/test-dns.ts'
import { createTestApi, type TestApi } from './api.ts'

const HEALTHY: Zone = {
  'example.org A': ['192.0.2.25'],
  'example.org AAAA': ['2001:db8::25'],
  '25.2.0.192.in-addr.arpa PTR': ['Example.org'],
  '5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR': ['example.org'],
  'example.org MX': ['20 backup.example.com', '10 EXAMPLE.org'],
  'example.org TXT': ['google-site-verification=x', 'v=spf1 mx -all'],
  '_dmarc.example.org TXT': ['v=DMARC1; p=reject; rua=mailto:other@example.net'],
  '_smtp._tls.example.org TXT': ['v=TLSRPTv1; rua=mailto:tls-reports@example.org'],
  '_mta-sts.example.org TXT': ['v=STSv1; id=20260101;'],
  '_xmpp-client._tcp.example.org SRV': ['0 5 5222 example.org'],
  '_xmpps-client._tcp.example.org SRV': ['0 5 5223 example.org'],
  'openpgpkey.example.org CNAME': ['example.org'],
  'example.org CAA': ['0 issue "letsencrypt.org"'],
}
const KEY = {
  selector: 's1',
  algorithm: 'ed25519',
  state: 'active',
  since: '2026-01-01',
  name: 's1._domainkey.example.org',
  record: 'v=DKIM1; k=ed25519; p=AAAA',
} as const

let dns: TestDns
let api: TestApi
beforeAll(async () => {
  dns = await testDns(HEALTHY)
  api = await createTestApi({ config: { dnsServers: [`127.0.0.1:${String(dns.server.port)}`] } })
  api.dkim.keys = [{ ...KEY, published: 'yes' }]
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  await dns[Symbol.asyncDispose]()
})

interface Found {
  readonly check: string
  readonly state: string
  readonly found: readonly string[]
  readonly expected: string
}

async function examine(domain = 'example.org'): Promise<readonly Found[]> {
  const { status, json } = await api.owner('GET', `/v1/domains/${domain}/doctor`)
  expect(status).toBe(200)
  return json['items'] as Found[]
}

async function stateOf(check: string): Promise<string | undefined> {
  return (await examine()).find((each) => each.check === check)?.state
}

test('all is there: each is ok, with what was found of those that matter', async () => {
  const findings = await examine()
  expect(findings.map(({ check, state }) => `${check} ${state}`)).toEqual([
    'address ok',
    'mx ok',
    'ptr ok',
    'ptr ok',
    'spf ok',
    'dkim ok',
    'dmarc ok',
    'tlsrpt ok',
    'mta-sts ok',
    'xmpp-client ok',
    'xmpps-client ok',
    'openpgpkey ok',
    'caa ok',
  ])
  expect(findings.find(({ check }) => check === 'spf')?.found).toEqual(['v=spf1 mx -all'])
  expect(findings.find(({ check }) => check === 'address')?.found).toEqual(['192.0.2.25', '2001:db8::25'])
})

test.each<[check: string, state: string, zone: Zone]>([
  ['mx', 'wrong', { 'example.org MX': ['10 mx.example.com'] }],
  ['mx', 'missing', { 'example.org MX': [] }],
  ['mx', 'unknown', { 'example.org MX': 'SERVFAIL' }],
  ['spf', 'wrong', { 'example.org TXT': ['v=spf1 mx -all', 'v=spf1 a -all'] }],
  ['spf', 'wrong', { 'example.org TXT': ['v=spf1 mx +all'] }],
  ['spf', 'missing', { 'example.org TXT': ['v=spf10'] }],
  ['dmarc', 'wrong', { '_dmarc.example.org TXT': ['v=DMARC1; sp=none'] }],
  ['tlsrpt', 'missing', { '_smtp._tls.example.org TXT': [] }],
  ['mta-sts', 'wrong', { '_mta-sts.example.org TXT': ['v=STSv1; id=not-a-word'] }],
  ['xmpps-client', 'wrong', { '_xmpps-client._tcp.example.org SRV': ['0 5 5223 notexample.org'] }],
  ['ptr', 'wrong', { '25.2.0.192.in-addr.arpa PTR': ['host-25.provider.example'] }],
  ['caa', 'missing', { 'example.org CAA': [] }],
])('%s is %s', async (check, state, zone) => {
  dns.set(zone)
  const found = await stateOf(check)
  dns.set(HEALTHY)
  expect(found).toBe(state)
})

test.each([
  ['no', 'missing'],
  ['other', 'wrong'],
  ['unknown', 'unknown'],
] as const)('a DKIM key that the relay finds published: %s', async (published, state) => {
  api.dkim.keys = [{ ...KEY, published }]
  expect(await stateOf('dkim')).toBe(state)
})

test('another domain of ours points at the same host; one that is not ours is not looked at', async () => {
  const findings = await examine('example.net')
  expect(findings.find(({ check }) => check === 'mx')?.expected).toBe('10 example.org')
  expect((await api.owner('GET', '/v1/domains/example.com/doctor')).status).toBe(404)
})
