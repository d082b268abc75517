/** The only reader of the environment in this service (README has the table). */
import { join } from 'node:path'
import type { EnvReader } from '@sealpost/config'
import { readSelfAuditDirs } from '@sealpost/forensics'
import { isBare, type Jid, JidError, parseJid, tryParseJid } from '@sealpost/jid'
import { readPublicOrigin, readServiceUrl, readSupportUrl } from '@sealpost/service'
import { readTurnConfig } from '@sealpost/turn'
import type { BackupPolicy } from './modules/server-info.ts'

const MIB = 1024 * 1024
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const WEEK_MS = 7 * DAY_MS

/** Reads this service's variables; `dataDir` is where the keyring lives unless KEYRING_DIR says otherwise. */
export function readConfig(env: EnvReader) {
  const origin = readPublicOrigin(env)
  const dataDir = env.str('SEALPOST_DATA_DIR', './data')
  const groupsLabel = readLabel(env, 'XMPP_GROUPS', 'groups')
  return {
    port: env.port('XMPP_PORT', 5222),
    tlsPort: env.port('XMPP_TLS_PORT', 5223),
    components: {
      domains: readComponents(env, groupsLabel),
      port: env.port('XMPP_COMPONENT_PORT', 5347),
      networks: env.networks('XMPP_COMPONENT_NETWORKS', LOOPBACK),
      /** A file for each, named after its domain. */
      secretsDir: join(dataDir, 'components'),
    },
    unlimitedNetworks: env.networks('XMPP_UNLIMITED_NETWORKS', LOOPBACK),
    e2eePolicy: env.oneOf('E2EE_POLICY', ['required', 'optional', 'off'], 'required'),
    storageMode: env.oneOf('STORAGE_MODE', ['sealed', 'none'], 'sealed'),
    messageTtlMs: env.durationMs('MESSAGE_TTL', '14d', { min: 1_000 }),
    /** Origin of the API's HTTP listener when it runs in another process. */
    apiUrl: readServiceUrl('API_URL', env),
    resumeTimeoutMs: env.durationMs('SM_RESUME_TIMEOUT', '10m'),
    uploads: {
      fileBytes: env.int('UPLOAD_FILE_MIB', 100, { min: 1, max: 10_240 }) * MIB,
      spaceBytes: env.int('UPLOAD_SPACE_MIB', 1_024, { min: 1, max: 1_048_576 }) * MIB,
      slotsPerHour: env.int('UPLOADS_PER_HOUR', 200, { min: 1, max: 100_000 }),
      keepSeconds: env.durationMs('UPLOAD_TTL', '14d', { min: 60_000, max: 90 * DAY_MS }) / 1_000,
    },
    uploadsDir: join(dataDir, 'uploads'),
    selfAuditDirs: readSelfAuditDirs(env, dataDir),
    groupsLabel,
    administrators: readAdministrators(env),
    plain: env.oneOf('XMPP_PLAIN', ['off', 'app-passwords'], 'off'),
    registration: env.oneOf('REGISTRATION', ['off', 'invite', 'accounts'], 'off'),
    turn: readTurnConfig(env),
    contacts: { publicOrigin: () => origin, supportUrl: readSupportUrl(env) },
    backups: readBackupPolicy(env),
    keyringDir: join(env.str('KEYRING_DIR', join(dataDir, 'keyring')), 'xmpp'),
  } as const
}

/** What clients are told of backups: of the embedded Postgres what is configured, of another one nothing is known. */
function readBackupPolicy(env: EnvReader): BackupPolicy {
  if (env.optionalSecret('DATABASE_URL') !== undefined) return { everyHours: undefined, keptHours: undefined }
  if (env.optional('BACKUP_DIR') === undefined) return { everyHours: 0, keptHours: 0 }
  const keptMs = env.durationMs('BACKUP_RETENTION', '15d', { min: DAY_MS })
  // What is copied elsewhere, once a week, may be as old as it gets here, and is kept as long again.
  const elsewhereMs = env.optional('BACKUP_RESTIC_REPOSITORY') === undefined ? 0 : keptMs + WEEK_MS
  // What is too old goes when the next one is made.
  return { everyHours: 24, keptHours: Math.ceil((keptMs + DAY_MS + elsewhereMs) / HOUR_MS) }
}

/** First label of a domain that the relay serves beside those of accounts; undefined when it is `off`. */
function readLabel(env: EnvReader, name: string, fallback: string): string | undefined {
  const label = env.str(name, fallback)
  if (label === 'off') return undefined
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
    env.problem(`${name} must be one label of a domain in lower case, or off`)
  return label
}

const LOOPBACK = ['127.0.0.0/8', '::1/128']

/** XMPP_COMPONENTS: domains of external components (XEP-0114), in canonical form. */
function readComponents(env: EnvReader, groupsLabel: string | undefined): string[] {
  const accounts = env.list('SEALPOST_DOMAIN', ['localhost']).map(domainOf)
  const groups = groupsLabel === undefined ? [] : accounts.map((domain) => `${groupsLabel}.${domain}`)
  const served = [...accounts, ...groups]
  const domains = env.list('XMPP_COMPONENTS', []).map(domainOf)
  const isFit = (domain: string, index: number) =>
    domain !== '' && !served.includes(domain) && domains.indexOf(domain) === index
  if (!domains.every(isFit))
    env.problem('XMPP_COMPONENTS must list domain names, each once, none of them served already')
  return domains
}

/** XMPP_ADMINISTRATORS: bare addresses of accounts, in canonical form. */
function readAdministrators(env: EnvReader): readonly string[] {
  const jids = env.list('XMPP_ADMINISTRATORS', []).map((text) => tryParseJid(text))
  const isFit = (jid: Jid | undefined): jid is Jid => jid !== undefined && jid.local !== '' && isBare(jid)
  if (!jids.every(isFit)) env.problem('XMPP_ADMINISTRATORS must list addresses of the form user@domain')
  return jids.filter(isFit).map(String)
}

function domainOf(text: string): string {
  try {
    const { local, domain, resource } = parseJid(text)
    return local === '' && resource === '' ? domain : ''
  } catch (error) {
    if (error instanceof JidError) return ''
    throw error
  }
}

export type XmppConfig = ReturnType<typeof readConfig>
