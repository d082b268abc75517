/** What DNS has to say for a domain of ours, beside what it says now. Whatever else the operator has there is left alone. */
import { REPORT_NAMES } from '@sealpost/accounts'
import type { DkimKeyListing } from '@sealpost/ports'
import type { LookUp, RecordType } from './look-up.ts'

export const DNS_CHECKS = [
  'address',
  'mx',
  'ptr',
  'spf',
  'dkim',
  'dmarc',
  'tlsrpt',
  'mta-sts',
  'xmpp-client',
  'xmpps-client',
  'openpgpkey',
  'caa',
] as const
export type DnsCheck = (typeof DNS_CHECKS)[number]
/** `required`: mail or chat does not work, or is refused, without it. */
export const DNS_NEEDS = ['required', 'recommended', 'optional'] as const
export const DNS_STATES = ['ok', 'missing', 'wrong', 'unknown'] as const

export interface Finding {
  readonly check: DnsCheck
  readonly need: (typeof DNS_NEEDS)[number]
  /** Of PTR, the IP address. */
  readonly name: string
  readonly type: RecordType
  /** A record that would do. */
  readonly expected: string
  /** Of those that are there, the ones that matter. */
  readonly found: readonly string[]
  /** `unknown`: nobody answers. */
  readonly state: (typeof DNS_STATES)[number]
}

export interface Patient {
  /** In A-labels, as `host`, the name of this server. */
  readonly domain: string
  readonly host: string
  readonly dkim: readonly DkimKeyListing[]
}

interface Expectation extends Omit<Finding, 'found' | 'state'> {
  /** Which records are about it; all unless told. */
  readonly concerns?: RegExp
  /** What they must be; one at most unless there may be several. */
  readonly holds: RegExp
  readonly isSingle?: true
}

export async function examine(patient: Patient, lookUp: LookUp): Promise<readonly Finding[]> {
  const { domain, host } = patient
  const [records, address, keys] = await Promise.all([
    Promise.all(expectations(patient).map((expectation) => check(expectation, lookUp))),
    findAddress('address', 'required', host, lookUp),
    findAddress('openpgpkey', 'recommended', `openpgpkey.${domain}`, lookUp),
  ])
  const pointers = await Promise.all(address.found.map((ip) => check(pointer(ip, host), lookUp)))
  const all = [address, ...pointers, ...records, ...patient.dkim.map(ofKey), keys]
  return all.sort((one, other) => DNS_CHECKS.indexOf(one.check) - DNS_CHECKS.indexOf(other.check))
}

async function check(
  { concerns = /^/, holds, isSingle, ...about }: Expectation,
  lookUp: LookUp,
): Promise<Finding> {
  const records = await lookUp(about.name, about.type)
  if (records === undefined) return { ...about, found: [], state: 'unknown' }
  const found = records.filter((record) => concerns.test(record))
  if (found.length === 0) return { ...about, found, state: 'missing' }
  const isRight = found.some((record) => holds.test(record)) && !(isSingle === true && found.length > 1)
  return { ...about, found, state: isRight ? 'ok' : 'wrong' }
}

function expectations({ domain, host }: Patient): readonly Expectation[] {
  const atHost = new RegExp(` ${RegExp.escape(host)}$`)
  const service = (name: 'xmpp-client' | 'xmpps-client', port: number): Expectation => ({
    check: name,
    need: 'recommended', // RFC 6120 §3.2.2: without it, clients try the address of the domain.
    name: `_${name}._tcp.${domain}`,
    type: 'SRV',
    expected: `0 5 ${String(port)} ${host}`,
    holds: atHost,
  })
  return [
    { check: 'mx', need: 'required', name: domain, type: 'MX', expected: `10 ${host}`, holds: atHost },
    ...policies(domain),
    service('xmpp-client', 5222),
    service('xmpps-client', 5223),
    // RFC 8659 §4: without it every authority may issue.
    {
      check: 'caa',
      need: 'optional',
      name: domain,
      type: 'CAA',
      expected: '0 issue "letsencrypt.org"',
      holds: /^/,
    },
  ]
}

/** TXT records that begin with their version; several of one kind count as none. */
function policies(domain: string): readonly Expectation[] {
  const txt = { type: 'TXT', isSingle: true } as const
  return [
    {
      ...txt, // RFC 7208 §4.5, §5.1
      check: 'spf',
      need: 'required',
      name: domain,
      expected: 'v=spf1 mx -all',
      concerns: /^v=spf1(?: |$)/i,
      holds: / (?:[-~]all|redirect=\S+)$/i,
    },
    {
      ...txt, // RFC 9989 §4.7
      check: 'dmarc',
      need: 'required',
      name: `_dmarc.${domain}`,
      expected: `v=DMARC1; p=none; rua=mailto:${REPORT_NAMES.dmarc}@${domain}`,
      concerns: /^v=DMARC1\s*;/,
      holds: /;\s*p=(?:none|quarantine|reject)\s*(?:;|$)/,
    },
    {
      ...txt, // RFC 8460 §3
      check: 'tlsrpt',
      need: 'recommended',
      name: `_smtp._tls.${domain}`,
      expected: `v=TLSRPTv1; rua=mailto:${REPORT_NAMES.tls}@${domain}`,
      concerns: /^v=TLSRPTv1\s*;/,
      holds: /;\s*rua=\S/,
    },
    {
      ...txt, // RFC 8461 §3.1
      check: 'mta-sts',
      need: 'optional',
      name: `_mta-sts.${domain}`,
      expected: 'v=STSv1; id=1',
      concerns: /^v=STSv1\s*;/,
      holds: /;\s*id=[A-Za-z0-9]{1,32}\s*(?:;|$)/,
    },
  ]
}

/** RFC 8601 §2.7.3, and what large receivers ask: the address is named as the server calls itself. */
function pointer(ip: string, host: string): Expectation {
  const holds = new RegExp(`^${RegExp.escape(host)}$`)
  return { check: 'ptr', need: 'required', name: ip, type: 'PTR', expected: host, holds }
}

async function findAddress(
  name: 'address' | 'openpgpkey',
  need: Finding['need'],
  host: string,
  lookUp: LookUp,
): Promise<Finding> {
  const [four, six] = await Promise.all([lookUp(host, 'A'), lookUp(host, 'AAAA')])
  const found = [...(four ?? []), ...(six ?? [])]
  const isKnown = four !== undefined && six !== undefined
  const state = found.length > 0 ? 'ok' : isKnown ? 'missing' : 'unknown'
  return { check: name, need, name: host, type: 'A', expected: '192.0.2.1', found, state }
}

const DKIM_STATES = { yes: 'ok', no: 'missing', other: 'wrong', unknown: 'unknown' } as const

/** The mail relay has looked itself: it signs by what is there. */
function ofKey({ name, record, state, published }: DkimKeyListing): Finding {
  const need = state === 'active' ? 'required' : 'recommended'
  return {
    check: 'dkim',
    need,
    name,
    type: 'TXT',
    expected: record,
    found: published === 'yes' ? [record] : [],
    state: DKIM_STATES[published],
  }
}
