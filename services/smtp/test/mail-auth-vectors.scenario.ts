/**
 * The public test suites of SPF (RFC 7208) and ARC (RFC 8617), the sample of RFC 8463, and DMARC by our own table, through our own ways: DNS from a real server,
 * the body past our own hash. What comes out otherwise than a suite wants is listed by name, with the reason; the list is exact.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SPFResult } from 'mailauth'
import { parseAddress } from '@sealpost/mail'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { Client } from '../src/reception/stage.ts'
import { mailauthResolver } from '../src/stages/authentication/mailauth-resolver.ts'
import type { MailauthResolver } from '../src/stages/authentication/mailauth-resolver.ts'
import { SignatureCheck } from '../src/stages/authentication/signature-check.ts'
import { checkSpf, judge } from '../src/stages/authentication/verdict.ts'
import { contentOf } from './content.ts'
import { testDns } from './test-dns.ts'
import type { Zone } from './test-dns.ts'

const VECTORS = join(import.meta.dirname, '../../../test/vectors/mail-auth')
const read = (file: string): Promise<string> => readFile(join(VECTORS, file), 'utf8')

async function scenarios<T>(file: string): Promise<T[]> {
  const documents = parseAllDocuments(await read(file)) as readonly { toJS(): T | null }[]
  return documents.map((one) => one.toJS()).filter((one) => one !== null)
}

type ZoneData = Readonly<Record<string, readonly ('TIMEOUT' | Readonly<Record<string, unknown>>)[]>>
interface SpfTest {
  readonly helo: string
  readonly host: string
  readonly mailfrom: string
  readonly result: string | readonly string[]
}
interface SpfScenario {
  readonly tests: Readonly<Record<string, SpfTest>>
  readonly zonedata: ZoneData
}

const REFUSED = 'refused at MAIL'

describe('SPF: the suite of RFC 7208', () => {
  /** Name, what comes out. */
  const different = {
    // No addresses: such a MAIL FROM gets 501, and there is nothing to judge (RFC 5321 §4.1.2).
    toolonglabel: REFUSED,
    emptylabel: REFUSED,
    nolocalpart: REFUSED,
    'dorky-sentinel': REFUSED,
    // Our resolver asks for no name with a blank in it.
    'macro-mania-in-domain': 'fail',
  }

  test('200 vectors', async () => {
    const outcomes: Record<string, string> = {}
    let count = 0
    for (const { tests, zonedata } of await scenarios<SpfScenario>('rfc7208-tests.yml')) {
      await using dns = await testDns(zoneOf(zonedata))
      for (const [name, vector] of Object.entries(tests)) {
        count += 1
        const result = await spfOf(vector, mailauthResolver(dns.resolver))
        if (![vector.result].flat().includes(result)) outcomes[name] = result
      }
    }
    expect(outcomes).toEqual(different)
    expect(count).toBe(200)
  })
})

async function spfOf({ helo, host, mailfrom }: SpfTest, resolver: MailauthResolver): Promise<string> {
  const sender = parseAddress(mailfrom)
  if (mailfrom !== '' && sender === undefined) return REFUSED
  const client: Client = {
    entrance: 'mx',
    address: host,
    helo,
    trusted: false,
    tls: undefined,
    account: undefined,
  }
  return (await checkSpf(client, sender, { resolver, mta: 'localhost' })).status.result
}

const TYPES = ['A', 'AAAA', 'CNAME', 'MX', 'PTR', 'TXT']

/** The schema of the suite: SPF stands for TXT where a name has none of its own, TIMEOUT for every type that is not told. */
function zoneOf(data: ZoneData): Zone {
  const zone: Record<string, string[] | 'SERVFAIL'> = {}
  for (const [name, items] of Object.entries(data)) {
    const records = items.filter((item) => item !== 'TIMEOUT').flatMap((item) => Object.entries(item))
    const hasTxt = records.some(([type]) => type === 'TXT')
    for (const [type, value] of records) {
      const key = `${name} ${type === 'SPF' ? 'TXT' : type}`.toLowerCase()
      if ((type === 'SPF' && hasTxt) || value === 'NONE') continue
      const before = zone[key] ?? []
      if (value === 'TIMEOUT' || before === 'SERVFAIL') zone[key] = 'SERVFAIL'
      else zone[key] = [...before, written(type, value)]
    }
    if (items.includes('TIMEOUT'))
      for (const type of TYPES) zone[`${name} ${type}`.toLowerCase()] ??= 'SERVFAIL'
  }
  return zone
}

const written = (type: string, value: unknown): string =>
  Array.isArray(value) ? value.join(type === 'MX' ? ' ' : '') : String(value)

interface ArcScenario {
  readonly tests: Readonly<Record<string, { readonly message: string; readonly cv: string }>>
  readonly 'txt-records': Readonly<Record<string, string>>
}

describe('ARC: the suite of chain validation', () => {
  const different = {
    // RFC 6376 §3.5: without c= it is simple/simple; the suite is of drafts that had relaxed.
    ams_fields_c_na: 'fail',
    // RFC 6376 §3.5: h= lists From at least.
    ams_fields_h_empty: 'fail',
  }

  test('171 vectors', async () => {
    const outcomes: Record<string, string> = {}
    let count = 0
    const all = await scenarios<ArcScenario>('arc-draft-validation-tests.yml')
    for (const { tests, 'txt-records': records } of all) {
      await using dns = await testDns(recordsOf(Object.entries(records)))
      for (const [name, { message, cv }] of Object.entries(tests)) {
        count += 1
        const { arc } = await verdictOf(message, mailauthResolver(dns.resolver))
        // A chain that is broken in a way that gives no result at all.
        const wanted = cv === '' ? 'fail' : cv.toLowerCase()
        if (arc.status.result !== wanted) outcomes[name] = arc.status.result
      }
    }
    expect(outcomes).toEqual(different)
    expect(count).toBe(171)
  })
})

/** `[name, text]` of TXT records. */
function recordsOf(records: readonly (readonly [string, string])[]): Zone {
  const zone: Record<string, string[]> = {}
  for (const [name, text] of records) (zone[`${name} TXT`] ??= []).push(text)
  return zone
}

const NO_SPF: SPFResult = spfResult('none')

function spfResult(result: 'none' | 'pass', domain = 'example.com'): SPFResult {
  return { domain, 'client-ip': '192.0.2.1', header: '', info: '', status: { result } }
}

async function verdictOf(text: string, resolver: MailauthResolver, spf = NO_SPF) {
  const content = contentOf(text.replaceAll(/\r?\n/g, '\r\n'))
  const check = await SignatureCheck.begin(content.fields.fields, resolver)
  for await (const chunk of content.body()) check.write(chunk)
  return await judge(spf, await check.finish(), { resolver, trustedSealers: [] })
}

test('DKIM: both signatures of RFC 8463 §A.3 hold, and neither over a changed mail', async () => {
  await using dns = await testDns({
    'brisbane._domainkey.football.example.com TXT': [
      'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
    ],
    'test._domainkey.football.example.com TXT': [
      'v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB',
    ],
  })
  const results = async (text: string): Promise<string[]> =>
    (await verdictOf(text, mailauthResolver(dns.resolver))).signatures.results.map(
      ({ status }) => status.result,
    )
  const mail = await read('rfc8463-a3.eml')
  expect(await results(mail)).toEqual(['pass', 'pass'])
  expect(await results(mail.replace('hungry', 'angry'))).toEqual(['fail', 'fail'])
  expect(await results(mail.replace('dinner', 'supper'))).toEqual(['fail', 'fail'])
})

const dmarcVectors = (await read('dmarc.txt'))
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t'))

test.each(dmarcVectors)('DMARC: %s; From %s, SPF %s, DKIM %s: %s, %s', async (...vector) => {
  const [records = '', from = '', spf = '', dkim = '', result, disposition] = vector
  const zone = records === '-' ? [] : records.split(' | ').map((text) => /^(\S+) (.+)$/.exec(text) ?? [])
  await using dns = await testDns(
    recordsOf(zone.map(([, name = '', text = '']) => [`_dmarc.${name}`, text] as const)),
  )
  const signatures = {
    results: dkim === '-' ? [] : [{ id: '1', signingDomain: dkim, status: { result: 'pass' }, info: '' }],
    arc: { chain: false, lastEntry: false },
    headerFrom: [`ann@${from}`],
    fromFields: 1,
  } as unknown as Awaited<ReturnType<SignatureCheck['finish']>>
  const verdict = await judge(spf === '-' ? NO_SPF : spfResult('pass', spf), signatures, {
    resolver: mailauthResolver(dns.resolver),
    trustedSealers: [],
  })
  expect([verdict.dmarc?.status.result, verdict.disposition]).toEqual([result, disposition])
})
