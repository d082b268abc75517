/**
 * The proof that a backup is one: the newest is restored as late as it goes and once more to a random moment, read to the last row, and the canary's password is
 * right in it. Thrown away after. What was delivered cannot be read in it: its keys are destroyed, and were never in a backup.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createAccounts, type Accounts } from '@sealpost/accounts'
import { createProcessBus } from '@sealpost/bus'
import { type Archive, BackupError, type OnProgress, verifyArchive } from '@sealpost/backup'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import type { Clock, Random } from '@sealpost/runtime'
import { verifyPassword } from '@sealpost/sasl'
import { checkCluster, type CheckedCluster, checkIndexes } from './check.ts'
import type { Canary } from './config.ts'
import { clear, recoverCluster } from './recover.ts'

export interface DrillOptions {
  readonly archive: Archive
  /** As age-keygen writes it. */
  readonly identity: string
  readonly dataDir: string
  /** Undefined: nobody's password is tried. */
  readonly canary: Canary | undefined
  readonly clock: Clock
  readonly random: Random
  readonly onProgress?: OnProgress | undefined
}

export interface DrillResult {
  /** Of the newest base backup. */
  readonly base: string
  readonly latest: CheckedCluster
  /** The random moment; undefined when nothing happened since the base backup. */
  readonly moment: Date | undefined
  /** Of restoring the newest, from nothing to a server that answers and was read. */
  readonly seconds: number
}

/** Throws what is wrong: BackupError, or what Postgres says. */
export async function drill(options: DrillOptions): Promise<DrillResult> {
  const { archive, clock, random } = options
  const checked = await verifyArchive(archive)
  const wrong = checked.find(({ finding }) => finding !== undefined)
  if (wrong !== undefined)
    throw new BackupError(
      'BACKUP_DAMAGED',
      `The base backup ${wrong.base.name} is not whole: ${wrong.finding ?? ''}`,
    )
  const began = clock.monotonic()
  const { base, cluster: latest } = await restoreOnce(options, undefined)
  const seconds = (clock.monotonic() - began) / 1000
  const moment = momentBetween(new Date(base.manifest.endedAt), latest.lastCommitAt, random)
  if (moment !== undefined) await restoreOnce(options, moment)
  return { base: base.name, latest, moment, seconds }
}

async function restoreOnce(options: DrillOptions, at: Date | undefined) {
  const directory = join(options.dataDir, 'drill')
  await clear(directory)
  try {
    await using recovered = await recoverCluster({ ...options, directory, at })
    const cluster = await checkCluster(recovered.url)
    await checkIndexes(recovered.url)
    if (options.canary !== undefined) await signIn(recovered.url, options.canary, options)
    return { base: recovered.base, cluster }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** The last millisecond is left out: whether its transaction is in it, nobody can say. */
function momentBetween(from: Date, to: Date | undefined, random: Random): Date | undefined {
  const span = to === undefined ? 0 : to.getTime() - from.getTime() - 1
  return span > 1 ? new Date(from.getTime() + (random.bytes(6).readUIntBE(0, 6) % span)) : undefined
}

async function signIn(
  url: string,
  { jid, password }: Canary,
  { clock, random }: DrillOptions,
): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const db = stack.use(await openDb({ url, role: 'sealpost_account' }))
  const accounts: Accounts = stack.use(createAccounts({ db, bus: createProcessBus(), clock, random }))
  const { account, verifier } = await accounts.verifierOrDecoy(parseJid(jid), 'SHA-256')
  if (account !== undefined && (await verifyPassword(password.reveal(), verifier))) return
  throw new BackupError('BACKUP_CANARY', 'The canary cannot sign in to the restored database')
}
