/**
 * POSIX.1-2008 pax, "ustar Interchange Format": regular files and empty directories, which is all a cluster and its keys are made of. Names beyond a hundred bytes
 * are split as ustar does; owners, times and modes are left out. The program `tar` reads what we write.
 */
import { BackupError } from './backup-error.ts'
import { damaged } from './age/header.ts'

const BLOCK_BYTES = 512
const NAME_BYTES_MAX = 100
/** Eleven octal digits. */
const SIZE_MAX = 8 ** 11 - 1
const PIECE_BYTES = 64 * 1024
const [FILE, DIRECTORY] = ['0', '5']

export type TarEntry =
  | { readonly kind: 'directory'; readonly name: string }
  | {
      readonly kind: 'file'
      readonly name: string
      readonly size: number
      readonly content: AsyncIterable<Buffer>
    }

/** A file that gives fewer bytes than it said is filled up with zeros, one that gives more is cut: both happen while a cluster is in use. */
export async function* writeTar(entries: AsyncIterable<TarEntry>): AsyncIterable<Buffer> {
  for await (const entry of entries) {
    if (entry.kind === 'directory') yield header(`${entry.name}/`, 0, DIRECTORY)
    else {
      yield header(entry.name, entry.size, FILE)
      yield* padded(entry.content, entry.size)
    }
  }
  yield Buffer.alloc(2 * BLOCK_BYTES)
}

async function* padded(content: AsyncIterable<Buffer>, size: number): AsyncIterable<Buffer> {
  let left = size
  for await (const piece of content) {
    const part = piece.subarray(0, left)
    left -= part.length
    yield part
    if (left === 0) break
  }
  left += toBlock(size)
  for (; left > 0; left -= PIECE_BYTES) yield Buffer.alloc(Math.min(left, PIECE_BYTES))
}

function toBlock(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES
}

function header(path: string, size: number, type: string): Buffer {
  const { prefix, name } = split(path)
  if (size > SIZE_MAX) throw new BackupError('BACKUP_FILE_TOO_LARGE', 'A file is too large for a backup')
  const block = Buffer.alloc(BLOCK_BYTES)
  block.write(name, 0)
  block.write(type === DIRECTORY ? '0000700\0' : '0000600\0', 100)
  block.write('0000000\0'.repeat(2), 108)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write(`${'0'.repeat(11)}\0`, 136)
  block.write(' '.repeat(8), 148)
  block.write(type, 156)
  block.write('ustar\x0000', 257)
  block.write(prefix, 345)
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function split(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= NAME_BYTES_MAX) return { prefix: '', name: path }
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)]
    if (name !== '' && Buffer.byteLength(name) <= NAME_BYTES_MAX && Buffer.byteLength(prefix) <= 155)
      return { prefix, name }
  }
  throw new BackupError('BACKUP_NAME_TOO_LONG', 'A file has too long a name for a backup')
}

function checksum(block: Buffer): number {
  let sum = 0
  for (const [place, byte] of block.entries()) sum += place >= 148 && place < 156 ? 0x20 : byte
  return sum
}

/** Entries one by one; the content of each is to be read to its end before the next is asked for. Throws BACKUP_DAMAGED. */
export async function* readTar(bytes: AsyncIterable<Buffer>): AsyncIterable<TarEntry> {
  const reader = new ByteReader(bytes)
  for (;;) {
    const block = await reader.take(BLOCK_BYTES)
    if (block.every((byte) => byte === 0)) return
    const { name, size, type } = readHeader(block)
    if (type === DIRECTORY) yield { kind: 'directory', name: name.replace(/\/$/, '') }
    else if (type === FILE) yield { kind: 'file', name, size, content: reader.stream(size) }
    else throw damaged()
    if (type === FILE) await reader.take(toBlock(size))
  }
}

function readHeader(block: Buffer): { name: string; size: number; type: string } {
  const text = (from: number, length: number): string =>
    block.toString('utf8', from, from + length).replace(/\0.*$/s, '')
  if (text(257, 5) !== 'ustar' || Number.parseInt(text(148, 8), 8) !== checksum(block)) throw damaged()
  const prefix = text(345, 155)
  const name = prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`
  if (name.startsWith('/') || name.split('/').includes('..')) throw damaged()
  return { name, size: Number.parseInt(text(124, 12), 8), type: text(156, 1) }
}

class ByteReader {
  readonly #source: AsyncIterator<Buffer, unknown>
  #held: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  async take(length: number): Promise<Buffer> {
    return Buffer.concat(await Array.fromAsync(this.stream(length)))
  }

  async *stream(length: number): AsyncIterable<Buffer> {
    for (let left = length; left > 0;) {
      if (this.#held.length === 0) await this.#more()
      const part = this.#held.subarray(0, left)
      this.#held = this.#held.subarray(part.length)
      left -= part.length
      yield part
    }
  }

  async #more(): Promise<void> {
    const next = await this.#source.next()
    if (next.done === true) throw damaged()
    this.#held = next.value
  }
}
