/**
 * The key directory without its protocols: submitting, publishing, looking up, removing. A certificate is taken from anybody once it is verified; its user
 * ids are shown only when the owner of their address said so, which callers of `publish` must have made sure of.
 */
import { OperationalError } from '@sealpost/errors'
import { normalizeAddress } from '@sealpost/openpgp'
import type { CertificateSummary, Dropped } from '@sealpost/openpgp'
import type { Clock } from '@sealpost/runtime'
import type { CertificateWorker } from '../certificates/certificate-worker.ts'
import type { Form } from '../certificates/form.ts'
import type { ImportedCertificate, MergeResult, MergeTask, ReadResult } from '../certificates/task.ts'
import type { AccountOf } from './account-of.ts'
import { mailboxAskedFor } from './mailbox.ts'
import type { CertificateStore, Listed, Needle, NewRow, Served, StoredRow, Update } from './store.ts'

/** Certificates of one answer: more than one only where key ids or adopted subkeys are shared. */
const MATCHES_MAX = 4
/** Days until user ids that nobody published are forgotten. */
const FORGET_DAYS = 14
const FORGET_BATCH = 100
/** Days for which it is told whose answers changed on them, today included. */
const PREFIX_LOG_DAYS = 90
/** Of one day; beyond that it is no help. */
const PREFIXES_MAX = 100_000
const DAY_MS = 86_400_000
/** Certificates of one upload that are read, merged and written together: each may be twice 256 KiB. */
const TOGETHER_MAX = 32
/** Tries to write a certificate that others change at the same time. */
const TRIES_MAX = 10

export class DirectoryError extends OperationalError {
  override name = 'DirectoryError'
}

const fail = {
  unknown: () => new DirectoryError('KEYS_UNKNOWN', 'There is no such certificate in the directory.'),
  noSuchUserId: () =>
    new DirectoryError('KEYS_NO_SUCH_USER_ID', 'No valid user id of the certificate has this address.'),
  poolExceeded: () =>
    new DirectoryError(
      'KEYS_POOL_EXCEEDED',
      'The organisation of this address may have no more certificates published.',
    ),
  contended: () =>
    new DirectoryError('KEYS_CONTENDED', 'Others change this certificate at the moment. Try again.'),
} as const

const UNPUBLISHABLE: ReadonlySet<string> = new Set(['KEYS_NO_SUCH_USER_ID', 'KEYS_POOL_EXCEEDED'])

/** `ignored`: its owner had it removed. */
export type Outcome = 'inserted' | 'updated' | 'unchanged' | 'ignored'

export interface Submitted {
  readonly fingerprint: string
  readonly outcome: Outcome
  /** Addresses that its owner might publish. */
  readonly unpublished: readonly string[]
  /** Addresses of valid user ids of what was sent. */
  readonly addresses: readonly string[]
  /** Addresses of all user ids of what was sent: who sent it knows these, and no others. */
  readonly named: readonly string[]
}

/** A certificate of an upload that was read and verified, before anything is kept of it. */
export type Readable = Pick<ReadResult['certificates'][number], 'fingerprint' | 'addresses'>

export interface Submission {
  readonly certificates: readonly Submitted[]
  /** Keys of which nothing was valid, and revocations whose key is unknown. */
  readonly rejected: number
  /** Fingerprints of those among them whose key is one that we read. */
  readonly refused: readonly string[]
  readonly dropped: Dropped
}

/** What became of certificates from another directory. */
export interface Imported extends Readonly<Record<Outcome, number>> {
  readonly published: number
  /** Of those of which nothing was taken: why, and how many. */
  readonly problems: Readonly<Record<string, number>>
  readonly dropped: Dropped
}

/** What is known of a certificate and its addresses. */
export interface Described {
  readonly fingerprint: string
  readonly kept: Buffer
  /** With the user ids of published addresses only. */
  readonly listing: CertificateSummary
  readonly published: readonly string[]
  /** Published, but not shown for now. */
  readonly suspended: readonly string[]
  /** Those that its owner might publish. */
  readonly unpublished: readonly string[]
  /** Those whose user ids hold no more. */
  readonly revoked: readonly string[]
}

type Parts = Partial<{
  incoming: Uint8Array
  revocation: Uint8Array
  publish: string
  unpublish: string
  suspend: string
  restore: string
  erase: string
  forget: boolean
  bare: boolean
  /** By anybody: only a revocation is taken of what its owner had removed. */
  sent: boolean
}>

interface Change {
  readonly before: StoredRow | undefined
  readonly result: MergeResult | undefined
}

/** A change that is not written yet: `row` is to be written, unless that is there already. */
interface Prepared extends Change {
  readonly row: NewRow | undefined
}

/** Counts what is published for addresses against what may be. */
export interface PublicationPools {
  /** Before something is published for an address. `held`: it was counted before, or nobody counts it. */
  take(address: string): Promise<'taken' | 'held' | 'exceeded'>
  /** Nothing is published for the address any more. */
  giveBack(address: string): Promise<void>
}

export interface DirectoryOptions {
  readonly store: CertificateStore
  readonly accountOf: AccountOf
  readonly pools: PublicationPools
  readonly worker: Pick<CertificateWorker, 'read' | 'merge' | 'mergeAll' | 'import'>
  readonly clock: Clock
}

export class Directory {
  readonly #store: CertificateStore
  readonly #accountOf: AccountOf
  readonly #pools: PublicationPools
  readonly #worker: DirectoryOptions['worker']
  readonly #clock: Clock

  constructor({ store, accountOf, pools, worker, clock }: DirectoryOptions) {
    this.#store = store
    this.#accountOf = accountOf
    this.#pools = pools
    this.#worker = worker
    this.#clock = clock
  }

  /**
   * Takes what verifies of an upload, or of the field `keytext` of one that is a form. Throws OpenPgpError for what cannot be read or must not be kept; and
   * what `check` throws, before anything is kept.
   */
  async submit(
    upload: Uint8Array,
    form?: Form,
    check?: (all: readonly Readable[]) => void,
  ): Promise<Submission> {
    const read = await this.#worker.read({ upload, form, now: this.#now() })
    check?.(read.certificates)
    const certificates: Submitted[] = []
    for (let from = 0; from < read.certificates.length; from += TOGETHER_MAX)
      certificates.push(...(await this.#takeAll(read.certificates.slice(from, from + TOGETHER_MAX))))
    let { rejected } = read
    for (const revocation of read.revocations) {
      const submitted = await this.#takeRevocation(revocation)
      if (submitted) certificates.push(submitted)
      else rejected += 1
    }
    return { certificates, rejected, refused: read.refused, dropped: read.dropped }
  }

  /**
   * Takes what verifies of certificates from another directory, many at once. `publish` says of each address, and of the upload it was in, whether whoever runs this directory vouches for it: those
   * are published unless something is published for the address already, or the certificate is revoked.
   */
  async importAll(
    uploads: readonly Uint8Array[],
    publish: (address: string, index: number) => boolean,
  ): Promise<Imported> {
    const { certificates, problems, dropped } = await this.#worker.import({ uploads, now: this.#now() })
    const firstOfEach = new Map(certificates.toReversed().map((each) => [each.fingerprint, each]))
    const fresh = [...firstOfEach.values()]
    const inserted = new Set(await this.#store.insertAll(fresh.map((each) => this.#newRow(each))))
    const counts = { inserted: inserted.size, updated: 0, unchanged: 0, ignored: 0, published: 0 }
    for (const { index, fingerprint, bytes, fresh: alone } of certificates) {
      if (!inserted.delete(fingerprint)) {
        const { outcome } = await this.#take(fingerprint, { incoming: bytes })
        counts[outcome] += 1
        if (outcome === 'ignored') continue
      }
      if (alone.listing.revoked !== undefined) continue
      for (const address of alone.unpublished)
        if (publish(address, index) && (await this.#publishFirst(fingerprint, address))) counts.published += 1
    }
    return { ...counts, problems, dropped }
  }

  /** Certificates as they are answered, binary; addresses of any case. */
  async find(needle: Needle): Promise<readonly Served[]> {
    const normal = normalize(needle)
    return normal === undefined ? [] : this.#store.serve(normal, MATCHES_MAX)
  }

  /** The same for an index. */
  async list(needle: Needle): Promise<readonly Listed[]> {
    const normal = normalize(needle)
    return normal === undefined ? [] : this.#store.list(normal, MATCHES_MAX)
  }

  /**
   * For somebody who writes to an address: its certificate with one user id. `domain` as DNS has it, `hash` of the local part, which may come along. Undefined
   * when nothing is published for it.
   */
  async findForMailbox(domain: string, hash: Buffer, localPart?: string): Promise<Buffer | undefined> {
    return this.#store.serveMailbox(mailboxAskedFor(domain, hash, localPart))
  }

  /**
   * The first four octets of the fingerprints of certificates whose answer changed on a day, YYYY-MM-DD in UTC, in hexadecimal and in order. Undefined when
   * that is not known: long ago, in the future, or of too many.
   */
  async changedOn(day: string): Promise<readonly string[] | undefined> {
    if (day <= this.#day(-PREFIX_LOG_DAYS) || day > this.#day(0)) return undefined
    const prefixes = await this.#store.prefixes(day, PREFIXES_MAX + 1)
    return prefixes.length > PREFIXES_MAX ? undefined : prefixes
  }

  /**
   * Shows the user ids of an address. What was published for it before no longer is, from the same moment on. The caller has verified that the owner of the
   * address wants it. Throws KEYS_POOL_EXCEEDED when that would be more than its organisation may have, and DirectoryError in any case before something is
   * changed. An account that is suspended has it hidden, one that is terminated erased; when accounts cannot be asked for, it rejects although it is published,
   * and whoever follows accounts sees to that.
   */
  async publish(fingerprint: string, text: string): Promise<void> {
    const address = normalizeAddress(text)
    if (address === undefined) throw fail.noSuchUserId()
    const counted = await this.#pools.take(address)
    if (counted === 'exceeded') throw fail.poolExceeded()
    try {
      await this.#publish(fingerprint, address)
    } catch (error) {
      if (counted === 'taken') await this.#pools.giveBack(address)
      throw error
    }
    await this.#pools.take(address) // another may have let it go meanwhile
    await this.#heedAccount(address)
  }

  async #publish(fingerprint: string, address: string): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1)
      if (await this.#tryPublish(fingerprint, address)) return
    throw fail.contended()
  }

  /** After it was published: whoever follows accounts may have looked before that, and found nothing to hide, or before it was hidden, and found nothing to show again. */
  async #heedAccount(address: string): Promise<void> {
    const account = await this.#accountOf(address)
    if (account?.state === 'terminated') await this.erase(address)
    if (account?.state !== 'suspended') return
    await this.suspend(address)
    const now = await this.#accountOf(address)
    if (now?.state === 'active') await this.restore(address)
    if (now?.state === 'terminated') await this.erase(address)
  }

  /** Hides the user ids of an address; the certificate stays, for those who know its fingerprint. */
  async unpublish(text: string): Promise<void> {
    const address = normalizeAddress(text)
    const owner = address === undefined ? undefined : await this.#store.ownerOf(address)
    if (owner === undefined || address === undefined) return
    await this.#change(owner, { unpublish: address })
    await this.#letGo(address)
  }

  /** Hides the user ids of an address until `restore`; others cannot publish for it meanwhile without taking it over. */
  async suspend(text: string): Promise<void> {
    const address = normalizeAddress(text)
    const owner = await this.ownerOf(text)
    if (owner !== undefined && address !== undefined) await this.#change(owner, { suspend: address })
  }

  /** Shows what `suspend` hid. */
  async restore(text: string): Promise<void> {
    const address = normalizeAddress(text)
    const owner = await this.ownerOf(text)
    if (owner !== undefined && address !== undefined) await this.#change(owner, { restore: address })
  }

  /** Forgets what is published for an address, user ids included, and the certificate if it is published for no other. It may come again. */
  async erase(text: string): Promise<void> {
    const address = normalizeAddress(text)
    const owner = await this.ownerOf(text)
    const row = owner === undefined ? undefined : await this.#store.find(owner)
    if (row === undefined || address === undefined) return
    const others = [...row.addresses, ...row.suspended].filter((each) => each !== address)
    const parts = others.length > 0 ? { unpublish: address, erase: address } : { bare: true }
    const { result } = await this.#change(row.fingerprint, parts)
    if (result === undefined) await this.#store.delete(row.fingerprint)
    await this.#letGo(address)
  }

  /** Fingerprint of the certificate that is published for an address, or was and is suspended. */
  async ownerOf(text: string): Promise<string | undefined> {
    const address = normalizeAddress(text)
    return address === undefined ? undefined : this.#store.ownerOf(address)
  }

  /** Undefined when it is not here. */
  async describe(fingerprint: string): Promise<Described | undefined> {
    const row = await this.#store.find(fingerprint)
    const result = row && (await this.#worker.merge({ ...this.#asIs(row), kept: row.kept }))
    if (row === undefined || result === undefined) return undefined
    const { kept, addresses: published, suspended } = row
    const { listing, unpublished, revoked } = result
    return { fingerprint, kept, listing, published, suspended, unpublished, revoked }
  }

  /** At its owner's wish: nothing of it is answered or taken again, but for its revocation, which everybody should know. False when it was not there. */
  async remove(fingerprint: string): Promise<boolean> {
    const row = await this.#store.find(fingerprint)
    if (row === undefined) return false
    await this.#store.bury(fingerprint)
    const { result } = await this.#change(fingerprint, { bare: true })
    if (result === undefined) await this.#store.delete(fingerprint)
    for (const address of [...row.addresses, ...row.suspended]) await this.#letGo(address)
    return true
  }

  /** The same at the wish of whoever runs the directory, also for one that is not here yet. */
  async ban(fingerprint: string): Promise<boolean> {
    await this.#store.bury(fingerprint)
    return this.remove(fingerprint)
  }

  /** Whether nothing of it is taken again but its revocation. */
  isRemoved(fingerprint: string): Promise<boolean> {
    return this.#store.isBuried(fingerprint)
  }

  /** Lets a certificate that was removed come again, at its owner's wish. */
  async readmit(fingerprint: string): Promise<void> {
    await this.#store.unbury(fingerprint)
  }

  /** Forgets user ids that nobody published in time, and which answers changed long ago. Returns how many certificates were changed. */
  async forgetUnpublished(): Promise<number> {
    await this.#store.forgetPrefixes(this.#day(-PREFIX_LOG_DAYS))
    const today = this.#day(0)
    const changed = new Set<string>()
    for (;;) {
      const due = await this.#store.due(today, FORGET_BATCH)
      // One that is due again was not forgotten: it waits for the next turn.
      const fresh = due.filter((each) => !changed.has(each))
      if (fresh.length === 0) return changed.size
      for (const fingerprint of fresh) {
        await this.#change(fingerprint, { forget: true })
        changed.add(fingerprint)
      }
    }
  }

  /** It is not counted any more, unless another has published for it again. */
  async #letGo(address: string): Promise<void> {
    await this.#pools.giveBack(address)
    if ((await this.#store.ownerOf(address)) !== undefined) await this.#pools.take(address)
  }

  /** False when something is published for the address already, the user id does not hold in what is kept, or its organisation may have no more. */
  async #publishFirst(fingerprint: string, address: string): Promise<boolean> {
    if ((await this.#store.ownerOf(address)) !== undefined) return false
    try {
      await this.publish(fingerprint, address)
      return true
    } catch (error) {
      if (error instanceof DirectoryError && UNPUBLISHABLE.has(error.code)) return false
      throw error
    }
  }

  #newRow({ fingerprint, fresh }: ImportedCertificate): NewRow {
    return {
      fingerprint,
      kept: Buffer.from(fresh.kept),
      served: Buffer.from(fresh.served),
      minimal: [],
      listing: fresh.listing,
      addresses: [],
      suspended: [],
      changedOn: this.#day(0),
      forgetOn: fresh.withholds ? this.#day(FORGET_DAYS) : undefined,
    }
  }

  /** Makes what is kept anew, and nothing else of it. */
  #asIs({ addresses, suspended }: Claims): Omit<MergeTask, 'kind' | 'kept'> {
    const nothing = {
      incoming: undefined,
      revocation: undefined,
      erase: undefined,
      forget: false,
      bare: false,
    }
    return { ...nothing, addresses, suspended, now: this.#now() }
  }

  #now(): number {
    return Math.floor(this.#clock.now() / 1000)
  }

  #day(ahead: number): string {
    return new Date(this.#clock.now() + ahead * DAY_MS).toISOString().slice(0, 10)
  }

  async #take(fingerprint: string, parts: Parts): Promise<Submitted> {
    return asSubmitted(fingerprint, await this.#change(fingerprint, { ...parts, sent: true }))
  }

  /** Each as `#take` does, but with few questions to the store for all of them: those that are new are written together. What others change meanwhile is taken by itself. */
  async #takeAll(all: ReadResult['certificates']): Promise<Submitted[]> {
    const fingerprints = all.map(({ fingerprint }) => fingerprint)
    const rows = new Map((await this.#store.findAll(fingerprints)).map((row) => [row.fingerprint, row]))
    const buried = new Set(await this.#store.buriedAmong(fingerprints)) // after the rows, as in #tryChange
    const changes = all.map(({ fingerprint, bytes: incoming, addresses, named }) => ({
      fingerprint,
      addresses,
      named,
      before: rows.get(fingerprint),
      parts: { incoming, bare: buried.has(fingerprint) },
    }))
    const results = await this.#worker.mergeAll(
      changes.map(({ before, parts }) => this.#merged(before, parts)),
    )
    const made = changes.map((each, index) => {
      const result = results[index]
      return {
        ...each,
        result,
        row: result && this.#rowOf(each.fingerprint, each.before, each.parts, result),
      }
    })
    const fresh = made.flatMap(({ before, row }) => (before === undefined && row !== undefined ? row : []))
    const inserted = new Set(fresh.length === 0 ? [] : await this.#store.insertAll(fresh))
    const taken: Submitted[] = []
    for (const { fingerprint, addresses, named, before, parts, result, row } of made) {
      const written =
        row === undefined ||
        inserted.has(fingerprint) ||
        (before !== undefined && (await this.#store.put(row, before.revision)))
      const change = written
        ? asSubmitted(fingerprint, { before, result })
        : await this.#take(fingerprint, { incoming: parts.incoming })
      taken.push({ ...change, addresses, named })
    }
    return taken
  }

  /** Undefined when no certificate here is revoked by it. */
  async #takeRevocation({
    fingerprint,
    keyId,
    bytes,
  }: ReadResult['revocations'][number]): Promise<Submitted | undefined> {
    const needle: Needle | undefined =
      fingerprint !== undefined
        ? { kind: 'fingerprint', value: fingerprint }
        : keyId !== undefined
          ? { kind: 'key-id', value: keyId }
          : undefined
    const candidates = needle === undefined ? [] : await this.#store.serve(needle, MATCHES_MAX)
    for (const candidate of candidates) {
      const submitted = await this.#take(candidate.fingerprint, { revocation: bytes })
      if (submitted.outcome !== 'ignored') return submitted
    }
    return undefined
  }

  async #change(fingerprint: string, parts: Parts): Promise<Change> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const change = await this.#tryChange(fingerprint, parts)
      if (change !== 'lost') return change
    }
    throw fail.contended()
  }

  /** False when somebody else wrote one of the certificates meanwhile. */
  async #tryPublish(fingerprint: string, address: string): Promise<boolean> {
    const taker = await this.#prepare(fingerprint, { publish: address })
    if (taker.result === undefined) throw fail.unknown()
    const owner = await this.#store.ownerOf(address)
    if (owner === undefined || owner === fingerprint) return this.#write(taker)
    const loser = await this.#prepare(owner, { unpublish: address })
    const [given, taken] = [updateOf(taker), updateOf(loser)]
    return given !== undefined && taken !== undefined && this.#store.takeOver(given, taken)
  }

  /** Reads, changes and writes one certificate; `lost` when somebody else wrote it meanwhile. */
  async #tryChange(fingerprint: string, wanted: Parts): Promise<Change | 'lost'> {
    const prepared = await this.#prepare(fingerprint, wanted)
    return (await this.#write(prepared)) ? prepared : 'lost'
  }

  async #write({ before, row }: Prepared): Promise<boolean> {
    return row === undefined || this.#store.put(row, before?.revision)
  }

  /** Reads a certificate and changes it. Throws KEYS_NO_SUCH_USER_ID when it has none that is to be published. */
  async #prepare(fingerprint: string, wanted: Parts): Promise<Prepared> {
    const before = await this.#store.find(fingerprint)
    // After the row was read: it may have been removed since the last try, and the tombstone is there first.
    const buried = wanted.sent === true && (await this.#store.isBuried(fingerprint))
    const parts = { ...wanted, bare: wanted.bare === true || buried }
    const result = await this.#worker.merge(this.#merged(before, parts))
    if (result === undefined) return { before, result, row: undefined }
    if (
      parts.publish !== undefined &&
      !result.listing.userIds.some((each) => each.valid && each.address === parts.publish)
    )
      throw fail.noSuchUserId()
    return { before, result, row: this.#rowOf(fingerprint, before, parts, result) }
  }

  #merged(before: StoredRow | undefined, parts: Parts): Omit<MergeTask, 'kind'> {
    return {
      ...this.#asIs(claimsAfter(before, parts)),
      kept: before?.kept,
      incoming: parts.incoming,
      revocation: parts.revocation,
      erase: parts.erase,
      forget: parts.forget === true,
      bare: parts.bare === true,
    }
  }

  /** What is to be written; undefined when that is there already. */
  #rowOf(
    fingerprint: string,
    before: StoredRow | undefined,
    parts: Parts,
    result: MergeResult,
  ): NewRow | undefined {
    const claims = claimsAfter(before, parts)
    if (before !== undefined && parts.forget !== true && isSame(before, result, claims)) return undefined
    return {
      ...claims,
      fingerprint,
      kept: Buffer.from(result.kept),
      served: Buffer.from(result.served),
      minimal: result.minimal.map((bytes) => bytes && Buffer.from(bytes)),
      changedOn: before?.served.equals(result.served) === true ? undefined : this.#day(0),
      listing: result.listing,
      forgetOn: result.withholds ? (before?.forgetOn ?? this.#day(FORGET_DAYS)) : undefined,
    }
  }
}

function updateOf({ before, row }: Prepared): Update | undefined {
  return before && row && { row, revision: before.revision }
}

function asSubmitted(fingerprint: string, { before, result }: Change): Submitted {
  const nothing = { unpublished: [], addresses: [], named: [] }
  if (result === undefined) return { fingerprint, outcome: 'ignored', ...nothing }
  const unchanged = before?.kept.equals(result.kept) === true
  const outcome = before === undefined ? 'inserted' : unchanged ? 'unchanged' : 'updated'
  return { fingerprint, outcome, ...nothing, unpublished: result.unpublished }
}

type Claims = Pick<StoredRow, 'addresses' | 'suspended'>

/** Which addresses a certificate has when `parts` are done. */
function claimsAfter(before: Claims | undefined, parts: Parts): Claims {
  if (parts.bare === true) return { addresses: [], suspended: [] }
  const addresses = new Set(before?.addresses)
  const suspended = new Set(before?.suspended)
  const { publish, unpublish, suspend, restore } = parts
  if (publish !== undefined) {
    addresses.add(publish)
    suspended.delete(publish)
  }
  if (unpublish !== undefined) {
    addresses.delete(unpublish)
    suspended.delete(unpublish)
  }
  if (suspend !== undefined && addresses.delete(suspend)) suspended.add(suspend)
  if (restore !== undefined && suspended.delete(restore)) addresses.add(restore)
  return { addresses: [...addresses].sort(), suspended: [...suspended].sort() }
}

function isSame(before: StoredRow, { kept, served }: MergeResult, claims: Claims): boolean {
  return (
    before.kept.equals(kept) &&
    before.served.equals(served) &&
    before.addresses.length === claims.addresses.length &&
    before.suspended.length === claims.suspended.length
  )
}

function normalize({ kind, value }: Needle): Needle | undefined {
  if (kind !== 'address') return { kind, value }
  const address = normalizeAddress(value)
  return address === undefined ? undefined : { kind, value: address }
}
