/**
 * `ctl key import PATH`: certificates from an SKS or Hockeypuck dump, a keyring of GnuPG or a collection of mailvelope/keyserver are sent to the directory of a server here.
 * Nothing is published unless the operator vouches for it. Ended and run again, it goes on where it was.
 */
import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { systemClock } from '@sealpost/runtime'
import { RefusedError } from '../client.ts'
import type { RouteArguments, RouteVerb } from '../run-ctl.ts'
import { Bundles } from './bundles.ts'
import { forgetState, readState, writeState } from './import-state.ts'
import type { ImportState } from './import-state.ts'
import { readItems } from './sources.ts'
import type { Item } from './sources.ts'

/** In the data directory, unless another file is given. */
const STATE_FILE = 'key-import.json'
const FILES_MAX = 100_000
/** Until a server that is busy is asked again. */
const PAUSE_MS = 1_000

export const keyImportVerb: RouteVerb = {
  noun: 'key',
  verb: 'import',
  parameters: ['PATH'],
  options: {
    publish: {
      value: 'DOMAINS',
      help: 'domains, separated by commas, whose addresses you vouch for: they are published at once',
    },
    verified: {
      value: 'publish',
      help: 'publish addresses that mailvelope/keyserver has marked as verified',
    },
    'state-file': {
      value: 'FILE',
      help: `how far it has come; ${STATE_FILE} of the data directory unless given`,
    },
  },
  summary:
    'Import certificates from a file or a directory of files: a dump of SKS or Hockeypuck, a keyring of GnuPG, JSON of mailvelope/keyserver',
  run,
}

async function run({ positional, options, dataDir, post, progress }: RouteArguments) {
  const verified = options.get('verified')
  if (verified !== undefined && verified !== 'publish')
    throw new RefusedError('It is --verified publish, or nothing')
  const path = resolve(positional[0] ?? '')
  const stateFile = options.get('state-file') ?? join(dataDir, STATE_FILE)
  const files = await listFiles(path)
  const before = await readState(stateFile, path)
  const total = files.reduce((sum, { size }) => sum + size, 0)
  const finished = new Set(before?.finished)
  const domains = (options.get('publish') ?? '').split(',').filter(Boolean)
  const pause = (): Promise<void> => new Promise((done) => void systemClock.after(PAUSE_MS, done))
  const bundles = new Bundles({ post, pause, domains, before: before?.counts ?? {} })
  let passed = files.filter(({ file }) => finished.has(file)).reduce((sum, { size }) => sum + size, 0)

  for (const { file, size } of files) {
    if (finished.has(file)) continue
    const known = before?.current?.file === file && before.current.size === size ? before.current.end : 0
    const save = async (end: number): Promise<void> => {
      const state: ImportState = {
        path,
        finished: [...finished],
        current: { file, size, end },
        counts: bundles.counts,
      }
      await writeState(stateFile, state)
      progress({ ...shown(bundles.counts), percent: percentOf(passed + end, total) })
    }
    const end = await importFile(readItems(join(path, file), known), bundles, {
      publishVerified: verified === 'publish',
      save,
      start: known,
    })
    finished.add(file)
    passed += size
    await save(Math.max(end, 0))
  }
  await forgetState(stateFile)
  const { counts } = bundles
  return { result: { files: files.length, ...counts }, text: report(files.length, counts) }
}

interface FileOptions {
  readonly publishVerified: boolean
  readonly save: (end: number) => Promise<void>
  readonly start: number
}

/** Sends what is in a file; tells after each answer how far everything before is done. */
async function importFile(
  items: AsyncIterable<Item>,
  bundles: Bundles,
  { publishVerified, save, start }: FileOptions,
): Promise<number> {
  let end = start
  const onDone = async (place: number): Promise<void> => {
    end = Math.max(end, place)
    await save(end)
  }
  for await (const item of items) {
    if ('problem' in item) {
      bundles.refuse(item.problem)
      continue
    }
    if (item.thinned === true) bundles.refuse('thinned')
    await bundles.add({ ...item, verified: publishVerified ? item.verified : [] }, onDone)
  }
  await bundles.flush(onDone)
  return end
}

/** Of a directory every file in it, by name; of a file itself, under an empty name. */
async function listFiles(path: string): Promise<{ readonly file: string; readonly size: number }[]> {
  try {
    const itself = await stat(path)
    if (!itself.isDirectory()) return [{ file: '', size: itself.size }]
    const entries = await readdir(path, { withFileTypes: true })
    const names = entries.filter((each) => each.isFile()).map(({ name }) => name)
    if (names.length > FILES_MAX) throw new RefusedError('There are too many files in this directory')
    const files = names.sort().map(async (file) => ({ file, size: (await stat(join(path, file))).size }))
    return await Promise.all(files)
  } catch (error) {
    if (error instanceof RefusedError) throw error
    throw new RefusedError(
      `The files to import cannot be read: ${(error as NodeJS.ErrnoException).code ?? ''}`,
    )
  }
}

function percentOf(done: number, total: number): number {
  return total === 0 ? 100 : Math.floor((100 * done) / total)
}

type Counts = Readonly<Record<string, number>>

function shown({ inserted = 0, updated = 0, unchanged = 0, published = 0 }: Counts): Record<string, number> {
  return { inserted, updated, unchanged, published }
}

/** What each number means, in the order in which it is told. */
const WORDS: readonly (readonly [string, string])[] = [
  ['inserted', 'certificates are new'],
  ['updated', 'were here and have something new'],
  ['unchanged', 'were here as they are'],
  ['ignored', 'were not taken: their owner had them removed'],
  ['published', 'addresses were published'],
  ['rejected', 'were not taken: nothing in them is signed by their own key, or their kind is not supported'],
  ['secret', 'were not taken: they hold a secret key'],
  ['thinned', 'are larger than a megabyte: signatures by others were left out of them'],
  ['too-large', 'were not taken: they are larger than a megabyte even without signatures by others'],
  ['malformed', 'places could not be read; the rest of such a file is left out'],
  ['unknown-format', 'files are of no format that is known'],
  ['dropped.thirdParty', 'signatures by others were dropped'],
  ['dropped.invalid', 'signatures that do not hold were dropped'],
  ['dropped.surplus', 'signatures beyond those that are kept were dropped'],
  ['dropped.malformed', 'packets that cannot be read were dropped'],
  ['dropped.tooLarge', 'packets that are too large were dropped'],
  ['dropped.unknown', 'packets of a kind that certificates do not have were dropped'],
  ['dropped.orphaned', 'signatures of packets that were dropped were dropped'],
  ['dropped.unchecked', 'signatures were not looked at, since there was too much to do'],
]

function report(files: number, counts: Counts): string {
  const named = new Set(WORDS.map(([name]) => name))
  const lines = WORDS.filter(([name]) => (counts[name] ?? 0) > 0).map(
    ([name, words]) => `${String(counts[name]).padStart(9)} ${words}`,
  )
  const others = Object.entries(counts)
    .filter(([name, count]) => count > 0 && !named.has(name))
    .map(([name, count]) => `${String(count).padStart(9)} were not taken: ${name}`)
  return [`${String(files)} files`, ...lines, ...others].join('\n')
}
