/** All memory of another process that it can write, as its owner reads it (proc(5)): more than a heap snapshot has, which leaves out buffers and what native code keeps. */
import { open, readFile } from 'node:fs/promises'

const STRETCH_BYTES = 16 * 1024 * 1024

/** How many of the texts or bytes are in it. Each is at most a page long. */
export async function countInMemory(pid: number, wanted: readonly Buffer[]): Promise<number> {
  const missing = new Set(wanted)
  const overlap = Math.max(...wanted.map(({ length }) => length)) - 1
  await using memory = await open(`/proc/${String(pid)}/mem`)
  for (const [start, end] of await mappings(pid))
    for (let from = start; from < end; from += STRETCH_BYTES) {
      const bytes = Buffer.alloc(Math.min(STRETCH_BYTES + overlap, end - from))
      // What was unmapped meanwhile cannot be read.
      const read = await memory.read(bytes, 0, bytes.length, from).catch(() => ({ bytesRead: 0 }))
      for (const each of missing) if (bytes.subarray(0, read.bytesRead).includes(each)) missing.delete(each)
    }
  return wanted.length - missing.size
}

async function mappings(pid: number): Promise<(readonly [start: number, end: number])[]> {
  const lines = (await readFile(`/proc/${String(pid)}/maps`, 'utf8')).split('\n')
  return lines.flatMap((line) => {
    const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
    return start === undefined || end === undefined ? [] : [[parseInt(start, 16), parseInt(end, 16)] as const]
  })
}
