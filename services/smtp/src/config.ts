/** Configuration of the mail relay. */
import { join } from 'node:path'
import { domainToASCII } from 'node:url'
import { MAIL_PGP_MODES } from '@sealpost/accounts'
import { type EnvReader, type Networks, parseDuration } from '@sealpost/config'
import { readSelfAuditDirs } from '@sealpost/forensics'
import { type EmailAddress, parseAddress } from '@sealpost/mail'
import { REPORT_KINDS, type ReportKind } from '@sealpost/ports'
import { readPublicOrigin, readServiceUrl } from '@sealpost/service'
import { parseDnsServer, type ResolverServer } from './dns/dns-resolver.ts'
import type { Hop } from './delivery/remote-carrier.ts'
import type { DoveadmPlace } from './mailbox/doveadm.ts'
import type { LmtpServer } from './mailbox/local-carrier.ts'
import type { ListsConfig } from './lists/open-lists.ts'
import type { PgpConfig } from './pgp/open-pgp.ts'
import type { SendingPlan } from './limits/sending-plan.ts'
import { RETRY_PAUSES } from './queue/schedule.ts'
import { readScreening, type ScreeningConfig } from './screening-config.ts'

export interface SmtpConfig extends PgpConfig, ListsConfig {
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
  /** Takes all outgoing mail; undefined: it goes where DNS says. */
  readonly smarthost: Hop | undefined
  /** Servers for single domains, by domain in A-labels. */
  readonly routes: ReadonlyMap<string, Hop>
  /** Takes the mail of our users; undefined: it waits here until it is fetched. */
  readonly lmtp: LmtpServer | undefined
  /** Where the mailbox server ends sessions and destroys mail; undefined: it is not told to. */
  readonly doveadm: DoveadmPlace | undefined
  /** Gets mail to postmaster@ and abuse@ where no account has the name; undefined: it waits at the desk. */
  readonly abuseMailbox: EmailAddress | undefined
  /** What was not delivered for so long is given up. */
  readonly expiryMs: number
  /** From one attempt to deliver a mail to the next; the last one repeats. */
  readonly retryPausesMs: readonly number[]
  /** Undefined: the system's. */
  readonly dnsServers: readonly ResolverServer[] | undefined
  /** Keys of mails that wait. */
  readonly keyringDir: string
  /** Large bodies of mails that wait, encrypted. */
  readonly spoolDir: string
  /** What the weekly self-audit goes over besides the spool; none: there is no audit. */
  readonly selfAuditDirs: readonly string[]
  readonly screening: ScreeningConfig
  /** What other domains get reports about, if they ask for them. */
  readonly reports: readonly ReportKind[]
  /** Origin of the key directory's HTTP listener when it runs in another process; undefined: it does not, or nobody said where. */
  readonly keysUrl: URL | undefined
  /** The same of the API, which keeps the sessions on the pages of accounts. */
  readonly apiUrl: URL | undefined
}

export function readConfig(env: EnvReader): SmtpConfig {
  const dataDir = env.str('SEALPOST_DATA_DIR', './data')
  const origin = readPublicOrigin(env)
  return {
    mxPort: env.port('SMTP_PORT', 2525),
    submissionPort: env.port('SUBMISSION_PORT', 2587),
    submissionsPort: env.port('SUBMISSIONS_PORT', 2465),
    trustedNetworks: env.networks('SMTP_TRUSTED_NETWORKS', []),
    proxyNetworks: env.networks('SMTP_PROXY_NETWORKS', []),
    sendingPlan: readSendingPlan(env),
    publicOrigin: () => origin,
    smarthost: readSmarthost(env),
    routes: readRoutes(env),
    lmtp: readLmtp(env),
    doveadm: readDoveadm(env),
    abuseMailbox: readAddress('ABUSE_MAILBOX', env),
    expiryMs: env.durationMs('SMTP_EXPIRY', '48h', { min: 24 * HOUR_MS, max: 72 * HOUR_MS }),
    retryPausesMs: readRetrySchedule(env),
    dnsServers: readDnsServers(env),
    keyringDir: join(env.str('KEYRING_DIR', join(dataDir, 'keyring')), 'smtp'),
    spoolDir: join(dataDir, 'spool'),
    selfAuditDirs: readSelfAuditDirs(env, dataDir),
    screening: readScreening(env),
    reports: readReports(env),
    pgpMode: env.oneOf('SMTP_PGP_POLICY', MAIL_PGP_MODES, 'optional'),
    keyServers: readKeyServers(env),
    keysUrl: readServiceUrl('KEYS_URL', env),
    apiUrl: readServiceUrl('API_URL', env),
  }
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const RETRIES_MAX = 50

function readSendingPlan(env: EnvReader): SendingPlan {
  const amount = (name: string, fallback: number, max = 1_000_000): number =>
    env.int(name, fallback, { min: 1, max })
  return {
    recipientsPerMessage: amount('SMTP_RECIPIENTS_PER_MESSAGE', 100, 100),
    messagesPerHour: amount('SMTP_MESSAGES_PER_HOUR', 200),
    messagesPerDay: amount('SMTP_MESSAGES_PER_DAY', 1_000),
    recipientsPerHour: amount('SMTP_RECIPIENTS_PER_HOUR', 500),
    recipientsPerDay: amount('SMTP_RECIPIENTS_PER_DAY', 2_000),
    newRecipientsPerDay: amount('SMTP_NEW_RECIPIENTS_PER_DAY', 200),
    newRecipientsPerMessage: amount('SMTP_NEW_RECIPIENTS_PER_MESSAGE', 50, 100),
    listMailsPerDay: amount('SMTP_LIST_MAILS_PER_DAY', 10_000, 10_000_000),
  }
}

function readRetrySchedule(env: EnvReader): readonly number[] {
  const texts = env.list('SMTP_RETRY_SCHEDULE', [])
  if (texts.length === 0) return RETRY_PAUSES
  const pauses = texts.map((text) => parseDuration(text) ?? 0)
  if (pauses.length > RETRIES_MAX || pauses.some((pause) => pause < MINUTE_MS || pause > 24 * HOUR_MS))
    env.problem('SMTP_RETRY_SCHEDULE must list up to 50 durations of 1m to 24h, such as 5m, 30m, 2h')
  return pauses
}

function readReports(env: EnvReader): readonly ReportKind[] {
  const names = env.list('SMTP_REPORTS', [])
  const kinds = REPORT_KINDS.filter((kind) => names.includes(kind))
  if (new Set(names).size !== kinds.length) env.problem(`SMTP_REPORTS must list ${REPORT_KINDS.join(', ')}`)
  return kinds
}

function readSmarthost(env: EnvReader): Hop | undefined {
  const text = env.optional('SMTP_SMARTHOST')
  if (text === undefined) return undefined
  const hop = parseHop(text)
  if (hop === undefined) env.problem('SMTP_SMARTHOST must be HOST:PORT, an IPv6 address in brackets')
  return hop
}

function readRoutes(env: EnvReader): Map<string, Hop> {
  const routes = new Map<string, Hop>()
  for (const item of env.list('SMTP_ROUTES', [])) {
    const [name = '', ...rest] = item.split('=')
    const [domain, hop] = [domainToASCII(name.trim()), parseHop(rest.join('=').trim())]
    if (domain === '' || hop === undefined) env.problem('SMTP_ROUTES must list DOMAIN=HOST:PORT')
    else routes.set(domain, hop)
  }
  return routes
}

function readLmtp(env: EnvReader): LmtpServer | undefined {
  const text = env.optional('MAILBOX_LMTP')
  if (text === undefined) return undefined
  if (text.startsWith('/')) return { path: text }
  const hop = parseHop(text)
  if (hop === undefined) env.problem('MAILBOX_LMTP must be HOST:PORT or the path of a socket')
  return hop
}

function readAddress(name: string, env: EnvReader): EmailAddress | undefined {
  const text = env.optional(name)
  if (text === undefined) return undefined
  const address = parseAddress(text)
  if (address === undefined) env.problem(`${name} must be a mail address`)
  return address
}

function readDoveadm(env: EnvReader): DoveadmPlace | undefined {
  const url = readServiceUrl('MAILBOX_DOVEADM', env)
  const key = env.optionalSecret('MAILBOX_DOVEADM_KEY')
  if (url !== undefined && key !== undefined) return { url, key }
  if (url !== undefined || key !== undefined)
    env.problem('MAILBOX_DOVEADM and MAILBOX_DOVEADM_KEY go together')
  return undefined
}

/** `host:port`, an IPv6 address in brackets. */
function parseHop(text: string): Hop | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:@/[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  return host !== undefined && port > 0 && port < 65_536 ? { host, port } : undefined
}

/** Recursive resolvers, `ADDRESS` or `ADDRESS:PORT`, an IPv6 address with a port in brackets. Naming one says that its word on DNSSEC is good. */
function readDnsServers(env: EnvReader): readonly ResolverServer[] | undefined {
  const servers = env.list('DNS_SERVERS', []).map((text) => parseDnsServer(text, true))
  if (servers.includes(undefined))
    env.problem('DNS_SERVERS must list addresses such as 127.0.0.1 or [::1]:5353')
  return servers.length === 0 ? undefined : servers.filter((server) => server !== undefined)
}

/** Host names of verifying key servers. */
function readKeyServers(env: EnvReader): readonly string[] {
  const hosts = env.list('KEY_SERVERS', [])
  if (!hosts.every((host) => /^(?:[\da-z](?:[\da-z-]*[\da-z])?\.)+[\da-z-]*[a-z][\da-z-]*$/.test(host)))
    env.problem('KEY_SERVERS must list host names such as keys.openpgp.org')
  return hosts
}
