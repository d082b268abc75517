/**
 * The proof that a backup is one: the newest is restored as late as it goes and once more to a random moment, read to the last row, the canary signs in, and what was
 * delivered cannot be read with the keyring of today. Thrown away after.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createAccounts, type Accounts } from '@sealpost/accounts'
import { createProcessBus } from '@sealpost/bus'
import { type Archive, BackupError, type OnProgress, verifyArchive } from '@sealpost/backup'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import type { Clock, Random } from '@sealpost/runtime'
import { SaslError, scramClient, scramServer } from '@sealpost/sasl'
import { checkCluster, type CheckedCluster, checkIndexes } from './check.ts'
import type { Canary } from './config.ts'
import { clear, recoverCluster } from './recover.ts'
import { tryDelivered, type Tried } from './try-delivered.ts'

export interface DrillOptions {
  readonly archive: Archive
  /** As age-keygen writes it. */
  readonly identity: string
  readonly dataDir: string
  /** Undefined: nobody's password is tried. */
  readonly canary: Canary | undefined
  /** See BackupConfig. */
  readonly programs: string | undefined
  readonly keyringFile: string
  /** Of the live database. */
  readonly databaseUrl: string
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
  /** Over both restores; undefined where the keyring is out of reach. */
  readonly tried: Tried | undefined
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
      `The base backup ${wrong.name} is not whole: ${wrong.finding ?? ''}`,
    )
  const began = clock.monotonic()
  const { base, cluster: latest, tried } = await restoreOnce(options, undefined)
  const seconds = (clock.monotonic() - began) / 1000
  const moment = momentBetween(new Date(base.manifest.endedAt), latest.lastCommitAt, random)
  const then = moment === undefined ? undefined : await restoreOnce(options, moment)
  return { base: base.name, latest, moment, tried: sum(tried, then?.tried), seconds }
}

async function restoreOnce(options: DrillOptions, at: Date | undefined) {
  const directory = join(options.dataDir, 'drill')
  await clear(directory)
  try {
    await using recovered = await recoverCluster({ ...options, directory, at })
    const cluster = await checkCluster(recovered.url)
    await checkIndexes(recovered.url)
    if (options.canary !== undefined) await signIn(recovered.url, options.canary, options)
    const tried = await tryDelivered({ ...options, restoredUrl: recovered.url })
    return { base: recovered.base, cluster, tried }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function sum(one: Tried | undefined, other: Tried | undefined): Tried | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return { delivered: one.delivered + other.delivered, waiting: one.waiting + other.waiting }
}

/** The last millisecond is left out: whether its transaction is in it, nobody can say. */
function momentBetween(from: Date, to: Date | undefined, random: Random): Date | undefined {
  const span = to === undefined ? 0 : to.getTime() - from.getTime() - 1
  return span > 1 ? new Date(from.getTime() + (random.bytes(6).readUIntBE(0, 6) % span)) : undefined
}

/** As clients do (RFC 7677), both sides of it. Throws BACKUP_CANARY. */
async function signIn(
  url: string,
  { jid, password }: Canary,
  { clock, random }: DrillOptions,
): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const db = stack.use(await openDb({ url, role: 'sealpost_account' }))
  const accounts: Accounts = stack.use(createAccounts({ db, bus: createProcessBus(), clock, random }))
  const { account, verifier } = await accounts.verifierOrDecoy(parseJid(jid), 'SHA-256')
  const common = { hash: 'SHA-256', plus: false, random: (count: number) => random.bytes(count) } as const
  const client = scramClient({ ...common, username: jid, password: password.reveal() })
  const server = scramServer({
    ...common,
    serverSupportsPlus: false,
    channelBinding: () => undefined,
    lookup: () => Promise.resolve(verifier),
  })
  try {
    const challenge = await server.first(Buffer.from(client.first()))
    client.verify(server.final(Buffer.from(await client.final(challenge))))
    if (account?.state === 'active') return
  } catch (error) {
    if (!(error instanceof SaslError)) throw error
  }
  throw new BackupError('BACKUP_CANARY', 'The canary cannot sign in to the restored database')
}
