/** `npm run migrate`: brings the database named by DATABASE_URL up to date, after a backup of it where backups are made. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { EnvReader, Secret } from '@sealpost/config'
import { ConfigError, OperationalError } from '@sealpost/errors'
import { createLog } from '@sealpost/log'
import { createClock, systemRandom } from '@sealpost/runtime'
import { explainStart, fromProcessEnv, giveLogins, migrateAll, pendingMigrations } from '@sealpost/service'

const HELP = `Usage: npm run migrate [-- --dry-run | --logins DIR]

Brings all schemas of the database up to date: makes the roles and schemas that are missing and runs the
migrations that have not run. Running it twice, or from several hosts at once, does no harm. Where BACKUP_DIR and
BACKUP_RECIPIENTS are set, a database that it is about to change is backed up before (docs/backups.md); while a
drill, a copy elsewhere or another backup is under way it waits, ten minutes at most.

  --dry-run  name the migrations that have not run, one a line, and change nothing
  --logins   then make a login for each service, for Dovecot and for backups, with the password in DIR/xmpp, keys, smtp, api,
             dovecot, backup
  --help     this text

The database is named by DATABASE_URL, or by a file named by DATABASE_URL_FILE. Its user must be able to
create roles and schemas. On the embedded database, npm start migrates by itself.
`

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  const options = {
    help: { type: 'boolean' },
    logins: { type: 'string' },
    'dry-run': { type: 'boolean' },
  } as const
  let given: { help?: boolean; logins?: string; 'dry-run'?: boolean }
  try {
    given = parseArgs({ args, options }).values
  } catch {
    process.stderr.write(HELP)
    return 2
  }
  if (given.help !== true) return run(given.logins, given['dry-run'] === true)
  process.stdout.write(HELP)
  return 0
}

/** By the login of backups, where there are logins: in compose nobody else may copy the cluster. */
async function backUp(url: Readonly<Secret>, logins: string | undefined): Promise<void> {
  if (fromProcessEnv((env) => env.list('BACKUP_RECIPIENTS', [])).length === 0) return
  const { backUpBeforeUpgrade, isUpgrade, readBackupConfig } = await import('@sealpost/dev-env') // is everything, and takes its time
  const read = (env: EnvReader) => ({
    config: readBackupConfig(env),
    dataDir: env.str('SEALPOST_DATA_DIR', './data'),
  })
  if (!(await explainStart(read, () => isUpgrade(url.reveal())))) return
  const databaseUrl = new URL(url.reveal())
  if (logins !== undefined) {
    await giveLogins(url.reveal(), logins, ['backup']) // of a version that had none yet
    databaseUrl.username = 'sealpost_backup'
    databaseUrl.password = (await readFile(join(logins, 'backup'), 'utf8')).trim()
  }
  const options = {
    ...fromProcessEnv(read),
    databaseUrl: databaseUrl.href,
    clock: createClock({ onError: () => undefined }),
    random: systemRandom,
    log: createLog({ level: 'info' }),
  }
  await explainStart(read, () => backUpBeforeUpgrade(options))
  process.stdout.write('Backed up what is about to be changed\n')
}

async function run(logins: string | undefined, dry: boolean): Promise<number> {
  try {
    const read = (env: EnvReader) => env.secret('DATABASE_URL')
    const url = fromProcessEnv(read)
    if (dry) {
      const { names } = await explainStart(read, () => pendingMigrations(url.reveal()))
      process.stdout.write(names.length === 0 ? 'Nothing to migrate\n' : `${names.join('\n')}\n`)
      return 0
    }
    await backUp(url, logins)
    const owners = await explainStart(read, () => migrateAll(url.reveal()))
    if (logins !== undefined) await giveLogins(url.reveal(), logins)
    process.stdout.write(`Up to date: ${owners.join(', ')}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error
    const problems = error instanceof ConfigError ? error.problems : [`${error.message} (${error.code})`]
    for (const problem of problems) process.stderr.write(`${problem}\n`)
    return error instanceof ConfigError ? 2 : 1
  }
}
