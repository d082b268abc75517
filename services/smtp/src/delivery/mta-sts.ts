/** RFC 8461: what a domain promises about the TLS of its mail servers; fetched over HTTPS, kept for as long as it says. */
import { request } from 'node:https'
import type { TlsResultType } from '@sealpost/mail'
import type { Clock } from '@sealpost/runtime'
import type { Resolver } from '../dns/resolver.ts'
import { KnownPolicies } from './known-policies.ts'
import { tlsFault } from './tls-failure.ts'

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none'
  /** Names of mail servers, `*.` for one label. */
  readonly mx: readonly string[]
  readonly maxAgeSeconds: number
}

export interface StsOptions {
  readonly resolver: Pick<Resolver, 'txt' | 'addresses'>
  readonly clock: Clock
  /** What is known already, and will be. */
  readonly known?: KnownPolicies | undefined
  /** PEM of authorities; undefined: the system's. */
  readonly ca: string | undefined
  /** Addresses that may be asked. */
  readonly allows: (address: string) => boolean
  /** 443 unless told. */
  readonly port?: number
  /** A policy that a domain announces could not be had (RFC 8460 §4.3.2.2); told once for each attempt to have it. */
  readonly onFault?: (domain: string, type: TlsResultType) => void
}

const POLICY_BYTES_MAX = 64 * 1024
const FETCH_MS_MAX = 10_000
/** RFC 8461 §3.2. */
const AGE_SECONDS_MAX = 31_557_600
/** After a fetch that failed, so that not every mail waits for it. */
const AGAIN_MS = 5 * 60_000
const RECORD = /^v=STSv1\s*;(?:.*;)?\s*id=([A-Za-z0-9]{1,32})\s*(?:;|$)/

type StsFault = Extract<TlsResultType, `sts-${string}`>

export class MtaSts {
  readonly #options: StsOptions
  readonly #known: KnownPolicies

  constructor(options: StsOptions) {
    this.#options = options
    this.#known = options.known ?? new KnownPolicies()
  }

  /** The policy to go by now; undefined: there is none. Never throws. */
  async policyOf(domain: string): Promise<StsPolicy | undefined> {
    const { resolver, clock } = this.#options
    const now = clock.now()
    const known = this.#known.get(domain)
    const valid = known !== undefined && known.until > now ? known.policy : undefined
    const answer = await resolver.txt(`_mta-sts.${domain}`)
    const ids =
      answer.result === 'found' ? answer.records.flatMap((text) => RECORD.exec(text)?.[1] ?? []) : []
    const [id] = ids
    // RFC 8461 §3.1: none, or more than one: the domain has no policy that is not known already.
    if (id === undefined || ids.length > 1) return valid
    if (known?.id === id && (valid !== undefined || known.againAt > now)) return valid
    const answered = await this.#fetch(domain)
    const fetched = typeof answered === 'string' ? undefined : answered
    if (typeof answered === 'string') this.#options.onFault?.(domain, answered)
    if (fetched !== undefined)
      this.#known.keep(domain, { id, policy: fetched, until: now + fetched.maxAgeSeconds * 1000, againAt: 0 })
    else this.#known.keep(domain, { id, policy: valid, until: known?.until ?? 0, againAt: now + AGAIN_MS })
    return fetched ?? valid
  }

  async #fetch(domain: string): Promise<StsPolicy | StsFault> {
    const host = `mta-sts.${domain}`
    const answer = await this.#options.resolver.addresses(host)
    if (answer.result !== 'found') return 'sts-policy-fetch-error'
    const address = answer.records.find(this.#options.allows)
    if (address === undefined) return 'sts-policy-fetch-error'
    const got = await this.#get(host, address)
    return 'fault' in got ? got.fault : (parsePolicy(got.text) ?? 'sts-policy-invalid')
  }

  /** RFC 8461 §3.3: a valid certificate for the host, no redirections, text/plain. */
  #get(host: string, address: string): Promise<{ text: string } | { fault: StsFault }> {
    const { ca, port = 443, clock } = this.#options
    const { promise, resolve } = Promise.withResolvers<{ text: string } | { fault: StsFault }>()
    const asked = request({
      host: address,
      port,
      servername: host,
      headers: { host },
      path: '/.well-known/mta-sts.txt',
      agent: false,
      ...(ca === undefined ? {} : { ca }),
    })
    const late = clock.after(FETCH_MS_MAX, () => asked.destroy())
    asked.on('error', (error) => {
      const isUntrusted = tlsFault(error).type !== 'validation-failure'
      resolve({ fault: isUntrusted ? 'sts-webpki-invalid' : 'sts-policy-fetch-error' })
    })
    asked.on('close', () => {
      late[Symbol.dispose]()
      resolve({ fault: 'sts-policy-fetch-error' })
    })
    asked.on('response', (response) => {
      const isText = /^text\/plain\b/i.test(response.headers['content-type'] ?? '')
      if (response.statusCode !== 200 || !isText) {
        asked.destroy()
        return
      }
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length > POLICY_BYTES_MAX) asked.destroy()
      })
      response.on('end', () => resolve({ text }))
    })
    asked.end()
    return promise
  }
}

/** RFC 8461 §3.2; undefined: not well-formed. */
export function parsePolicy(text: string): StsPolicy | undefined {
  const fields = text
    .split(/\r?\n/)
    .map((line) => /^([A-Za-z0-9_.-]+)[ \t]*:[ \t]*(.*?)[ \t]*$/.exec(line))
    .flatMap((match) => (match === null ? [] : [[match[1] ?? '', match[2] ?? ''] as const]))
  const value = (name: string): string | undefined => fields.find(([key]) => key === name)?.[1]
  const mode = value('mode')
  const maxAge = value('max_age')
  if (value('version') !== 'STSv1' || maxAge === undefined || !/^\d{1,10}$/.test(maxAge)) return undefined
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return undefined
  const mx = fields.filter(([key]) => key === 'mx').map(([, name]) => name.toLowerCase())
  if (mx.length === 0 && mode !== 'none') return undefined
  return { mode, mx, maxAgeSeconds: Math.min(Number(maxAge), AGE_SECONDS_MAX) }
}

/** RFC 8461 §4.1: whether the policy names this mail server. */
export function isNamed(host: string, { mx }: Pick<StsPolicy, 'mx'>): boolean {
  return mx.some((pattern) =>
    pattern.startsWith('*.')
      ? host.slice(host.indexOf('.')) === pattern.slice(1) && host.includes('.')
      : host === pattern,
  )
}
