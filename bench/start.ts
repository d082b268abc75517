/**
 * Benchmark `start`: how long a server with a million waiting messages takes to start, and what memory their keys need. `npm start` as an operator runs it, on all cores, with its
 * own Postgres, on a data directory that was used before.
 *
 * What is made: the copies are put there by the relay's own store, so that rows and keyring are what they would be: OMEMO messages of 901 bytes, 500 for each device. The server is
 * stopped meanwhile. Then it is started and stopped cleanly, round after round, in turns with one that has nothing waiting, for comparison.
 * What is measured: from the start of the process to the line that says it is ready; resident memory of that process (Postgres left out) ten seconds later, when what starting took
 * is given back. The files were written shortly before and are in the kernel's cache, if that has room.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openDb } from '@sealpost/db'
import { locate, startEmbeddedPostgres } from '@sealpost/dev-env'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { storeOptions } from '../services/xmpp/src/delivery/sealed-store/_store-options.ts'
import { openSealedStore } from '../services/xmpp/src/delivery/sealed-store/sealed-store.ts'
import { Sealpost } from '../test/interop/sealpost.ts'
import { readProcessBytes } from './proc.ts'
import { median, readSettings } from './rounds.ts'

const DEFAULTS = { copies: 1_000_000, bytes: 901, rounds: 3 }
const GOAL = { seconds: 10, memoryMiB: 200 }
/** A queue takes a thousand. */
const QUEUE = 500
/** Appended before waiting for them: fewer bytes than the store lets wait. */
const BATCH = 10_000
const DUE_SECONDS = 14 * 86_400
/** Longer than the server waits before it gives back what starting took. */
const SETTLE_MS = 10_000
const MIB = 1024 * 1024

interface Start {
  readonly seconds: number
  readonly bytes: number
}

export async function start(args: readonly string[]): Promise<void> {
  const { copies, bytes, rounds } = readSettings(args, DEFAULTS, ['sealpost']).numbers
  const environment = { LOG_LEVEL: 'error' }
  await using empty = await Sealpost.start({ environment })
  await empty.stop()
  await using full = await Sealpost.start({ environment })
  await full.stop()
  const began = performance.now()
  await fill(full.dataDirectory, copies, bytes)
  console.log(`${copies} copies made in ${((performance.now() - began) / 1000).toFixed(0)} s`)
  const [without, withAll]: [Start[], Start[]] = [[], []]
  for (let round = 1; round <= rounds; round++) {
    without.push(await startOnce(empty, 0))
    withAll.push(await startOnce(full, copies))
    console.log(`round ${round}  empty ${describe(without.at(-1))}  full ${describe(withAll.at(-1))}`)
  }
  report(copies, without, withAll)
}

async function fill(dataDirectory: string, copies: number, bytes: number): Promise<void> {
  const { postgres: directory, run: socketDirectory } = locate(dataDirectory)
  const own = { directory, socketDirectory, clock: systemClock, random: systemRandom }
  await using postgres = await startEmbeddedPostgres(own)
  await using db = await openDb({ url: postgres.url, role: 'sealpost_xmpp' })
  await using store = await openSealedStore(storeOptions(db, join(dataDirectory, 'keyring', 'xmpp')))
  const due = Math.ceil(Date.now() / 1000) + DUE_SECONDS
  let queue = { account: randomUUID(), device: randomUUID() }
  for (let made = 0; made < copies;) {
    const stored: Promise<void>[] = []
    for (const until = Math.min(copies, made + BATCH); made < until; made++) {
      if (made % QUEUE === 0) queue = { account: randomUUID(), device: randomUUID() }
      stored.push(store.append(queue, Buffer.alloc(bytes, made.toString(36)), due, 'message').stored)
    }
    await Promise.all(stored)
  }
}

/** From a stop to a stop. */
async function startOnce(server: Sealpost, copies: number): Promise<Start> {
  await server.restart()
  await pause(SETTLE_MS)
  const waiting = await server.sealedRows()
  const bytes = readProcessBytes(server.pid)
  const { keys } = await server.keyringSlots()
  if (waiting !== copies || keys !== copies)
    throw new Error(`${waiting} rows and ${keys} keys instead of ${copies}`)
  if ((await server.stop()) !== 0) throw new Error('the server did not stop cleanly')
  return { seconds: server.readyMs / 1000, bytes }
}

function describe({ seconds, bytes }: Start = { seconds: 0, bytes: 0 }): string {
  return `${seconds.toFixed(1)} s, ${(bytes / MIB).toFixed(0)} MiB`
}

function report(copies: number, without: readonly Start[], withAll: readonly Start[]): void {
  const middle = (starts: readonly Start[], of: (start: Start) => number): number => median(starts.map(of))
  const seconds = middle(withAll, (each) => each.seconds)
  const [base, bytes] = [middle(without, (each) => each.bytes), middle(withAll, (each) => each.bytes)]
  const memory = (bytes - base) / MIB
  const said = (met: boolean): string => (met ? 'met' : 'MISSED')
  console.log(
    `\nstart with ${copies} copies: ${seconds.toFixed(1)} s (${middle(without, (each) => each.seconds).toFixed(1)} s with none); goal ${GOAL.seconds} s, ${said(seconds < GOAL.seconds)}\n` +
      `memory for them: ${memory.toFixed(0)} MiB (${(bytes / MIB).toFixed(0)} instead of ${(base / MIB).toFixed(0)}); goal ${GOAL.memoryMiB} MiB, ${said(memory < GOAL.memoryMiB)}`,
  )
}
