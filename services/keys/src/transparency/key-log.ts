/**
 * The transparency log of the directory: what is served for an address is what the log says, from the same moment on. Writers append in the transaction of their
 * change; readers get checkpoints, tiles and proofs that verify without trust in this server.
 */
import { OperationalError } from '@sealpost/errors'
import type { Tx } from '@sealpost/db'
import { normalizeAddress } from '@sealpost/openpgp'
import type { Clock } from '@sealpost/runtime'
import {
  formatProof,
  formatSignature,
  formatVerifierKey,
  Frontier,
  hashCertificate,
  hashLeaf,
  hashVrfOutput,
  keyLogOrigin,
  NO_CERTIFICATE,
  noteKey,
  openCheckpoint,
  parseVerifierKey,
  SIGNATURE_TYPE,
  signCheckpoint,
  TILE_WIDTH,
  TiledTree,
  tileWidth,
  TlogError,
  vrfInput,
  vrfKeyOf,
  vrfOutput,
  writeBundle,
  writeEntry,
} from '@sealpost/tlog'
import type { NoteKey, Tile, TileHash } from '@sealpost/tlog'
import { LOG_SECRETS_FILE } from './log-secrets.ts'
import type { LogSecrets } from './log-secrets.ts'
import type { HistoryEntry, LogHead, LogStore, NewEntry } from './log-store.ts'

/** Days that a replaced certificate is kept for the owner to see. */
const KEEP_DAYS = 365
const ERASE_BATCH = 1_000
/** Trees of which cosignatures are kept. */
const COSIGNED_SIZES_MAX = 16
const DAY_MS = 86_400_000
/** Entries of one answer. */
const HISTORY_MAX = 256

/** What changes for one address. */
export interface ServedChange {
  /** In lower case. */
  readonly address: string
  /** What is served from now on; nothing when undefined. */
  readonly after: Uint8Array | undefined
}

export interface Served {
  readonly changes: readonly ServedChange[]
  /** What was served until now for those addresses that had something. */
  readonly before: readonly Buffer[]
  /** Whether an owner has withdrawn an address: then nothing of what was served for it is kept. */
  readonly withdrawn: boolean
}

/** What writers of the directory need of the log. */
export interface LogWriter {
  /** Appends in the transaction that makes the change, as its last act: the log is locked until that ends. */
  record(tx: Tx, served: Served): Promise<void>
}

export interface History {
  /** RFC 9381, of the address. */
  readonly vrfProof: Buffer
  readonly entries: readonly HistoryEntry[]
  /** Where the next answer begins; undefined when this is all. */
  readonly next: number | undefined
}

export interface KeyLogOptions {
  readonly store: LogStore
  readonly secrets: LogSecrets
  readonly clock: Clock
  /** Where a log that begins now is: `example.org/tlog`. */
  readonly place: string
  readonly witnesses: readonly NoteKey[]
}

export class KeyLog implements LogWriter {
  /** C2SP signed-note: all that somebody has to know to verify what the log says. */
  readonly verifierKey: string
  readonly #key: NoteKey
  readonly #options: KeyLogOptions

  private constructor(verifierKey: string, options: KeyLogOptions) {
    this.verifierKey = verifierKey
    this.#key = parseVerifierKey(verifierKey)
    this.#options = options
  }

  /** Begins the log, or goes on with it. Throws KEYS_LOG_OTHER_KEY when it was begun with other keys than these. */
  static async open(options: KeyLogOptions): Promise<KeyLog> {
    const { store, secrets, place } = options
    const { publicKey: vrfKey } = secrets.vrf
    const key = noteKey(keyLogOrigin(place, vrfKey), SIGNATURE_TYPE.ed25519, secrets.signingPublicKey)
    const begun = await store.begin(formatVerifierKey(key), signHead(Frontier.empty(), key, secrets))
    const { publicKey, name } = parseVerifierKey(begun)
    if (!publicKey.equals(key.publicKey) || !vrfKeyOf(name).equals(vrfKey))
      throw new OperationalError(
        'KEYS_LOG_OTHER_KEY',
        `The transparency log in this database was begun with other keys: put its ${LOG_SECRETS_FILE} back into the data directory`,
      )
    return new KeyLog(begun, options)
  }

  async record(tx: Tx, { changes, before, withdrawn }: Served): Promise<void> {
    if (changes.length === 0) return
    const { store, clock, secrets } = this.#options
    const entries: NewEntry[] = []
    for (const { address, after } of changes) {
      // About a millisecond each: lookups come in between.
      await new Promise<void>((resolve) => clock.turn(resolve))
      entries.push({
        address: hashVrfOutput(secrets.vrf.output(vrfInput(address))),
        certificate: after === undefined ? NO_CERTIFICATE : hashCertificate(after),
        day: this.#day(0),
      })
    }
    await this.#append(tx, entries)
    // All under the lock of the head, so that no two transactions wait for each other.
    const gone = entries.filter(({ certificate }) => certificate.equals(NO_CERTIFICATE))
    if (withdrawn)
      await store.erase(
        tx,
        gone.map(({ address }) => address),
      )
    else
      for (const bytes of before)
        await store.keep(tx, { hash: hashCertificate(bytes), bytes }, this.#day(KEEP_DAYS))
  }

  /** Erases replaced certificates whose time is over. Returns how many. */
  eraseDue(): Promise<number> {
    return this.#options.store.eraseDue(this.#day(0), ERASE_BATCH)
  }

  /** C2SP tlog-checkpoint: the newest, signed, with the cosignatures that it has. */
  async checkpoint(): Promise<string> {
    const { size, checkpoint } = await this.#options.store.head()
    return this.#withCosignatures(size, checkpoint)
  }

  /** The newest checkpoint that a witness has cosigned; undefined when none has been. */
  async witnessed(): Promise<string | undefined> {
    const size = await this.#options.store.cosignedSize()
    return size === undefined ? undefined : this.#withCosignatures(size, await this.#checkpointOf(size))
  }

  /** C2SP tlog-witness: the body of `add-checkpoint` for a witness that knows the tree of `oldSize`. Undefined when the log is not that large. */
  async addCheckpoint(oldSize: number): Promise<string | undefined> {
    const { size, checkpoint } = await this.#options.store.head()
    if (oldSize > size) return undefined
    const proof = oldSize === 0 ? [] : await this.#tree(size).consistencyProof(oldSize)
    const lines = proof.map((hash) => `${hash.toString('base64')}\n`)
    return `old ${String(oldSize)}\n${lines.join('')}\n${checkpoint}`
  }

  /**
   * Takes the cosignatures of known witnesses on a checkpoint of this log. Returns how many there are. Throws TlogError for what is no checkpoint of this log, or
   * has a wrong signature.
   */
  async cosign(note: Uint8Array): Promise<number> {
    const { store, witnesses } = this.#options
    const { size, root, cosignatures } = openCheckpoint(note, this.#key, witnesses)
    const { size: ours } = await store.head()
    if (size > ours || !(await this.#tree(size).root()).equals(root))
      throw new TlogError(
        'TLOG_PROOF',
        'This checkpoint is signed with the key of this log, but is not of its tree.',
      )
    const lines = new Map(cosignatures.map(({ line }) => [`${line.name} ${line.keyId}`, line]))
    if (lines.size > 0) await store.cosign(size, [...lines.values()], COSIGNED_SIZES_MAX)
    return lines.size
  }

  /** C2SP tlog-tiles: undefined for a tile that the log does not have yet, or never had. */
  async tile(tile: Tile): Promise<Buffer | undefined> {
    const { size } = await this.#options.store.head()
    if (tileWidth(tile, size) < tile.width) return undefined
    if (tile.level !== 'entries') return this.#hashTile({ ...tile, level: tile.level })
    const entries = await this.#options.store.entries(tile.index * TILE_WIDTH, tile.width)
    return writeBundle(entries.map(writeEntry))
  }

  /** C2SP tlog-proof for what is served for an address; the extra data is the VRF proof. Undefined when nothing was logged for it. */
  async prove(text: string): Promise<string | undefined> {
    const address = normalizeAddress(text)
    if (address === undefined) return undefined
    const { store } = this.#options
    const { vrfProof, hash } = this.#blind(address)
    const { size, checkpoint } = await store.head()
    const index = await store.newest(hash, size)
    if (index === undefined) return undefined
    const hashes = await this.#tree(size).inclusionProof(index)
    return formatProof({
      extra: vrfProof,
      index,
      hashes,
      checkpoint: await this.#withCosignatures(size, checkpoint),
    })
  }

  /** Everything logged for an address, from an index on; undefined when it is no address. One that was never here has an empty history. */
  async history(text: string, from: number): Promise<History | undefined> {
    const address = normalizeAddress(text)
    if (address === undefined) return undefined
    const { store } = this.#options
    const { vrfProof, hash } = this.#blind(address)
    const served = await store.current(address)
    const serving = served && hashCertificate(served)
    const found = await store.history(hash, from, HISTORY_MAX)
    const entries = found.map((entry) => ({
      ...entry,
      kept: entry.kept || serving?.equals(entry.certificate) === true,
    }))
    const next = entries.length < HISTORY_MAX ? undefined : (entries.at(-1)?.index ?? 0) + 1
    return { vrfProof, entries, next }
  }

  /** The certificate that was served for an address from an entry on; undefined when it is not kept, or the entry is of another address. */
  async certificate(text: string, index: number): Promise<Buffer | undefined> {
    const address = normalizeAddress(text)
    if (address === undefined) return undefined
    const { store } = this.#options
    const { hash } = this.#blind(address)
    const [entry] = await store.history(hash, index, 1)
    if (entry?.index !== index) return undefined
    const served = await store.current(address)
    if (served !== undefined && hashCertificate(served).equals(entry.certificate)) return served
    return store.replaced(hash, index)
  }

  #blind(address: string): { vrfProof: Buffer; hash: Buffer } {
    const vrfProof = this.#options.secrets.vrf.prove(vrfInput(address))
    return { vrfProof, hash: hashVrfOutput(vrfOutput(vrfProof)) }
  }

  async #append(tx: Tx, entries: readonly NewEntry[]): Promise<void> {
    const { store, secrets } = this.#options
    const { size, frontier: edge } = await store.lockHead(tx)
    const frontier = Frontier.from(size, edge)
    const tileHashes: TileHash[] = []
    for (const entry of entries) tileHashes.push(...frontier.append(hashLeaf(writeEntry(entry))))
    const head = signHead(frontier, this.#key, secrets)
    await store.append(tx, { first: size, entries, tileHashes, head })
  }

  #tree(size: number): TiledTree {
    return new TiledTree(size, (tile) => this.#hashTile(tile))
  }

  /** Ed25519 signs the same the same way each time: it is the one that was served then. */
  async #checkpointOf(size: number): Promise<string> {
    const root = await this.#tree(size).root()
    return signCheckpoint({ origin: this.#key.name, size, root }, this.#key, this.#options.secrets.signing)
  }

  async #withCosignatures(size: number, checkpoint: string): Promise<string> {
    const lines = await this.#options.store.cosignatures(size)
    return checkpoint + lines.map(formatSignature).join('')
  }

  async #hashTile({ level, index, width }: Tile & { readonly level: number }): Promise<Buffer> {
    const { store } = this.#options
    const first = index * TILE_WIDTH
    if (level > 0) return Buffer.concat(await store.tileHashes(level, first, width))
    const entries = await store.entries(first, width)
    return Buffer.concat(entries.map((entry) => hashLeaf(writeEntry(entry))))
  }

  #day(ahead: number): string {
    return new Date(this.#options.clock.now() + ahead * DAY_MS).toISOString().slice(0, 10)
  }
}

function signHead(frontier: Frontier, key: NoteKey, { signing }: LogSecrets): LogHead {
  const { size } = frontier
  const checkpoint = signCheckpoint({ origin: key.name, size, root: frontier.root() }, key, signing)
  return { size, frontier: frontier.toBytes(), checkpoint }
}
