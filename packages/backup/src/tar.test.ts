import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { readTar, type TarEntry, writeTar } from './tar.ts'

async function* bytesOf(...pieces: readonly Buffer[]): AsyncIterable<Buffer> {
  yield* pieces
}

async function* of(...entries: readonly TarEntry[]): AsyncIterable<TarEntry> {
  yield* entries
}

function file(name: string, content: Buffer, size = content.length): TarEntry {
  return { kind: 'file', name, size, content: bytesOf(content) }
}

async function write(...entries: readonly TarEntry[]): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(writeTar(of(...entries))))
}

async function read(bytes: Buffer, pieceBytes = 700): Promise<Record<string, string | undefined>> {
  const pieces: Buffer[] = []
  for (let from = 0; from < bytes.length; from += pieceBytes)
    pieces.push(bytes.subarray(from, from + pieceBytes))
  const found: Record<string, string | undefined> = {}
  for await (const entry of readTar(bytesOf(...pieces)))
    found[entry.name] =
      entry.kind === 'file' ? Buffer.concat(await Array.fromAsync(entry.content)).toString() : undefined
  return found
}

const LONG = `${'directory/'.repeat(14)}${'n'.repeat(90)}`

test('files and directories come back, also empty ones, of whole blocks, and with long names', async () => {
  const block = 'x'.repeat(512)
  const written = await write(
    { kind: 'directory', name: 'a' },
    file('a/empty', Buffer.alloc(0)),
    file('a/block', Buffer.from(block)),
    file(LONG, Buffer.from('long')),
  )
  expect(await read(written)).toEqual({ a: undefined, 'a/empty': '', 'a/block': block, [LONG]: 'long' })
})

test('a file that shrinks meanwhile is filled up, one that grows is cut', async () => {
  const written = await write(file('short', Buffer.from('abc'), 5), file('long', Buffer.from('abcdef'), 2))
  expect(await read(written)).toEqual({ short: 'abc\0\0', long: 'ab' })
})

test('what was cut short or changed, and a way out of the directory, are refused', async () => {
  const written = await write(file('a', Buffer.from('abc')))
  for (const length of [0, 100, 512, 700, 1024])
    await expect(read(written.subarray(0, length))).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' })
  const changed = Buffer.from(written)
  changed.write('b', 0)
  await expect(read(changed)).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' })
  for (const name of ['/etc/passwd', '../up', 'a/../../up'])
    await expect(read(await write(file(name, Buffer.from('x'))))).rejects.toMatchObject({
      code: 'BACKUP_DAMAGED',
    })
})

test('the program tar reads it', async () => {
  const written = await write(
    { kind: 'directory', name: 'd' },
    file('d/f', Buffer.from('hello')),
    file(LONG, Buffer.from('x')),
  )
  const listed = spawnSync('tar', ['-tf', '-'], { input: written })
  expect(listed.stdout.toString()).toBe(`d/\nd/f\n${LONG}\n`)
  expect(spawnSync('tar', ['-xOf', '-', 'd/f'], { input: written }).stdout.toString()).toBe('hello')
})
