/**
 * Appends, shreds and collects, tells on stdout what is safe, and kills itself at a step of its way.
 * Arguments: database URL, keyring directory, step, and at which occurrence of it.
 */
import { writeSync } from 'node:fs'
import { openDb } from '@sealpost/db'
import type { Db } from '@sealpost/db'
import { diskVolume, openKeyringOn } from '@sealpost/keyring'
import type { Volume } from '@sealpost/keyring'
import { openSealedStore } from './sealed-store.ts'
import type { SealedEntry } from './sealed-store.ts'
import { storeOptions } from './_store-options.ts'

export const STEPS = [
  'before slot write',
  'before sync',
  'after sync',
  'before insert',
  'insert sent',
  'after insert',
  'shredded in memory',
  'before delete',
  'delete sent',
  'after delete',
] as const
export type CrashStep = (typeof STEPS)[number]

/** The queues that parent and children share. */
export const QUEUES = ['1', '2', '3'].map((digit) => ({
  account: '00000000-0000-4000-8000-000000000000',
  device: digit.repeat(8) + '-0000-4000-8000-000000000000',
}))

if (process.argv[1] === import.meta.filename) await run(process.argv.slice(2))

async function run([
  url = '',
  directory = '',
  step = '',
  occurrence = '1',
  prefix = '',
]: string[]): Promise<void> {
  let left = Number(occurrence)
  const reach = (reached: CrashStep): void => {
    if (reached === step && (left -= 1) <= 0) process.kill(process.pid, 'SIGKILL')
  }
  const db = crashingDb(await openDb({ url, role: 'sealpost_xmpp' }), reach)
  await using store = await openSealedStore({
    ...storeOptions(db, directory),
    leaseWaitMs: 20_000,
    openKeyring: async (options) =>
      openKeyringOn(crashingVolume(await diskVolume(directory), reach), options),
  })
  const tell = (what: string, ids: readonly string[]): void => {
    if (ids.length > 0) writeSync(1, ids.map((id) => `${what} ${id}\n`).join(''))
  }
  for (let round = 0; ; round++) {
    const entries: SealedEntry[] = []
    for (let index = 0; index < 6; index++) {
      const queue = index % QUEUES.length
      const text = `${prefix}-${String(round)}-${String(index)}`
      const entry = store.append(
        QUEUES[queue] ?? { account: '', device: '' },
        Buffer.from(text),
        4e9,
        'message',
      )
      writeSync(1, `sent ${entry.id} ${String(queue)} ${text}\n`)
      entries.push(entry)
    }
    await Promise.all(entries.map(({ stored }) => stored))
    tell(
      'stored',
      entries.map(({ id }) => id),
    )
    const some = entries.filter((_, index) => (index + round) % 3 === 0).map(({ id }) => id)
    tell('shredding', some)
    store.shred(some)
    reach('shredded in memory')
    await store.shredded()
    tell('shredded', some)
    await store.garbage()
  }
}

function crashingVolume(volume: Volume, reach: (step: CrashStep) => void): Volume {
  return {
    ...volume,
    open: async () => {
      const file = await volume.open()
      return file === undefined ? undefined : crashingFile(file, reach)
    },
    create: async (content) => crashingFile(await volume.create(content), reach),
  }
}

function crashingFile<F extends Awaited<ReturnType<Volume['create']>>>(
  file: F,
  reach: (step: CrashStep) => void,
): F {
  return {
    ...file,
    write: (position: number, bytes: Uint8Array) => {
      if (position > 0) reach('before slot write')
      file.write(position, bytes)
    },
    sync: async () => {
      reach('before sync')
      const at = await file.sync()
      reach('after sync')
      return at
    },
  }
}

function crashingDb(db: Db, reach: (step: CrashStep) => void): Db {
  const watched = async <T>(what: 'insert' | 'delete', call: () => Promise<T>): Promise<T> => {
    reach(`before ${what}`)
    const result = call()
    setImmediate(() => reach(`${what} sent`))
    await result
    reach(`after ${what}`)
    return result
  }
  return {
    ...db,
    query: (statement, options) =>
      options?.name === 'sealed_insert'
        ? watched('insert', () => db.query(statement, options))
        : db.query(statement, options),
    execute: (statement, options) =>
      options?.name === 'sealed_delete'
        ? watched('delete', () => db.execute(statement, options))
        : db.execute(statement, options),
  }
}
