/** `ctl backup run|verify|restore`: backups of Postgres, the embedded one or another (DATABASE_URL). What they need is loaded when one of them is asked for. */
import { readFile, realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { LocalArguments, LocalVerb } from '@sealpost/api-service/ctl'
import { OperationalError } from '@sealpost/errors'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { fromProcessEnv } from '@sealpost/service'

const IDENTITY = { value: 'FILE', help: 'opens backups: a file as age-keygen makes it' }
const FROM = { value: 'DIR', help: 'where the backups are; otherwise BACKUP_DIR' }

export const backupVerbs: readonly LocalVerb[] = [
  {
    noun: 'backup',
    verb: 'run',
    summary: 'Takes a base backup of the running server, and removes what is older than BACKUP_RETENTION',
    run,
  },
  {
    noun: 'backup',
    verb: 'verify',
    options: { identity: IDENTITY, from: FROM },
    summary:
      'Says of each backup whether it is whole; with --identity restores the newest as a drill, to its end and to a random moment',
    run: verify,
  },
  {
    noun: 'backup',
    verb: 'restore',
    options: {
      identity: IDENTITY,
      from: FROM,
      at: { value: 'TIME', help: 'a moment as 2026-11-26T12:00:00Z; otherwise as late as it goes' },
    },
    summary:
      'Restores into the data directory, which has no database yet; then "ctl keyring adopt" or "reset", and start',
    run: restoreInto,
  },
]

async function tools() {
  const [environment, backup] = await Promise.all([import('@sealpost/dev-env'), import('@sealpost/backup')])
  return { ...environment, ...backup, config: fromProcessEnv(environment.readBackupConfig) }
}

async function run(dataDir: string, { progress }: LocalArguments): Promise<string> {
  const { config, openArchive, runBackup } = await tools()
  const opened = await openArchive(config)
  if (opened === undefined) throw missing('BACKUP_DIR and BACKUP_RECIPIENTS are not set')
  const { archive } = opened
  const { base, removed } = await runBackup({ archive, ...(await running(dataDir, progress)) })
  const size = `${String(base.manifest.files)} files, ${megabytes(base.manifest.encryptedBytes)} encrypted`
  return `Base backup ${base.name}: ${size}. Removed: ${String(removed.bases)} old backups, ${String(removed.segments)} files of the log`
}

async function verify(dataDir: string, { options, progress }: LocalArguments): Promise<string> {
  const { verifyArchive, verifyBackup } = await tools()
  const archive = await archiveOf(options)
  const checked = await verifyArchive(archive)
  const lines = checked.map(({ name, finding }) => `${name} ${finding ?? 'whole'}`)
  if (checked.length === 0) throw missing('There is no base backup')
  if (checked.some(({ finding }) => finding !== undefined)) throw missing(lines.join('\n'))
  const identity = await identityOf(options)
  if (identity === undefined) return lines.join('\n')
  const done = await verifyBackup({ archive, ...(await running(dataDir, progress)) }, identity)
  const moment = done.moment === undefined ? 'nothing happened since' : `also to ${done.moment.toISOString()}`
  const { tables, rows, lastCommitAt } = done.latest
  return [
    ...lines,
    `Restored ${done.base} in ${done.seconds.toFixed(1)} s up to ${lastCommitAt?.toISOString() ?? 'its end'}, ${moment}: ${String(tables)} tables, ${String(rows)} rows`,
    triedLine(done.tried),
  ].join('\n')
}

function triedLine(tried: { delivered: number; waiting: number } | undefined): string {
  if (tried === undefined)
    return 'The keyring is not here: whether delivered messages can be read was not tried'
  return `Of ${String(tried.delivered)} messages delivered since none can be read, of those that wait ${String(tried.waiting)}`
}

/** The server that runs over the data directory: what is done is in its audit log. */
async function running(dataDir: string, onProgress: LocalArguments['progress']) {
  const { config, embeddedDatabaseUrl, locate } = await tools()
  const directory = locate(await realpath(dataDir))
  return {
    config,
    databaseUrl: config.databaseUrl?.reveal() ?? (await embeddedDatabaseUrl(directory)),
    dataDir: directory.path,
    actor: { kind: 'owner' },
    clock: systemClock,
    random: systemRandom,
    onProgress,
  } as const
}

async function restoreInto(dataDir: string, { options, progress }: LocalArguments): Promise<string> {
  const { checkCluster, config, restore } = await tools()
  const identity = await identityOf(options)
  if (identity === undefined) throw missing('A restore needs --identity')
  let rows = 0
  const base = await restore({
    archive: await archiveOf(options),
    identity,
    dataDir: resolve(dataDir),
    at: momentOf(options.get('at')),
    programs: config.programs,
    onProgress: progress,
    check: async (url) => void ({ rows } = await checkCluster(url)),
  })
  return `Restored ${base.name}, ${String(rows)} rows. The keyring is not in a backup: "ctl keyring adopt" if it is there as it was, else "ctl keyring reset"; then start`
}

async function archiveOf(options: LocalArguments['options']) {
  const { config, Archive } = await tools()
  const directory = options.get('from') ?? config.directory
  if (directory === undefined) throw missing('Say --from, or set BACKUP_DIR')
  const real = await realpath(directory).catch(() => undefined)
  if (real === undefined) throw missing('There is no such directory of backups')
  return new Archive(real)
}

async function identityOf(options: LocalArguments['options']): Promise<string | undefined> {
  const file = options.get('identity')
  if (file === undefined) return undefined
  return await readFile(file, 'utf8').catch(() => {
    throw missing('--identity names a file that cannot be read')
  })
}

function momentOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const at = new Date(text)
  if (!/^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(text) || Number.isNaN(at.getTime()))
    throw missing('--at must be like 2026-11-26T12:00:00Z')
  return at
}

function missing(message: string): OperationalError {
  return new OperationalError('BACKUP_REFUSED', message)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
