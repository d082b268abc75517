/**
 * Files that clients uploaded (XEP-0363), each under a key of its own. The key lies in a record that is sealed as messages are: a file is there when it is synced and
 * its record is stored, and gone when the key of the record is, in the database, its log and every backup. Of a file nothing is known but its size and whose it is.
 */
import type { Readable } from 'node:stream'
import { errorCode } from '@sealpost/errors'
import type { Clock, Random } from '@sealpost/runtime'
import type { SealedStore } from '../../delivery/sealed-store/sealed-store.ts'
import { UPLOADS_QUEUE } from '../../delivery/sealed-store/sealed-store.ts'
import type { XmppEvents } from '../../events.ts'
import {
  CHUNK_BYTES,
  FileSealer,
  giveBack,
  KEY_BYTES,
  openChunk,
  placeOf,
  SEALED_CHUNK_BYTES,
} from './sealed-file.ts'
import { hashToken, isOwner, keyOf, type PutClaim, type Slot, Slots } from './slots.ts'
import { UploadError } from './upload-error.ts'
import type { UploadFile, UploadFiles } from './upload-files.ts'
import { decodeUpload, encodeUpload, type UploadRecord } from './upload-record.ts'

/** Of everybody together, about 500 bytes of memory each; and of one account. */
const FILES_MAX = 200_000
const ACCOUNT_FILES_MAX = 5_000
/** Uploads at a time, each of which holds two pieces of WRITE_BYTES. */
const RECEIVING_MAX = 256
const WRITE_BYTES = CHUNK_BYTES
const EXPIRE_MS = 5_000
/** Records read at once at the start. */
const PAGE_ROWS = 1_000
const PAGE_BYTES = 4 * 1024 * 1024
const TOKEN_BYTES = 24

/** What an account may upload. */
export interface UploadLimits {
  readonly fileBytes: number
  /** All its files together. */
  readonly spaceBytes: number
  readonly slotsPerHour: number
  readonly keepSeconds: number
}

export interface SlotWish {
  readonly bytes: number
  readonly contentType: string | undefined
  readonly expireBefore: number | undefined
  readonly fetches: number | undefined
}

export type Granting =
  | { readonly outcome: 'granted'; readonly address: string; readonly ownerToken: string }
  | { readonly outcome: 'too-large'; readonly bytesMax: number }
  /** Milliseconds since the epoch. */
  | { readonly outcome: 'wait'; readonly untilMs: number }

/** A file that is there. */
export interface Upload extends Omit<UploadRecord, 'fetchesLeft'> {
  fetchesLeft: number | undefined
  /** Rows of its record: one, and for each fetch that is being counted one more; all are to be destroyed with it. */
  rowIds: readonly string[]
  destroyed: boolean
}

export interface UploadsOptions {
  readonly store: SealedStore
  readonly files: UploadFiles
  readonly limitsOf: (accountId: string) => Promise<UploadLimits>
  readonly clock: Clock
  readonly random: Random
  readonly events: XmppEvents
}

export class Uploads implements Disposable {
  readonly #options: UploadsOptions
  readonly #slots: Slots
  /** By `keyOf` the hash of their address. */
  readonly #uploads = new Map<string, Upload>()
  readonly #byAccount = new Map<string, Set<Upload>>()
  #bytes = 0
  #receiving = 0
  #expiring: Disposable | undefined
  #fenced = false

  private constructor(options: UploadsOptions) {
    this.#options = options
    this.#slots = new Slots(options.clock)
  }

  /** Takes up what is there; of files and records without each other nothing is left. */
  static async open(options: UploadsOptions): Promise<Uploads> {
    const uploads = new Uploads(options)
    await uploads.#load()
    uploads.#expiring = options.clock.every(EXPIRE_MS, () => uploads.#expire())
    return uploads
  }

  /** XEP-0363 §4: a place for one file. Throws UPLOAD_FULL when the disk is. */
  async grant(accountId: string, wish: SlotWish): Promise<Granting> {
    const limits = await this.#options.limitsOf(accountId)
    if (wish.bytes > limits.fileBytes) return { outcome: 'too-large', bytesMax: limits.fileBytes }
    if (!(await this.#options.files.hasRoom(wish.bytes))) throw new UploadError('UPLOAD_FULL')
    const now = this.#options.clock.now()
    const roomAtMs = this.#roomAt(accountId, wish.bytes, limits)
    if (roomAtMs !== undefined) return { outcome: 'wait', untilMs: roomAtMs }
    const waitMs = this.#slots.takeTurn(accountId, limits.slotsPerHour)
    if (waitMs > 0) return { outcome: 'wait', untilMs: now + waitMs }
    const { random } = this.#options
    const [address, ownerToken] = [random.token(TOKEN_BYTES), random.token(TOKEN_BYTES)]
    const hashes = { addressHash: hashToken(address), ownerHash: hashToken(ownerToken) }
    this.#slots.add({ accountId, ...hashes, ...wish, keepSeconds: limits.keepSeconds })
    return { outcome: 'granted', address, ownerToken }
  }

  /** Durable when it resolves. Throws UploadError; nothing is kept then, and the rest of the body is left where it is. */
  async receive(claim: PutClaim, body: Readable): Promise<void> {
    this.#assertOpen()
    if (this.#receiving >= RECEIVING_MAX) throw new UploadError('UPLOAD_BUSY')
    const slot = this.#slots.claim(claim)
    if (slot === undefined) throw this.#refusalOf(claim)
    this.#receiving += 1
    try {
      await this.#take(slot, body)
    } finally {
      this.#receiving -= 1
      this.#slots.release(slot)
    }
  }

  /** Undefined: there is none, or not any more. */
  find(address: string): Upload | undefined {
    this.#assertOpen()
    const upload = this.#uploads.get(keyOf(hashToken(address)))
    return upload === undefined || this.#isDue(upload) ? undefined : upload
  }

  /** The bytes from `first` to `last`, both included. Each piece is good until the next is asked for. Throws when the file is destroyed meanwhile. */
  async *read(upload: Upload, first: number, last: number): AsyncGenerator<Buffer> {
    await using handle = await this.#options.files.open(upload.file)
    // One is read into while the other is opened.
    const room = Buffer.allocUnsafeSlow(2 * SEALED_CHUNK_BYTES)
    const readChunk = async (index: number): Promise<Buffer> => {
      const { position, length } = placeOf(index, upload.bytes)
      const at = (index % 2) * SEALED_CHUNK_BYTES
      const { bytesRead } = await handle.read(room, at, length, position)
      return room.subarray(at, at + bytesRead)
    }
    const [from, to] = [Math.floor(first / CHUNK_BYTES), Math.floor(last / CHUNK_BYTES)]
    let next = readChunk(from)
    for (let index = from; index <= to; index += 1) {
      const sealed = await next
      if (index < to) next = readChunk(index + 1)
      next.catch(() => undefined) // told when its turn comes, if it does
      if (upload.destroyed) throw new UploadError('UPLOAD_UNKNOWN')
      const start = index * CHUNK_BYTES
      const opened = openChunk(upload.key, index, sealed)
      yield opened.subarray(Math.max(0, first - start), last + 1 - start)
      giveBack(opened)
    }
  }

  /** The whole file went out once: it is gone when this returns, if that was the last time. */
  fetched(upload: Upload): void {
    this.#options.events.uploadHappened('fetched')
    this.#count(upload).catch(this.#options.events.taskFailed)
  }

  async #count(upload: Upload): Promise<void> {
    if (upload.fetchesLeft === undefined || upload.destroyed) return
    upload.fetchesLeft -= 1
    if (upload.fetchesLeft === 0) return this.#destroy(upload, 'used_up')
    const { store } = this.#options
    const { id, stored } = this.#append(upload)
    const before = upload.rowIds
    upload.rowIds = [...before, id]
    const drop = (gone: readonly string[]) => {
      upload.rowIds = upload.rowIds.filter((each) => !gone.includes(each))
      store.shred(upload.destroyed ? [...gone, id] : gone)
    }
    await stored.then(
      () => drop(before),
      (error: unknown) => {
        drop([id]) // given up: the row before stays the record
        throw error
      },
    )
  }

  /** Unreadable when it resolves, on disk as well. Throws UPLOAD_UNKNOWN, UPLOAD_FORBIDDEN. */
  async delete(address: string, ownerToken: string): Promise<void> {
    const upload = this.find(address)
    if (upload === undefined) throw new UploadError('UPLOAD_UNKNOWN')
    if (!isOwner(upload, ownerToken)) throw new UploadError('UPLOAD_FORBIDDEN')
    await this.#destroy(upload, 'deleted')
  }

  /** Oldest first. */
  ofAccount(accountId: string): Upload[] {
    return [...(this.#byAccount.get(accountId) ?? [])].filter((upload) => !this.#isDue(upload))
  }

  /** Everything of an account, slots too; repeatable. */
  async erase(accountId: string): Promise<void> {
    this.#slots.forget(accountId)
    const all = [...(this.#byAccount.get(accountId) ?? [])]
    await Promise.all(all.map((upload) => this.#destroy(upload, 'deleted')))
  }

  /** Another process owns the records now. */
  fence(): void {
    this.#fenced = true
  }

  [Symbol.dispose](): void {
    this.#expiring?.[Symbol.dispose]()
    this.#fenced = true
    for (const { key } of this.#uploads.values()) key.fill(0)
    this.#uploads.clear()
    this.#byAccount.clear()
  }

  async #take(slot: Slot, body: Readable): Promise<void> {
    const { files, random, events } = this.#options
    const file = await files.create()
    const key = random.bytes(KEY_BYTES)
    try {
      await writeSealed(file, key, slot.bytes, body)
      await file.sync()
      await this.#keep(slot, file.name, key)
      events.uploadHappened('stored')
    } catch (error) {
      key.fill(0)
      events.uploadHappened('broken')
      this.#deleteFile(file.name)
      throw error
    } finally {
      await file.close()
    }
  }

  async #keep(slot: Slot, file: string, key: Buffer): Promise<void> {
    const acceptedAt = Math.floor(this.#options.clock.now() / 1000)
    const due = Math.min(acceptedAt + slot.keepSeconds, slot.expireBefore ?? Infinity)
    const { accountId, addressHash, ownerHash, bytes, fetches: fetchesLeft } = slot
    const record = { accountId, file, key, addressHash, ownerHash, bytes, acceptedAt, due, fetchesLeft }
    const { id, stored } = this.#append(record)
    try {
      await stored
    } catch (cause) {
      throw new UploadError('UPLOAD_UNAVAILABLE', { cause })
    }
    if (this.#slots.use(slot)) return this.#add({ ...record, rowIds: [id], destroyed: false })
    this.#options.store.shred([id]) // the account is being erased
    throw new UploadError('UPLOAD_UNKNOWN')
  }

  #append(record: UploadRecord): { readonly id: string; readonly stored: Promise<void> } {
    const plaintext = encodeUpload(record)
    try {
      return this.#options.store.append(UPLOADS_QUEUE, plaintext, record.due, 'upload')
    } catch (cause) {
      const full = errorCode(cause) === 'KEYRING_FULL'
      throw new UploadError(full ? 'UPLOAD_FULL' : 'UPLOAD_UNAVAILABLE', { cause })
    } finally {
      plaintext.fill(0)
    }
  }

  #refusalOf({ address, ownerToken }: PutClaim): UploadError {
    const upload = this.find(address)
    if (upload === undefined) return new UploadError('UPLOAD_UNKNOWN')
    return new UploadError(isOwner(upload, ownerToken) ? 'UPLOAD_DONE' : 'UPLOAD_FORBIDDEN')
  }

  /** When there will be room for a file of the account; undefined: now. */
  #roomAt(accountId: string, bytes: number, { spaceBytes, keepSeconds }: UploadLimits): number | undefined {
    const files = this.ofAccount(accountId)
    const used = files.reduce((sum, file) => sum + file.bytes, this.#slots.bytesOf(accountId))
    const count = files.length + this.#slots.countOf(accountId)
    const fits = used + bytes <= spaceBytes && count < ACCOUNT_FILES_MAX && this.#uploads.size < FILES_MAX
    if (fits) return undefined
    const now = Math.floor(this.#options.clock.now() / 1000)
    return Math.min(now + keepSeconds, ...files.map(({ due }) => due)) * 1000
  }

  #add(upload: Upload): void {
    this.#uploads.set(keyOf(upload.addressHash), upload)
    const others = this.#byAccount.get(upload.accountId)
    if (others === undefined) this.#byAccount.set(upload.accountId, new Set([upload]))
    else others.add(upload)
    this.#bytes += upload.bytes
    this.#measure()
  }

  #remove(upload: Upload): void {
    this.#uploads.delete(keyOf(upload.addressHash))
    const others = this.#byAccount.get(upload.accountId)
    others?.delete(upload)
    if (others?.size === 0) this.#byAccount.delete(upload.accountId)
    this.#bytes -= upload.bytes
    this.#measure()
  }

  #measure(): void {
    this.#options.events.uploadsMeasured({ files: this.#uploads.size, bytes: this.#bytes })
  }

  /** The key first, in memory when this returns and on disk when it resolves; the file is garbage then. */
  async #destroy(upload: Upload, why: 'deleted' | 'expired' | 'used_up'): Promise<void> {
    if (upload.destroyed) return
    upload.destroyed = true
    upload.key.fill(0)
    this.#remove(upload)
    const { store, events } = this.#options
    store.shred(upload.rowIds)
    events.uploadHappened(why)
    await store.shredded()
    this.#deleteFile(upload.file)
  }

  /** What cannot be deleted is unreadable all the same, and found at the next start. */
  #deleteFile(name: string): void {
    this.#options.files.delete(name).catch(this.#options.events.taskFailed)
  }

  async #expire(): Promise<void> {
    this.#slots.expire()
    const due = [...this.#uploads.values()].filter((upload) => this.#isDue(upload))
    await Promise.all(due.map((upload) => this.#destroy(upload, 'expired')))
  }

  #isDue({ due }: Upload): boolean {
    return due * 1000 <= this.#options.clock.now()
  }

  async #load(): Promise<void> {
    const { store, files } = this.#options
    const latest = new Map<string, Upload>()
    const replaced: string[] = []
    for (let after = 0; ;) {
      const page = await store.read(UPLOADS_QUEUE, after, PAGE_ROWS, PAGE_BYTES)
      for (const { id, seq, plaintext } of page) {
        after = seq
        const record = decodeUpload(plaintext)
        plaintext.fill(0)
        const before = record && latest.get(record.file)
        if (before !== undefined) replaced.push(...before.rowIds) // killed between two counts of its fetches
        if (record === undefined) replaced.push(id)
        else latest.set(record.file, { ...record, rowIds: [id], destroyed: false })
      }
      if (page.length === 0) break
    }
    store.shred(replaced)
    await files.sweep(new Set(latest.keys()))
    for (const upload of latest.values()) this.#add(upload)
  }

  #assertOpen(): void {
    if (this.#fenced) throw new UploadError('UPLOAD_UNAVAILABLE')
  }
}

/** One piece is written while the next comes in; never are there more. Throws UPLOAD_LENGTH or UPLOAD_BROKEN. */
async function writeSealed(file: UploadFile, key: Buffer, bytes: number, body: Readable): Promise<void> {
  using sealer = new FileSealer(key)
  let received = 0
  let pieces: Buffer[] = []
  let piecesBytes = 0
  let writing = Promise.resolve()
  const flush = async (): Promise<void> => {
    await writing
    writing = write(file, pieces)
    writing.catch(() => undefined) // told by the next one who waits for it
    ;[pieces, piecesBytes] = [[], 0]
  }
  await readBody(body, (piece) => {
    received += piece.length
    if (received > bytes) throw new UploadError('UPLOAD_LENGTH')
    pieces.push(...sealer.seal(piece))
    piecesBytes += piece.length
    giveBack(piece)
    return piecesBytes >= WRITE_BYTES ? flush() : undefined
  })
  if (received < bytes) throw new UploadError('UPLOAD_BROKEN')
  pieces.push(...sealer.end())
  await flush()
  await writing
}

/** Gives each piece to `take`, and the next one once it is done with it. NOTE: an iterator would copy what has gathered, and takes a tenth more of the processor for all. */
async function readBody(body: Readable, take: (piece: Buffer) => Promise<void> | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const broken = (cause?: unknown): void => reject(new UploadError('UPLOAD_BROKEN', { cause }))
  let taking = Promise.resolve()
  const onPiece = (piece: Buffer): void => {
    try {
      const taken = take(piece)
      if (taken === undefined) return
      body.pause()
      taking = taken.then(() => void body.resume(), reject)
    } catch (error) {
      reject(error)
    }
  }
  /** It ends, and closes, although it is paused, when its last piece was there already. */
  const onEnd = (): void => {
    body.off('close', broken)
    void taking.then(resolve)
  }
  if (body.destroyed) broken()
  body.on('data', onPiece).on('end', onEnd).on('error', broken).on('close', broken)
  try {
    await promise
  } finally {
    body.off('data', onPiece).off('end', onEnd).off('error', broken).off('close', broken)
    body.pause()
  }
}

async function write(file: UploadFile, pieces: readonly Buffer[]): Promise<void> {
  await file.write(pieces)
  for (const piece of pieces) giveBack(piece)
}
