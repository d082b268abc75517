/** Configuration of what judges mail: blocklists, greylisting, scanners, whose ARC seals count. */
import { domainToASCII } from 'node:url'
import type { EnvReader } from '@sealpost/config'
import type { ClamdPlace } from './stages/scanners/clamav.ts'
import type { ScannerFailure } from './stages/scanners/scanner.ts'

export interface ScreeningConfig {
  readonly blocklists: readonly string[]
  readonly greylist: boolean
  readonly trustedSealers: readonly string[]
  readonly clamav: { readonly place: ClamdPlace; readonly onFailure: ScannerFailure } | undefined
  readonly rspamd: { readonly url: URL; readonly onFailure: ScannerFailure } | undefined
}

const FAILURES = ['defer', 'open'] as const

export function readScreening(env: EnvReader): ScreeningConfig {
  const place = readClamd(env)
  const clamavFailure = env.oneOf('CLAMAV_FAILURE', FAILURES, 'defer')
  const url = readRspamd(env)
  const rspamdFailure = env.oneOf('RSPAMD_FAILURE', FAILURES, 'defer')
  return {
    blocklists: readDomains(env, 'SMTP_DNSBL'),
    greylist: env.bool('SMTP_GREYLIST', true),
    trustedSealers: readDomains(env, 'SMTP_ARC_TRUSTED'),
    clamav: place && { place, onFailure: clamavFailure },
    rspamd: url && { url, onFailure: rspamdFailure },
  }
}

function readDomains(env: EnvReader, name: string): string[] {
  const domains = env.list(name, []).map((text) => domainToASCII(text))
  if (domains.includes('')) env.problem(`${name} must list domain names`)
  return domains
}

function readClamd(env: EnvReader): ClamdPlace | undefined {
  const text = env.optional('CLAMAV')
  if (text === undefined) return undefined
  if (text.startsWith('/')) return { path: text }
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:@/[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const [host, port] = [bracketed ?? plain, Number(digits)]
  if (host !== undefined && port > 0 && port < 65_536) return { host, port }
  env.problem('CLAMAV must be HOST:PORT or the path of a socket')
  return undefined
}

function readRspamd(env: EnvReader): URL | undefined {
  const text = env.optional('RSPAMD_URL')
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '') return url
  env.problem('RSPAMD_URL must be like http://HOST:11333')
  return undefined
}
