import { diskVolume } from './disk-volume.ts'
import { FileWriter } from './file-writer.ts'
import { HEADER_BYTES, decodeHeader, encodeHeader } from './header.ts'
import type { Header } from './header.ts'
import type { Keyring, KeyringOptions } from './keyring.ts'
import { KeyringError } from './keyring-error.ts'
import type { KeyringErrorCode } from './keyring-error.ts'
import { RandomPool } from './random-pool.ts'
import { SlotKeyring } from './slot-keyring.ts'
import type { SlotWriter } from './slot-keyring.ts'
import { SLAB_BYTES, SlotTable } from './slot-table.ts'
import type { KeyFile, KeyringRequest, Volume } from './volume.ts'

const SLOTS_MAX = 4_000_000
const WINDOW_MS = 2

/** The id of every keyring that is in memory only: the rows it leaves behind are garbage, not lost messages. */
export const RAM_KEYRING_ID = '00000000-0000-0000-0000-000000000000'

/** Refusals that an operator's request may decide. A keyring that does not fit never destroys anything by itself. */
const REQUEST_DECIDES: Readonly<Record<string, readonly KeyringRequest[]>> = {
  KEYRING_INSTANCE_MISMATCH: ['adopt', 'reset'],
  KEYRING_ROLLED_BACK: ['adopt', 'reset'],
  KEYRING_LOST: ['reset'],
  KEYRING_DAMAGED: ['reset'],
} satisfies Partial<Record<KeyringErrorCode, readonly KeyringRequest[]>>

/**
 * Opens the keyring of this process and raises its epoch. Throws KEYRING_HELD, KEYRING_UNAVAILABLE when the disk refuses, and
 * KEYRING_INSTANCE_MISMATCH, KEYRING_ROLLED_BACK, KEYRING_LOST or KEYRING_DAMAGED until an operator has asked to adopt or reset it; a
 * request is used up by the next opening that succeeds, needed or not.
 */
export async function openKeyring(options: KeyringOptions): Promise<Keyring> {
  try {
    if (options.mode === 'ram') return await openRam(options)
    return await openKeyringOn(await diskVolume(options.directory), options)
  } catch (cause) {
    if (cause instanceof Error && 'syscall' in cause) throw new KeyringError('KEYRING_UNAVAILABLE', { cause })
    throw cause
  }
}

/** As `openKeyring` in `file` mode, on any volume. */
export async function openKeyringOn(volume: Volume, options: KeyringOptions): Promise<Keyring> {
  await using stack = new AsyncDisposableStack()
  const lock = stack.use(await volume.lock())
  const { file, header } = await claim(volume, options, stack)
  const table = new SlotTable(options.slotsMax ?? SLOTS_MAX)
  load(file, table)
  const writer = new FileWriter({
    file,
    table,
    lock,
    epoch: header.epoch,
    windowMs: options.windowMs ?? WINDOW_MS,
    onAvailable: options.onAvailable ?? (() => undefined),
    onFenced: options.onFenced ?? (() => undefined),
  })
  const keyring = create(options, table, writer, header)
  stack.move()
  return keyring
}

/** Touches the disk only to ask whether rows of a former keyring in a file may go. */
async function openRam(options: KeyringOptions): Promise<Keyring> {
  if (options.rowsExist && options.lastSeen?.keyringId !== RAM_KEYRING_ID) {
    const volume = await diskVolume(options.directory)
    await decide(volume, options, 'KEYRING_LOST')
    await volume.clearRequest()
  }
  const header = { keyringId: RAM_KEYRING_ID, epoch: (options.lastSeen?.epoch ?? 0) + 1 }
  const writer: SlotWriter = {
    failure: undefined,
    mark: () => undefined,
    synced: () => Promise.resolve(performance.now()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  return create(options, new SlotTable(options.slotsMax ?? SLOTS_MAX), writer, header)
}

function create(
  options: KeyringOptions,
  table: SlotTable,
  writer: SlotWriter,
  header: Pick<Header, 'keyringId' | 'epoch'>,
): Keyring {
  const pool = new RandomPool(options.random)
  return new SlotKeyring({ ...header, table, writer, pool, clock: options.clock })
}

/** The file that is right for this database, with our epoch in its header. */
async function claim(
  volume: Volume,
  options: KeyringOptions,
  stack: AsyncDisposableStack,
): Promise<{ file: KeyFile; header: Header }> {
  let found = await openFile(volume)
  stack.defer(() => found?.file.close())
  const refusal = refusalOf(found, options)
  if (refusal !== undefined && (await decide(volume, options, refusal)) === 'reset') {
    await found?.file.close()
    await volume.destroy()
    found = undefined
  }
  const header: Header = {
    instanceId: options.instanceId,
    keyringId: found?.header?.keyringId ?? options.random.uuid(),
    epoch: Math.max(found?.header?.epoch ?? 0, options.lastSeen?.epoch ?? 0) + 1,
  }
  const { position, bytes } = encodeHeader(header)
  if (found === undefined) {
    const page = Buffer.alloc(HEADER_BYTES)
    bytes.copy(page, position)
    found = { file: await volume.create(page), header }
  } else {
    found.file.write(position, bytes)
    await found.file.sync()
  }
  await volume.clearRequest()
  return { file: found.file, header }
}

async function openFile(volume: Volume): Promise<{ file: KeyFile; header: Header | undefined } | undefined> {
  const file = await volume.open()
  return file === undefined ? undefined : { file, header: decodeHeader(file.read(0, HEADER_BYTES)) }
}

function refusalOf(
  found: { file: KeyFile; header: Header | undefined } | undefined,
  options: KeyringOptions,
): KeyringErrorCode | undefined {
  const { lastSeen, rowsExist } = options
  const rowsNeedKeys = rowsExist && lastSeen?.keyringId !== RAM_KEYRING_ID
  if (found === undefined) return rowsNeedKeys ? 'KEYRING_LOST' : undefined
  const { header } = found
  if (header === undefined) return 'KEYRING_DAMAGED'
  if (header.instanceId !== options.instanceId) return 'KEYRING_INSTANCE_MISMATCH'
  if (rowsNeedKeys && lastSeen !== undefined && header.keyringId !== lastSeen.keyringId)
    return 'KEYRING_INSTANCE_MISMATCH'
  // A copy that was put back holds keys that were destroyed since.
  if (header.keyringId === lastSeen?.keyringId && header.epoch < lastSeen.epoch) return 'KEYRING_ROLLED_BACK'
  return undefined
}

/** The operator's request for this refusal; without one, the refusal is thrown. */
async function decide(
  volume: Volume,
  options: KeyringOptions,
  refusal: KeyringErrorCode,
): Promise<KeyringRequest> {
  const request = await volume.request()
  if (request === undefined || REQUEST_DECIDES[refusal]?.includes(request) !== true)
    throw new KeyringError(refusal)
  options.onRequest?.(request)
  return request
}

function load(file: KeyFile, table: SlotTable): void {
  const bytesOfSlots = Math.max(0, file.length - HEADER_BYTES)
  for (let read = 0; read < bytesOfSlots; read += SLAB_BYTES) {
    const slab = Buffer.alloc(SLAB_BYTES)
    const bytes = file.read(HEADER_BYTES + read, SLAB_BYTES)
    bytes.copy(slab)
    bytes.fill(0)
    table.adopt(slab)
  }
}
