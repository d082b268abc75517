/**
 * What is claimed in docs/privacy.md, tried: who has every byte that Postgres, its archive, its backups, the spool and the uploads ever held, all logs, and the keyrings as they are now,
 * reads what waits and nothing of what was delivered. MESSAGES says how many are sent; with keyrings that keep everything the same attacker reads nearly all.
 */
import { cp, mkdir, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { attack } from '@sealpost/forensics'
import { expect, test } from 'vitest'
import { filesWith } from '../canaries.ts'
import { temporaryDirectory } from '../faults/scene.ts'
import { namedInLog } from '../named-in-log.ts'
import { ArchivedPostgres } from './archived-postgres.ts'
import { Chat } from './chat.ts'
import { Files } from './files.ts'
import { Ledger } from './ledger.ts'
import { Letters } from './letters.ts'
import { Sessions } from './sessions.ts'

const MESSAGES = Number(process.env['MESSAGES'] ?? 300)
/** Mails, in proportion. */
const MAILS = Math.min(160, Math.ceil(MESSAGES / 12))
const FILES = Math.min(100, Math.ceil(MESSAGES / 20))
const PATIENCE_MS = 180_000 + MESSAGES * 300
/** Whether Postgres collects its garbage: a run each, when it is a large one. */
const VACUUMS = MESSAGES < 1_000 ? [true] : [false, true]
/** Of the delivered, without shredding: slots that were used again are lost to the attacker as well. */
const CONTROL_MIN = 0.95
const KEEPING_DISK = join(import.meta.dirname, 'keeping-disk.ts')

interface Result {
  readonly delivered: string
  readonly undelivered: string
  readonly recoveredDelivered: number
  readonly share: number
  readonly waiting: number
  readonly recoveredWaiting: number
  /** Of sessions that were resumed. */
  readonly recoveredSessions: number
  /** Files in which a text stands as it is. */
  readonly readable: readonly string[]
  /** What Postgres and the relays have said, each. */
  readonly logs: readonly string[]
}

async function run(vacuum: boolean): Promise<Result> {
  await using stack = new AsyncDisposableStack()
  const { path } = stack.use(await temporaryDirectory())
  const postgres = stack.use(await ArchivedPostgres.start(path))
  const ledger = new Ledger()
  const logs = join(path, 'logs-of-relays')
  await mkdir(logs)
  const chat = stack.use(
    await Chat.open(postgres.url, ledger, MESSAGES, Sessions.NAMES, join(logs, 'xmpp.log')),
  )
  const letters = stack.use(await Letters.open(postgres.url, ledger, join(logs, 'smtp.log')))
  const files = new Files(chat, ledger)
  const sessions = new Sessions(chat, ledger)
  const copies = join(path, 'copies-of-files')

  await letters.fill(MAILS)
  await files.fill(FILES)
  await chat.fill(MESSAGES)
  await sessions.lose()
  await postgres.backUp()
  for (const each of [letters.spool, files.directory]) await cp(each, copies, { recursive: true })

  await chat.takeSome()
  await letters.deliverSome()
  await files.destroySome()
  await chat.restart()
  await sessions.resumeSome()
  await chat.expire(files.staying + sessions.waiting)
  await postgres.run(vacuum ? 'vacuum' : 'checkpoint')
  await postgres.backUp()
  await Promise.all([chat.stop(), letters.kill()])
  await postgres.stop()

  const directories = [...postgres.directories, letters.spool, files.directory, copies, logs]
  const { plaintexts } = await attack({ directories, keyrings: [chat.keyring, letters.keyring] })
  const inFiles = await Promise.all(directories.map((each) => filesWith(each, [ledger.mark])))
  const [delivered, waiting] = [
    ledger.found(ledger.gone, plaintexts),
    ledger.found(ledger.waiting, plaintexts),
  ]
  return {
    delivered: `${String(delivered)} of ${String(ledger.gone.size)}`,
    undelivered: `${String(waiting)} of ${String(ledger.waiting.size)}`,
    recoveredDelivered: delivered,
    share: delivered / ledger.gone.size,
    waiting: ledger.waiting.size,
    recoveredWaiting: waiting,
    recoveredSessions: ledger.found(sessions.resumed, plaintexts),
    readable: inFiles.flatMap((each) => [...each.values()].flat()),
    logs: (await Promise.all([postgres.logs, logs].map(contents))).flat(),
  }
}

async function contents(directory: string): Promise<string[]> {
  return Promise.all((await readdir(directory)).map((name) => readFile(join(directory, name), 'utf8')))
}

test.each(VACUUMS)(
  'who has all disks reads what waits, and nothing that is gone (vacuum: %s)',
  async (vacuum) => {
    const result = await run(vacuum)
    process.stdout.write(
      `recovered delivered: ${result.delivered}\nrecovered undelivered: ${result.undelivered}\n`,
    )
    expect(result.recoveredDelivered).toBe(0)
    expect(result.recoveredWaiting).toBe(result.waiting)
    expect(result.readable).toEqual([])
    expect(result.logs).toEqual([
      expect.stringContaining('database system is ready'),
      expect.stringContaining('"level":"info"'),
      expect.stringContaining('"level":"info"'),
    ])
    expect(result.logs.flatMap(namedInLog)).toEqual([])
  },
  PATIENCE_MS,
)

test(
  'where keys are not destroyed, the same attacker reads nearly everything',
  async () => {
    const options = process.env['NODE_OPTIONS']
    process.env['NODE_OPTIONS'] = `${options ?? ''} --import ${KEEPING_DISK}`
    const result = await run(false).finally(() => {
      if (options === undefined) delete process.env['NODE_OPTIONS']
      else process.env['NODE_OPTIONS'] = options
    })
    process.stdout.write(`control without shredding: ${result.delivered}\n`)
    expect(result.share).toBeGreaterThanOrEqual(CONTROL_MIN)
    expect(result.recoveredSessions).toBeGreaterThan(0)
    expect(result.recoveredWaiting).toBe(result.waiting)
  },
  PATIENCE_MS,
)
