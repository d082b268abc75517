/** Postgres from npm in a directory of ours: made, started, watched over, stopped. */
import { chmod, chown, mkdir, realpath, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { OperationalError } from '@sealpost/errors'
import type { Clock, Random } from '@sealpost/runtime'
import { findBinaries, findPostgresUser, installation } from './binaries.ts'
import type { PostgresUser } from './binaries.ts'
import { CLUSTER_NAME, ensureCluster, readPassword } from './cluster.ts'
import { stopLeftovers } from './leftovers.ts'
import { startPostmaster } from './postmaster.ts'
import type { Postmaster, PostmasterOptions } from './postmaster.ts'
import { assertReachable } from './reachable.ts'
import { settings } from './settings.ts'

export interface EmbeddedPostgres extends AsyncDisposable {
  /** For `openDb` and for any other Postgres client; holds the password. */
  readonly url: string
  /** Of the server that runs now, for tests that kill it. */
  readonly pid: number
}

export interface EmbeddedPostgresOptions {
  /** Of the cluster. Made if missing; its parent must exist. */
  readonly directory: string
  /** Where the server listens, and nowhere else: made if missing, closed to other users. */
  readonly socketDirectory: string
  readonly clock: Clock
  readonly random: Random
  /** On top of ours. */
  readonly settings?: Readonly<Record<string, string>>
  /** Make a new cluster without syncing it to disk; for tests. */
  readonly unsynced?: boolean
  /** The server ended by itself; it is being started again. */
  readonly onCrash?: () => void
}

/** Part of a socket's name; nothing listens on a TCP port. */
const SOCKET_PORT = 5432

/** sun_path has 108 bytes on Linux and 104 elsewhere, one of them for the NUL. */
const SOCKET_PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103

const RESTART_MS_MIN = 100
const RESTART_MS_MAX = 5_000

/**
 * Starts the embedded Postgres, after stopping one that a killed process left on the same directory. It runs until disposed:
 * if it ends by itself it is started again at the same address, after 100 ms at first and at most 5 s between tries.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries()
  const user = await findPostgresUser()
  const directory = join(await realpath(dirname(options.directory)), basename(options.directory))
  const socketDirectory = join(
    await realpath(dirname(options.socketDirectory)),
    basename(options.socketDirectory),
  )
  assertShort(socketDirectory)
  if (user !== undefined)
    for (const path of [installation(binaries), directory, socketDirectory]) await assertReachable(path, user)
  const password = await ensureCluster({ ...options, directory, binaries, user })
  await stopLeftovers(directory)
  await prepareSockets(socketDirectory, user)
  const postmaster = { binaries, user, directory, settings: settings(socketDirectory, options.settings) }
  const url = urlOf(password, socketDirectory)
  return new WatchedPostgres(await startPostmaster(postmaster), { ...options, url, postmaster })
}

/** Makes the directory anew. Throws `DATA_DIR_TOO_LONG`. */
export async function prepareSockets(directory: string, user: PostgresUser | undefined): Promise<void> {
  assertShort(directory)
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { mode: 0o700 })
  await chmod(directory, 0o700)
  if (user !== undefined) await chown(directory, user.uid, user.gid)
}

/** The same URL for another process of the same user: a tool, a test. Throws if no cluster was ever made there. */
export async function embeddedDatabaseUrl(directories: { postgres: string; run: string }): Promise<string> {
  return urlOf(await readPassword(directories.postgres), directories.run)
}

function urlOf(password: string, socketDirectory: string): string {
  return socketUrl(socketDirectory, { user: CLUSTER_NAME, password, database: CLUSTER_NAME })
}

/** Of a Postgres that listens in a directory. */
export function socketUrl(
  directory: string,
  { user, password = '', database }: { user: string; password?: string; database: string },
): string {
  const url = new URL(`postgres://localhost:${String(SOCKET_PORT)}`)
  url.username = user
  url.password = password
  url.pathname = `/${encodeURIComponent(database)}`
  url.searchParams.set('host', directory)
  return url.href
}

function assertShort(socketDirectory: string): void {
  const bytes = Buffer.byteLength(join(socketDirectory, `.s.PGSQL.${String(SOCKET_PORT)}`))
  if (bytes <= SOCKET_PATH_BYTES_MAX) return
  throw new OperationalError(
    'DATA_DIR_TOO_LONG',
    `The path of the data directory is ${String(bytes - SOCKET_PATH_BYTES_MAX)} bytes too long for the sockets in it: set SEALPOST_DATA_DIR to a shorter one`,
  )
}

class WatchedPostgres implements EmbeddedPostgres {
  readonly url: string
  readonly #postmaster: PostmasterOptions
  readonly #clock: Clock
  readonly #onCrash: () => void
  readonly #stopping = new AbortController()
  #current: Postmaster
  #watching: Promise<void>

  constructor(
    first: Postmaster,
    options: { url: string; postmaster: PostmasterOptions; clock: Clock; onCrash?: () => void },
  ) {
    this.url = options.url
    this.#postmaster = options.postmaster
    this.#clock = options.clock
    this.#onCrash = options.onCrash ?? (() => undefined)
    this.#current = first
    this.#watching = this.#watch()
  }

  get pid(): number {
    return this.#current.pid
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#current.stop()
    await this.#watching
    await this.#current.stop()
  }

  async #watch(): Promise<void> {
    for (;;) {
      await this.#current.ended
      if (this.#stopping.signal.aborted) return
      this.#onCrash()
      await this.#restart()
    }
  }

  async #restart(): Promise<void> {
    for (let ms = RESTART_MS_MIN; ; ms = Math.min(2 * ms, RESTART_MS_MAX)) {
      await this.#pause(ms)
      if (this.#stopping.signal.aborted) return
      try {
        await stopLeftovers(this.#postmaster.directory)
        this.#current = await startPostmaster(this.#postmaster)
        return
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error
      }
    }
  }

  /** Waits `ms`, or until the stop begins. */
  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.after(ms, resolve)
    this.#stopping.signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    timer[Symbol.dispose]()
  }
}
