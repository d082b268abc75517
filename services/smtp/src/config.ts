/** Configuration of the mail relay. */
import type { EnvReader, Networks } from '@sealpost/config'
import { parseDnsServer, type ResolverServer } from './dns/dns-resolver.ts'
import type { Smarthost } from './smarthost.ts'

export interface SmtpConfig {
  /** From other mail servers; STARTTLS offered. 0 takes a free port, as for the others. */
  readonly mxPort: number
  /** From our users' mail clients; STARTTLS required. */
  readonly submissionPort: number
  /** The same with TLS from the first byte. */
  readonly submissionsPort: number
  /** Who may relay without signing in. */
  readonly trustedNetworks: Networks
  /** Who must say by the PROXY protocol for whom it connects. */
  readonly proxyNetworks: Networks
  /** Takes all outgoing mail; undefined: nobody does. */
  readonly smarthost: Smarthost | undefined
  /** Undefined: the system's. */
  readonly dnsServers: readonly ResolverServer[] | undefined
}

export function readConfig(env: EnvReader): SmtpConfig {
  return {
    mxPort: env.port('SMTP_PORT', 2525),
    submissionPort: env.port('SUBMISSION_PORT', 2587),
    submissionsPort: env.port('SUBMISSIONS_PORT', 2465),
    trustedNetworks: env.networks('SMTP_TRUSTED_NETWORKS', []),
    proxyNetworks: env.networks('SMTP_PROXY_NETWORKS', []),
    smarthost: readSmarthost(env),
    dnsServers: readDnsServers(env),
  }
}

/** `host:port`, an IPv6 address in brackets. */
function readSmarthost(env: EnvReader): Smarthost | undefined {
  const text = env.optional('SMTP_SMARTHOST')
  if (text === undefined) return undefined
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:@/[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host !== undefined && port > 0 && port < 65_536) return { host, port }
  env.problem('SMTP_SMARTHOST must be HOST:PORT, an IPv6 address in brackets')
  return undefined
}

/** Recursive resolvers, `ADDRESS` or `ADDRESS:PORT`, an IPv6 address with a port in brackets. Naming one says that its word on DNSSEC is good. */
function readDnsServers(env: EnvReader): readonly ResolverServer[] | undefined {
  const servers = env.list('DNS_SERVERS', []).map((text) => parseDnsServer(text, true))
  if (servers.includes(undefined))
    env.problem('DNS_SERVERS must list addresses such as 127.0.0.1 or [::1]:5353')
  return servers.length === 0 ? undefined : servers.filter((server) => server !== undefined)
}
