/** RFC 8460 §4.4: the policies of domains as reports write them. */
import type { TlsPolicy } from '@sealpost/mail'
import type { TlsaRecord } from '../dns/resolver.ts'
import type { StsPolicy } from './mta-sts.ts'

export function noPolicy(domain: string): TlsPolicy {
  return { type: 'no-policy-found', domain, strings: [], mxHosts: [] }
}

/** Without a policy: it could not be had. */
export function stsPolicy(domain: string, policy?: StsPolicy): TlsPolicy {
  const { mode, mx = [], maxAgeSeconds } = policy ?? {}
  const strings =
    policy === undefined
      ? []
      : [
          'version: STSv1',
          `mode: ${String(mode)}`,
          ...mx.map((name) => `mx: ${name}`),
          `max_age: ${String(maxAgeSeconds)}`,
        ]
  return { type: 'sts', domain, strings, mxHosts: mx }
}

/** RFC 6698 §2.2. The domain is that of the server. */
export function danePolicy(host: string, records: readonly TlsaRecord[]): TlsPolicy {
  const strings = records.map(({ usage, selector, matching, data }) =>
    [String(usage), String(selector), String(matching), data.toString('hex')].join(' '),
  )
  return { type: 'tlsa', domain: host, strings, mxHosts: [] }
}
