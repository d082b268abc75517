/**
 * `npm run bench -- restore`: what an accident costs that takes the machine, and leaves the backups. A server with --accounts N (10,000) makes a base backup; then accounts are
 * made through the API, one after another, each acknowledged, for --seconds N (120, more than twice the time in which a segment is closed), until server and
 * Postgres are killed with -9 in the same instant. From the directory of backups alone the database is restored as late as it goes, with a new keyring, and started.
 * Printed: RPO, the seconds before the kill from which on acknowledged changes are lost (asked to be 60 at most), and RTO, from the order to restore to the first sign-in over TLS.
 * Repeated --rounds N (3) times, since it matters when in a segment's life the machine goes. It may run beside others; then RTO is longer than it need be.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeIdentity } from '@sealpost/backup'
import { Sealpost } from '../test/interop/sealpost.ts'
import { TestClient } from '../services/xmpp/test/client.ts'
import { readSettings } from './rounds.ts'

const RPO_SECONDS_MAX = 60
const PASSWORD = 'pass-word'
const FIRST = 'first'
const CHANGED = 'change'

interface Round {
  readonly rpo: number
  readonly rto: number
  readonly restored: number
  readonly changes: number
  readonly lost: number
}

export async function restore(args: readonly string[]): Promise<void> {
  const { numbers } = readSettings(args, { accounts: 10_000, seconds: 120, rounds: 3 })
  const rounds: Round[] = []
  for (let round = 0; round < numbers.rounds; round++) {
    const done = await accident(numbers.accounts, numbers.seconds)
    rounds.push(done)
    console.log(
      `RPO ${done.rpo.toFixed(1)} s (${String(done.lost)} of ${String(done.changes)} acknowledged changes lost)   RTO ${done.rto.toFixed(1)} s, of which the restore ${done.restored.toFixed(1)} s`,
    )
  }
  const worst = Math.max(...rounds.map(({ rpo }) => rpo))
  const slowest = Math.max(...rounds.map(({ rto }) => rto))
  console.log(
    `worst of ${String(rounds.length)}: RPO ${worst.toFixed(1)} s, ${worst <= RPO_SECONDS_MAX ? 'met' : 'MISSED'} (${String(RPO_SECONDS_MAX)} s); RTO ${slowest.toFixed(1)} s for ${String(numbers.accounts)} accounts`,
  )
  if (worst > RPO_SECONDS_MAX) process.exitCode = 1
}

async function accident(accounts: number, seconds: number): Promise<Round> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-accident-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await chmod(directory, 0o711)
  const { identity, recipient } = makeIdentity()
  const key = join(directory, 'key.txt')
  await writeFile(key, identity, { mode: 0o600 })
  const environment = { BACKUP_DIR: join(directory, 'backups'), BACKUP_RECIPIENTS: recipient }
  const sealpost = stack.use(await Sealpost.start({ environment }))
  await sealpost.importAccounts([{ username: FIRST, password: PASSWORD }])
  await fill(sealpost, accounts)
  await untilBackedUp(sealpost)
  const acknowledged = await changeFor(sealpost, seconds)
  await sealpost.kill({ database: true })
  const killedAt = performance.now()

  const began = performance.now()
  const place = join(directory, 'new')
  await mkdir(join(place, 'data'), { recursive: true })
  const run = async (...args: readonly string[]): Promise<void> => {
    const { code, output } = await sealpost.ctl([...args, '--data-dir', join(place, 'data')])
    if (code !== 0) throw new Error(output)
  }
  await run('backup', 'restore', '--identity', key)
  const restored = (performance.now() - began) / 1000
  await run('keyring', 'reset')
  const again = stack.use(await Sealpost.start({ directory: place }))
  const client = await TestClient.signIn({ port: again.port, username: FIRST, password: PASSWORD })
  const rto = (performance.now() - began) / 1000
  await client.close()

  const [row] = await again.query<{ count: string }>(
    `select count(*) as count from account.account where localpart like '${CHANGED}%'`,
  )
  const kept = Number(row?.count)
  const firstLost = acknowledged[kept]
  const rpo = firstLost === undefined ? 0 : (killedAt - firstLost) / 1000
  return { rpo, rto, restored, changes: acknowledged.length, lost: acknowledged.length - kept }
}

/** In the database, since making verifiers is another benchmark. */
async function fill(sealpost: Sealpost, count: number): Promise<void> {
  await sealpost.query(
    `insert into account.account (id, domain, localpart, state, created_on)
     select gen_random_uuid(), 'localhost', 'name' || n, 'active', '2026-01-01' from generate_series(1, ${String(count)}) n`,
  )
}

/** The server makes a base backup of its own at its start: this one is of what is there now. */
async function untilBackedUp(sealpost: Sealpost): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const { code, output } = await sealpost.ctl(['backup', 'run'])
    if (code === 0) return
    if (!output.includes('under way')) throw new Error(output)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  throw new Error('the first backup does not end')
}

/** New accounts through the API, one after another; when each was acknowledged. */
async function changeFor(sealpost: Sealpost, seconds: number): Promise<number[]> {
  const { output } = await sealpost.ctl(['apikey', 'create', '--scope', 'accounts:write', '--json'])
  const { token } = JSON.parse(output) as { token: string }
  const acknowledged: number[] = []
  const until = performance.now() + seconds * 1000
  while (performance.now() < until) {
    const number = acknowledged.length
    const response = await fetch(`http://127.0.0.1:${String(sealpost.httpPort)}/v1/accounts`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        // Each from another address: what one client may do in a minute is not measured.
        'x-forwarded-for': `10.${String((number >> 16) & 255)}.${String((number >> 8) & 255)}.${String(number & 255)}`,
        'x-forwarded-proto': 'https',
      },
      body: JSON.stringify({ jid: `${CHANGED}${String(number)}@localhost` }),
    })
    if (response.status !== 201) throw new Error(`a change was answered with ${String(response.status)}`)
    await response.body?.cancel()
    acknowledged.push(performance.now())
  }
  return acknowledged
}
