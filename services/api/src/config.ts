/** Configuration of the API service: where links lead that it hands out, and where the other services are. */
import { join } from 'node:path'
import type { EnvReader, Networks, Secret } from '@sealpost/config'
import { readPublicOrigin, readServiceUrl, readSupportUrl } from '@sealpost/service'
import { readTurnConfig, type TurnConfig } from '@sealpost/turn'
import { webhookKey } from './lifecycle/standard-webhooks.ts'
import type { PhoneGatewayConfig } from './phone/open-phones.ts'
import type { SessionTimes } from './access/sessions.ts'

export interface ApiConfig {
  /** Origin of the links in invites, `https://HOST:PORT`. A function, since a port of 0 is known only after listening. */
  readonly publicOrigin: () => string
  /** Origin of the relay's HTTP listener when it runs in another process; undefined: it does not, or nobody said where. */
  readonly relayUrl: URL | undefined
  /** Of the process that keeps backups: for its figures. */
  readonly backupUrl: URL | undefined
  /** The same of the mail relay. */
  readonly mailUrl: URL | undefined
  /** The same of the key directory. */
  readonly keysUrl: URL | undefined
  /** Addresses that are not public, and to which webhooks may be sent all the same. */
  readonly webhookNetworks: Networks
  /** Whether chat programs may use invites by themselves (XEP-0445). */
  readonly inBandRegistration: boolean
  /** Where users get help; undefined: nowhere that the server knows of. */
  readonly supportUrl: string | undefined
  /** Whether there are affiliates. */
  readonly affiliates: boolean
  /** With which the billing system signs its events; undefined: none are taken. */
  readonly billingSecret: Secret | undefined
  readonly turn: TurnConfig
  /** Recursive resolvers, `ADDRESS` or `ADDRESS:PORT`; empty: those of the system. */
  readonly dnsServers: readonly string[]
  /** To whom codes for phones are given; undefined: no numbers are confirmed. */
  readonly phoneGateway: PhoneGatewayConfig | undefined
  /** When sessions are over: of administrators, and on the account page where no plan says otherwise. */
  readonly administratorSessions: SessionTimes
  readonly accountSessions: SessionTimes
  /** The variables of the prober that the API starts for itself; undefined: it starts none. */
  readonly prober: Readonly<Record<string, string>> | undefined
}

const SECRET_BYTES_MIN = 24
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/**
 * Reads SEALPOST_DOMAIN (the first one names the host), HTTPS_PORT, RELAY_URL, BACKUP_URL, MAIL_URL, KEYS_URL, WEBHOOK_NETWORKS, REGISTRATION, SUPPORT_URL, AFFILIATES,
 * BILLING_WEBHOOK_SECRET, DNS_SERVERS, PHONE_GATEWAY_URL, PHONE_GATEWAY_SECRET, and REST and LIFE of ADMIN_SESSION and ACCOUNT_SESSION.
 */
export function readConfig(env: EnvReader): ApiConfig {
  const origin = readPublicOrigin(env)
  return {
    publicOrigin: () => origin,
    relayUrl: readServiceUrl('RELAY_URL', env),
    backupUrl: readServiceUrl('BACKUP_URL', env),
    mailUrl: readServiceUrl('MAIL_URL', env),
    keysUrl: readServiceUrl('KEYS_URL', env),
    webhookNetworks: env.networks('WEBHOOK_NETWORKS', []),
    inBandRegistration: env.oneOf('REGISTRATION', ['off', 'invite', 'accounts'], 'off') !== 'off',
    supportUrl: readSupportUrl(env),
    affiliates: env.bool('AFFILIATES', false),
    billingSecret: env.optionalSecret('BILLING_WEBHOOK_SECRET', { bytesMin: SECRET_BYTES_MIN }),
    turn: readTurnConfig(env),
    dnsServers: env.list('DNS_SERVERS', []),
    phoneGateway: readPhoneGateway(env),
    administratorSessions: {
      restMs: env.durationMs('ADMIN_SESSION_REST', '30m', { min: MINUTE_MS, max: 12 * HOUR_MS }),
      lifeMs: env.durationMs('ADMIN_SESSION_LIFE', '12h', { min: 10 * MINUTE_MS, max: DAY_MS }),
    },
    accountSessions: {
      restMs: env.durationMs('ACCOUNT_SESSION_REST', '30m', { min: MINUTE_MS, max: 7 * DAY_MS }),
      lifeMs: env.durationMs('ACCOUNT_SESSION_LIFE', '12h', { min: 10 * MINUTE_MS, max: 30 * DAY_MS }),
    },
    prober: readProber(env),
  }
}

function readPhoneGateway(env: EnvReader): PhoneGatewayConfig | undefined {
  const url = env.optional('PHONE_GATEWAY_URL')
  const secret = env.optionalSecret('PHONE_GATEWAY_SECRET', { bytesMin: SECRET_BYTES_MIN })
  if (url === undefined && secret === undefined) return undefined
  if (url !== undefined && URL.parse(url)?.protocol === 'https:' && secret && webhookKey(secret.reveal()))
    return { url, secret }
  env.problem('PHONE_GATEWAY_URL must be an https: URL, and PHONE_GATEWAY_SECRET go with it')
  return undefined
}

const LOOPBACK = '127.0.0.1'
const WILDCARDS = ['0.0.0.0', '::']

/** In a process of its own the API listens where it is told to, and not on the loopback address alone. */
export function proberOfOwnProcess(prober: ApiConfig['prober']): ApiConfig['prober'] {
  const host = prober?.['PROBE_HOST'] ?? LOOPBACK
  const named = host.includes(':') ? `[${host}]` : host
  return prober && { ...prober, PROBE_API_URL: prober['PROBE_API_URL']?.replace(LOOPBACK, named) ?? '' }
}

/** It probes this machine, and is told of nothing else: no secret, no database. */
function readProber(env: EnvReader): ApiConfig['prober'] {
  const wanted = env.oneOf('STATUS_PROBER', ['child', 'off'], 'child')
  const bind = env.str('SEALPOST_BIND', LOOPBACK)
  const host = WILDCARDS.includes(bind) ? LOOPBACK : bind
  const port = (name: string, fallback: number): string => String(env.port(name, fallback))
  const [domain = 'localhost'] = env.list('SEALPOST_DOMAIN', ['localhost'])
  const ownAuthority = join(env.str('SEALPOST_DATA_DIR', './data'), 'tls', 'ca.pem')
  const httpPort = env.port('HTTP_PORT', 8080)
  const prober = {
    SEALPOST_DOMAIN: domain,
    PROBE_HOST: host,
    XMPP_PORT: port('XMPP_PORT', 5222),
    SMTP_PORT: port('SMTP_PORT', 2525),
    SUBMISSION_PORT: port('SUBMISSION_PORT', 2587),
    HKP_PORT: port('HKP_PORT', 11371),
    HTTPS_PORT: '0', // perhaps a proxy's, that this machine does not reach
    PROBE_API_URL: httpPort === 0 ? '' : `http://${LOOPBACK}:${String(httpPort)}`,
    TURN_URIS: env.list('TURN_URIS', []).join(','),
    PROBE_CA_FILE: env.optional('TLS_CERT') === undefined ? ownAuthority : '',
  }
  return wanted === 'off' ? undefined : prober
}
