/**
 * Audits what a key directory serves and has served for one address, trusting nothing that it says: the whole log is read and hashed, and what the server tells of
 * its history is held against it. What an earlier audit has read is not read again, but must still be there.
 */
import { OperationalError } from '@sealpost/errors'
import { normalizeAddress } from '@sealpost/openpgp'
import {
  Frontier,
  HASH_BYTES,
  hashCertificate,
  hashLeaf,
  hashVrfOutput,
  NO_CERTIFICATE,
  openCheckpoint,
  parseVerifierKey,
  readBundle,
  readEntry,
  TILE_WIDTH,
  TiledTree,
  tilePath,
  tileWidth,
  TlogError,
  verifyConsistency,
  verifyLookup,
  verifyVrf,
  vrfInput,
  vrfKeyOf,
} from '@sealpost/tlog'
import type { Checkpoint, NoteKey, Tile } from '@sealpost/tlog'
import type { AuditState, ReadSoFar } from './audit-state.ts'

/** Answers of the server, whatever their status. */
export type Ask = (path: string, bytesMax: number) => Promise<{ status: number; body: Buffer }>

export interface AuditOptions {
  readonly ask: Ask
  readonly address: string
  /** Of the audit before. */
  readonly state: AuditState | undefined
  /** Verifier key that the log must have; unless given, that of the audit before, or what the server shows the first time. */
  readonly verifierKey: string | undefined
  /** Each of these must have cosigned the log (C2SP tlog-cosignature): then everybody is shown the same. */
  readonly witnesses: readonly NoteKey[]
}

export interface AuditedEntry {
  readonly index: number
  /** As the server says. */
  readonly day: string
  /** Hexadecimal. */
  readonly certificateHash: string
  /** `withdrawn`: nothing was served from here on; `erased`: the server does not keep the certificate any more. */
  readonly what: 'certificate' | 'withdrawn' | 'erased'
  readonly certificate: Buffer | undefined
}

export interface AuditReport {
  readonly verifierKey: string
  readonly size: number
  /** Of the audit before: the log was shown to have grown from there. */
  readonly comparedWith: number | undefined
  /** Those of the witnesses that were asked for. */
  readonly cosignatures: readonly { readonly witness: string; readonly time: number; readonly size: number }[]
  readonly entries: readonly AuditedEntry[]
}

/** Something does not hold: the server lies, or is damaged, or somebody is in between. */
export class AuditFailure extends OperationalError {
  override readonly name = 'AuditFailure'

  constructor(message: string) {
    super('AUDIT_FAILED', message)
  }
}

const TEXT_BYTES_MAX = 256 * 1024
const CERTIFICATE_BYTES_MAX = 1024 * 1024
const BUNDLE_BYTES_MAX = TILE_WIDTH * 66
const NOT_SIGNED = 'The entries that the server gives are not those that its checkpoint is signed for'
const REWRITTEN = 'what was read at the last audit was rewritten since, or you are shown a fork'
/** Pages of the history: each has up to 256 entries. */
const PAGES_MAX = 1_000
/** A lookup and a proof may have a change between them: then both are asked for again. */
const LOOKUPS_MAX = 3

/** Throws AuditFailure with the first thing that does not hold. */
export async function auditAddress(
  options: AuditOptions,
): Promise<{ report: AuditReport; state: AuditState }> {
  const address = normalizeAddress(options.address)
  if (address === undefined) throw new AuditFailure('This is no mail address')
  try {
    return await audit({ ...options, address })
  } catch (error) {
    if (error instanceof TlogError) throw new AuditFailure(error.message)
    throw error
  }
}

async function audit(options: AuditOptions): Promise<{ report: AuditReport; state: AuditState }> {
  const { ask, address, state } = options
  const verifierKey = await knownKey(options)
  const key = parseVerifierKey(verifierKey)
  // In this order: the tree must have grown from what was witnessed, and the history must have all that is in the tree.
  const witnessed = await readWitnessed(options, key)
  const checkpoint = openCheckpoint(await text(ask, '/tlog/checkpoint'), key)
  const history = await readHistory(ask, address)
  const hash = hashVrfOutput(verifyVrf(vrfKeyOf(key.name), vrfInput(address), history.vrfProof))
  const read = await readLog({ ask, checkpoint, hash, state })
  if (witnessed !== undefined) await compareWitnessed(ask, witnessed, checkpoint)
  compareHistory(history.entries, read)
  const days = new Map(history.entries.map(({ index, day }) => [index, day]))
  const entries: AuditedEntry[] = []
  for (const { index, certificate } of read.entries)
    entries.push(
      await inspect(options, { index, hash: Buffer.from(certificate, 'hex'), day: days.get(index) ?? '' }),
    )
  await compareLookup(options, key, read.entries.at(-1)?.index)
  const { size, root } = checkpoint
  const addresses = { ...state?.addresses, [hash.toString('hex')]: read }
  return {
    report: {
      verifierKey,
      size,
      comparedWith: state?.size,
      cosignatures: cosignaturesOf(witnessed),
      entries,
    },
    state: { verifierKey, size, root: root.toString('base64'), addresses },
  }
}

async function knownKey({ ask, state, verifierKey }: AuditOptions): Promise<string> {
  const shown = (await text(ask, '/tlog/key')).toString().trim()
  if (verifierKey !== undefined && verifierKey !== shown)
    throw new AuditFailure('The server has a log with another key than the one that was given')
  if (state !== undefined && state.verifierKey !== shown)
    throw new AuditFailure(
      'The server has a log with another key than at the last audit: the old one is abandoned, or hidden',
    )
  return shown
}

/** Undefined when no witness was asked for. */
async function readWitnessed(
  { ask, witnesses }: AuditOptions,
  key: NoteKey,
): Promise<Checkpoint | undefined> {
  if (witnesses.length === 0) return undefined
  const checkpoint = openCheckpoint(await text(ask, '/tlog/witnessed'), key, witnesses)
  const missing = witnesses.find(
    ({ name }) => !checkpoint.cosignatures.some(({ witness }) => witness === name),
  )
  if (missing !== undefined) throw new AuditFailure(`The log is not cosigned by ${missing.name}`)
  return checkpoint
}

function cosignaturesOf(witnessed: Checkpoint | undefined): AuditReport['cosignatures'] {
  return (witnessed?.cosignatures ?? []).map(({ witness, time }) => ({
    witness,
    time,
    size: witnessed?.size ?? 0,
  }))
}

/** That the tree has grown from the one that was witnessed, by its tiles. */
async function compareWitnessed(ask: Ask, witnessed: Checkpoint, { size, root }: Checkpoint): Promise<void> {
  const { size: oldSize, root: oldRoot } = witnessed
  const read = (tile: Tile): Promise<Buffer> => text(ask, `/tlog/${tilePath(tile)}`, TILE_WIDTH * HASH_BYTES)
  const proof =
    oldSize === 0 || oldSize > size ? [] : await new TiledTree(size, read).consistencyProof(oldSize)
  if (!verifyConsistency({ oldSize, oldRoot, size, root, proof }))
    throw new AuditFailure(
      'The log is not the one that was witnessed: you are shown a fork, or it was rolled back',
    )
}

async function text(ask: Ask, path: string, bytesMax = TEXT_BYTES_MAX): Promise<Buffer> {
  const { status, body } = await ask(path, bytesMax)
  if (status !== 200)
    throw new AuditFailure(
      `The server does not give ${path.replace(/\/keys\/v1\/(\w+)\/.*/, 'the $1 of the address')} (${String(status)})`,
    )
  return body
}

interface HistoryEntry {
  readonly index: number
  readonly certificate: string
  readonly day: string
}

interface ShownHistory {
  readonly vrfProof: Buffer
  readonly entries: readonly HistoryEntry[]
}

async function readHistory(ask: Ask, address: string): Promise<ShownHistory> {
  const path = `/keys/v1/history/${encodeURIComponent(address)}`
  const entries: HistoryEntry[] = []
  let vrfProof: Buffer | undefined
  let from: number | undefined = 0
  for (let page = 0; from !== undefined && page < PAGES_MAX; page += 1) {
    const answer = parseHistory(await text(ask, `${path}?from=${String(from)}`))
    vrfProof ??= answer.vrfProof
    entries.push(...answer.entries)
    from = answer.next
  }
  return { vrfProof: vrfProof ?? Buffer.alloc(0), entries }
}

function parseHistory(body: Buffer): ShownHistory & { readonly next: number | undefined } {
  let answer: unknown
  try {
    answer = JSON.parse(body.toString())
  } catch {
    throw malformedHistory()
  }
  const { vrf_proof: proof, entries, next } = (answer ?? {}) as Record<string, unknown>
  if (typeof proof !== 'string' || !Array.isArray(entries)) throw malformedHistory()
  if (next !== undefined && !Number.isSafeInteger(next)) throw malformedHistory()
  return {
    vrfProof: Buffer.from(proof, 'base64'),
    entries: entries.map(parseHistoryEntry),
    next: next as number | undefined,
  }
}

function parseHistoryEntry(value: unknown): HistoryEntry {
  const { index, certificate_hash: certificate, day } = (value ?? {}) as Record<string, unknown>
  if (!Number.isSafeInteger(index) || typeof certificate !== 'string' || typeof day !== 'string')
    throw malformedHistory()
  if (!/^[0-9a-f]{64}$/.test(certificate) || !/^\d{4}-\d\d-\d\d$/.test(day)) throw malformedHistory()
  return { index: index as number, certificate, day }
}

const malformedHistory = (): AuditFailure =>
  new AuditFailure('The server does not give the history of the address as agreed')

/**
 * Reads the log from where the last audit of this address ended, and hashes it: the root must be the one of the checkpoint, and on the way that of the last
 * checkpoint that was seen.
 */
async function readLog({
  ask,
  checkpoint: { size, root },
  hash,
  state,
}: {
  ask: Ask
  checkpoint: Checkpoint
  hash: Buffer
  state: AuditState | undefined
}): Promise<ReadSoFar> {
  if (state !== undefined && size < state.size)
    throw new AuditFailure(
      `The log was rolled back: it had ${String(state.size)} entries at the last audit, and has ${String(size)} now`,
    )
  const before = state?.addresses[hash.toString('hex')]
  const frontier =
    before === undefined
      ? Frontier.empty()
      : Frontier.from(before.size, Buffer.from(before.frontier, 'base64'))
  const entries = [...(before?.entries ?? [])]
  const compare = (): void => {
    if (frontier.size === state?.size && frontier.root().toString('base64') !== state.root)
      throw new AuditFailure(`The entries are those of another log: ${REWRITTEN}`)
  }
  compare()
  for await (const bytes of entriesFrom(ask, frontier.size, size)) {
    const { address, certificate } = readEntry(bytes)
    if (address.equals(hash)) entries.push({ index: frontier.size, certificate: certificate.toString('hex') })
    frontier.append(hashLeaf(bytes))
    compare()
  }
  if (!frontier.root().equals(root))
    throw new AuditFailure(before === undefined ? NOT_SIGNED : `${NOT_SIGNED}, or ${REWRITTEN}`)
  return { size, frontier: frontier.toBytes().toString('base64'), entries }
}

async function* entriesFrom(ask: Ask, from: number, size: number): AsyncGenerator<Buffer> {
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < size; index += 1) {
    const tile = { level: 'entries', index } as const
    const width = tileWidth(tile, size)
    const bundle = readBundle(
      await text(ask, `/tlog/${tilePath({ ...tile, width })}`, BUNDLE_BYTES_MAX),
      width,
    )
    yield* bundle.slice(Math.max(0, from - index * TILE_WIDTH))
  }
}

/** The history may have more than the tree of the checkpoint, which was asked for before it; it never has less. */
function compareHistory(history: readonly HistoryEntry[], { size, entries }: ReadSoFar): void {
  const told = new Map(history.map(({ index, certificate }) => [index, certificate]))
  const concealed = entries.find(({ index, certificate }) => told.get(index) !== certificate)
  if (concealed !== undefined)
    throw new AuditFailure(
      `The server conceals entry ${String(concealed.index)} of the log, which is of this address`,
    )
  const logged = new Set(entries.map(({ index }) => index))
  const invented = history.find(({ index }) => index < size && !logged.has(index))
  if (invented !== undefined)
    throw new AuditFailure(
      `The server tells of entry ${String(invented.index)}, which is not in its log for this address`,
    )
}

async function inspect(
  { ask, address }: AuditOptions,
  { index, hash, day }: { index: number; hash: Buffer; day: string },
): Promise<AuditedEntry> {
  const certificateHash = hash.toString('hex')
  if (hash.equals(NO_CERTIFICATE))
    return { index, day, certificateHash, what: 'withdrawn', certificate: undefined }
  const path = `/keys/v1/history/${encodeURIComponent(address)}/${String(index)}`
  const { status, body } = await ask(path, CERTIFICATE_BYTES_MAX)
  if (status === 404) return { index, day, certificateHash, what: 'erased', certificate: undefined }
  if (status !== 200 || !hashCertificate(body).equals(hash))
    throw new AuditFailure(
      `The certificate that the server gives for entry ${String(index)} is not the one that was logged`,
    )
  return { index, day, certificateHash, what: 'certificate', certificate: body }
}

/** What a lookup is answered with must be what the log says, in a proof that anybody gets who looks up. */
async function compareLookup(options: AuditOptions, log: NoteKey, newest: number | undefined): Promise<void> {
  const { ask, address } = options
  for (let tries = 1; ; tries += 1) {
    const served = await lookUp(ask, address)
    const { status, body } = await ask(`/keys/v1/proof/${encodeURIComponent(address)}`, 2 * TEXT_BYTES_MAX)
    if (status === 404 && newest === undefined && served.length === 0) return
    try {
      if (status !== 200)
        throw new AuditFailure('What a lookup of the address is answered with is not in the log')
      const { index } = verifyLookup({ proof: body.toString(), address, certificate: served }, { log })
      if (index < (newest ?? 0))
        throw new AuditFailure('A lookup of the address is answered with what is not the newest in the log')
      return
    } catch (error) {
      if (tries < LOOKUPS_MAX) continue
      if (error instanceof TlogError)
        throw new AuditFailure(
          `A lookup of the address is answered with what is not in the log. ${error.message}`,
        )
      throw error
    }
  }
}

/** HKP version 2, which serves certificates of every version. Empty when nothing is served. */
async function lookUp(ask: Ask, address: string): Promise<Buffer> {
  const { status, body } = await ask(
    `/pks/v2/certs/by-identity/${encodeURIComponent(address)}`,
    CERTIFICATE_BYTES_MAX,
  )
  if (status === 404) return Buffer.alloc(0)
  if (status === 200 && body.length > 0) return body
  throw new AuditFailure(`The server does not answer a lookup of the address (${String(status)})`)
}
