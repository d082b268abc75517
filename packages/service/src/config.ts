/** The variables that all services share (CONTRACT, Environment). */
import { isIP } from 'node:net'
import { join } from 'node:path'
import { domainToASCII } from 'node:url'
import { defineConfig, findPort } from '@sealpost/config'
import type { EnvReader, Secret } from '@sealpost/config'
import { LOG_LEVELS } from '@sealpost/log'
import type { LogLevel } from '@sealpost/log'

export interface PlatformConfig {
  readonly logLevel: LogLevel
  /** `nats://` or `tls://`: the servers of NATS. */
  readonly eventBus: 'process' | 'postgres' | URL
  /** What NATS asks for, if it does. */
  readonly natsToken: Secret | undefined
  /** Unset: the embedded Postgres of the all-in-one. */
  readonly databaseUrl: Secret | undefined
  readonly dataDir: string
  readonly domains: readonly string[]
  readonly bind: string
  /** Paths of PEM files; unless set, those of the local CA in the data directory. */
  readonly tlsCert: string
  readonly tlsKey: string
  /** Whether TLS_CERT and TLS_KEY were given. */
  readonly tlsGiven: boolean
}

/**
 * Reads the shared variables. `alone`: a service in a process of its own, which needs DATABASE_URL and hears the other
 * processes over Postgres; otherwise all services share the process.
 */
export function readPlatformConfig(env: EnvReader, { alone = false } = {}): PlatformConfig {
  const dataDir = env.str('SEALPOST_DATA_DIR', './data')
  const tlsCert = env.optional('TLS_CERT')
  const tlsKey = env.optional('TLS_KEY')
  const config: PlatformConfig = {
    logLevel: env.oneOf('LOG_LEVEL', LOG_LEVELS, 'info'),
    eventBus: readEventBus(env, alone ? 'postgres' : 'process'),
    natsToken: env.optionalSecret('NATS_TOKEN'),
    databaseUrl: env.optionalSecret('DATABASE_URL'),
    dataDir,
    domains: env.list('SEALPOST_DOMAIN', ['localhost']),
    bind: env.str('SEALPOST_BIND', '127.0.0.1'),
    tlsCert: tlsCert ?? join(dataDir, 'tls', 'cert.pem'),
    tlsKey: tlsKey ?? join(dataDir, 'tls', 'key.pem'),
    tlsGiven: tlsCert !== undefined && tlsKey !== undefined,
  }
  checkTogether(env, config, { alone, halfPair: (tlsCert === undefined) !== (tlsKey === undefined) })
  return config
}

function checkTogether(
  env: EnvReader,
  config: PlatformConfig,
  { alone, halfPair }: { alone: boolean; halfPair: boolean },
): void {
  if (halfPair) env.problem('TLS_CERT and TLS_KEY must be set together')
  if (config.domains.length === 0) env.problem('SEALPOST_DOMAIN must name at least one domain')
  if (!config.domains.every(isHost)) env.problem('SEALPOST_DOMAIN must list domain names or addresses')
  if (isIP(config.bind) === 0) env.problem('SEALPOST_BIND must be an IP address; :: and 0.0.0.0 are all')
  if (!/^postgres(ql)?:/.test(config.databaseUrl?.reveal() ?? 'postgres:'))
    env.problem('DATABASE_URL must be like postgres://USER:PASSWORD@HOST/DATABASE')
  if (!alone) return
  if (config.databaseUrl === undefined)
    env.problem('DATABASE_URL must be set when a service runs in a process of its own')
  if (config.eventBus === 'process')
    env.problem('EVENT_BUS must be postgres or nats://HOST:PORT when a service runs in a process of its own')
}

function readEventBus(env: EnvReader, fallback: 'process' | 'postgres'): PlatformConfig['eventBus'] {
  const text = env.str('EVENT_BUS', fallback)
  if (text === 'process' || text === 'postgres') return text
  const url = URL.parse(text)
  if (url !== null && /^(?:nats|tls):$/.test(url.protocol) && url.hostname !== '' && url.password === '')
    return url
  env.problem('EVENT_BUS must be process, postgres or nats://HOST:PORT')
  return fallback
}

function isHost(domain: string): boolean {
  return isIP(domain) !== 0 || domainToASCII(domain) !== ''
}

const HTTPS_PORT_DEFAULT = 443

/** Origin of the links that are handed out, `https://HOST:PORT`: the first of SEALPOST_DOMAIN, and HTTPS_PORT. */
export function readPublicOrigin(env: EnvReader): string {
  const [host = 'localhost'] = env.list('SEALPOST_DOMAIN', ['localhost'])
  return originOf(host, env.port('HTTPS_PORT', 8443))
}

/** `https://HOST`, with the port unless it is the one that goes without saying. */
export function originOf(host: string, port: number): string {
  return port === HTTPS_PORT_DEFAULT ? `https://${host}` : `https://${host}:${String(port)}`
}

/** Origin of another service's HTTP listener when that runs in another process; undefined: it does not, or nobody said where. */
export function readServiceUrl(name: string, env: EnvReader): URL | undefined {
  const text = env.optional(name)
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '') return url
  env.problem(`${name} must be like http://HOST:PORT`)
  return undefined
}

/** Characters. */
export const SUPPORT_URL_MAX = 500

/** A link on pages: to a site, or to a mail address. Undefined: anything else. */
export function parseSupportUrl(text: string): string | undefined {
  const url = URL.parse(text)
  const isLink = url !== null && ['https:', 'mailto:'].includes(url.protocol) && url.password === ''
  return isLink && url.href.length <= SUPPORT_URL_MAX ? url.href : undefined
}

/** SUPPORT_URL, where users get help: a site, or a mail address; undefined: nowhere that the server knows of. */
export function readSupportUrl(env: EnvReader): string | undefined {
  const text = env.optional('SUPPORT_URL')
  const url = text === undefined ? undefined : parseSupportUrl(text)
  if (text === undefined || url !== undefined) return url
  env.problem('SUPPORT_URL must be an https: or mailto: URL')
  return undefined
}

/** What main functions of services read besides: the port of their HTTP routes and signs of health. */
export function readMainConfig<C>(env: EnvReader, readService: (env: EnvReader) => C) {
  return {
    platform: readPlatformConfig(env, { alone: true }),
    httpPort: env.port('HTTP_PORT', 8080),
    service: readService(env),
  }
}

/** defineConfig over the environment of this process. */
export function fromProcessEnv<C>(read: (env: EnvReader) => C): Readonly<C> {
  return defineConfig(process.env, read)
}

/** The variable from whose value or fallback `read` takes this port. */
export function portVariable(read: (env: EnvReader) => unknown, port: number): string | undefined {
  return findPort(process.env, read, port)
}

/** Whether the operator brings the Postgres. */
export function isDatabaseGiven(): boolean {
  return fromProcessEnv((env) => env.optionalSecret('DATABASE_URL')) !== undefined
}
