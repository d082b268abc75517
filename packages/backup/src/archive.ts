/** A directory of backups: `base/TIME/{base.tar.gz.age,manifest.json}` and `wal/`. Everything in it is encrypted but manifests and names. */
import { chmod, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { unlessGone } from '@sealpost/errors'
import { DRAFT_PREFIX } from './durable-file.ts'
import { type Manifest, parseManifest } from './manifest.ts'
import { nameOfArchived, parseSegment } from './wal/segment-name.ts'

export interface BaseBackup {
  readonly name: string
  readonly directory: string
  readonly manifest: Manifest
}

type FoundBase = Omit<BaseBackup, 'manifest'> & { readonly manifest: Manifest | undefined }

export const BASE_FILE = 'base.tar.gz.age'
export const MANIFEST_FILE = 'manifest.json'
/** When it was begun. */
const BASE_NAME = /^\d{8}T\d{6}Z$/
/** A draft this old is nobody's. */
const DRAFT_MS_MAX = 86_400_000

/** Names sort by time. */
export function nameOfBase(begun: Date): string {
  return begun.toISOString().replaceAll(/[-:]|\.\d+/g, '')
}

function isReadable(base: FoundBase): base is BaseBackup {
  return base.manifest !== undefined
}

export class Archive {
  readonly base: string
  readonly wal: string
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
    this.base = join(directory, 'base')
    this.wal = join(directory, 'wal')
  }

  /** Makes what is missing. `mode` is that of the whole: a Postgres of another user passes through it to `wal`. */
  async prepare(mode: number): Promise<void> {
    for (const path of [this.base, this.wal]) await mkdir(path, { recursive: true, mode: 0o700 })
    await chmod(this.directory, mode)
  }

  /** The newest first. One whose manifest is damaged is none to restore from: see `damaged`. */
  async bases(): Promise<BaseBackup[]> {
    return (await this.#all()).filter(isReadable)
  }

  /** Names of those whose manifest cannot be understood, the newest first. */
  async damaged(): Promise<string[]> {
    return (await this.#all()).filter((base) => !isReadable(base)).map(({ name }) => name)
  }

  async #all(): Promise<FoundBase[]> {
    const names = (await readdir(this.base).catch(() => [])).filter((name) => BASE_NAME.test(name))
    const found = await Promise.all(names.map((name) => this.#open(name)))
    return found.flatMap((base) => base ?? []).toSorted((a, b) => (a.name < b.name ? 1 : -1))
  }

  /** Undefined: without a manifest it is none, such as one whose removal was cut short. */
  async #open(name: string): Promise<FoundBase | undefined> {
    const directory = join(this.base, name)
    const text = await readFile(join(directory, MANIFEST_FILE), 'utf8').catch(unlessGone)
    return text === undefined ? undefined : { name, directory, manifest: parseManifest(text) }
  }

  /** Names of what is in `wal`, as Postgres knows them, in order. */
  async archived(): Promise<string[]> {
    const names = await readdir(this.wal).catch(() => [])
    return names.flatMap((name) => nameOfArchived(name) ?? []).sort()
  }

  /**
   * Removes base backups that ended before a time, damaged ones that were begun before it, but never the newest that is whole, and the log that
   * no base needs then. Histories of timelines stay: they are short, and hold no data. Answers with how many files of each went.
   */
  async prune(before: Date, now: Date): Promise<{ bases: number; segments: number }> {
    await this.#clearDrafts(now)
    const all = await this.#all()
    const [newest, ...older] = all.filter(isReadable)
    if (newest === undefined) return { bases: 0, segments: 0 }
    const old = older.filter(({ manifest }) => new Date(manifest.endedAt) < before)
    const damaged = all.filter((base) => !isReadable(base) && base.name < nameOfBase(before))
    for (const { name } of [...old, ...damaged]) await this.#remove(name)
    const oldest = older.findLast((each) => !old.includes(each)) ?? newest
    return {
      bases: old.length + damaged.length,
      segments: await this.#pruneLog(oldest.manifest.startSegment),
    }
  }

  /** Not a base any more at once, whatever ends the process while its files go. */
  async #remove(name: string): Promise<void> {
    const draft = join(this.base, `${DRAFT_PREFIX}${name}`)
    await rename(join(this.base, name), draft)
    await rm(draft, { recursive: true })
  }

  async #pruneLog(first: string): Promise<number> {
    const from = parseSegment(first)?.number ?? 0
    let removed = 0
    for (const file of await readdir(this.wal)) {
      const segment = parseSegment(nameOfArchived(file)?.slice(0, first.length) ?? '')
      if (segment === undefined || segment.number >= from) continue
      await rm(join(this.wal, file))
      removed += 1
    }
    return removed
  }

  async #clearDrafts(now: Date): Promise<void> {
    for (const parent of [this.base, this.wal])
      for (const name of await readdir(parent)) {
        const path = join(parent, name)
        if (!name.startsWith(DRAFT_PREFIX)) continue
        const made = await stat(path).catch(() => undefined)
        if (made !== undefined && now.getTime() - made.mtimeMs > DRAFT_MS_MAX)
          await rm(path, { recursive: true, force: true })
      }
  }
}
