/** `npm run migrate`: brings the database named by DATABASE_URL up to date. */
import { parseArgs } from 'node:util'
import type { EnvReader } from '@sealpost/config'
import { ConfigError, OperationalError } from '@sealpost/errors'
import { explainStart, fromProcessEnv, migrateAll } from '@sealpost/service'

const HELP = `Usage: npm run migrate

Brings all schemas of the database up to date: makes the roles and schemas that are missing and runs the
migrations that have not run. Running it twice, or from several hosts at once, does no harm.

  --help   this text

The database is named by DATABASE_URL, or by a file named by DATABASE_URL_FILE. Its user must be able to
create roles and schemas. On the embedded database, npm start migrates by itself.
`

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  try {
    const { values } = parseArgs({ args, options: { help: { type: 'boolean' } } })
    if (values.help === true) {
      process.stdout.write(HELP)
      return 0
    }
  } catch {
    process.stderr.write(HELP)
    return 2
  }
  return run()
}

async function run(): Promise<number> {
  try {
    const read = (env: EnvReader) => env.secret('DATABASE_URL')
    const url = fromProcessEnv(read)
    const owners = await explainStart(read, () => migrateAll(url.reveal()))
    process.stdout.write(`Up to date: ${owners.join(', ')}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error
    const problems = error instanceof ConfigError ? error.problems : [`${error.message} (${error.code})`]
    for (const problem of problems) process.stderr.write(`${problem}\n`)
    return error instanceof ConfigError ? 2 : 1
  }
}
