/**
 * Loaded into a process before its program (`NODE_OPTIONS=--import …`): a disk on which nothing that was written to a keyring is ever overwritten with zeros. The
 * control of the forensic test, which shows that its attacker finds what is not shredded. Nothing in the program knows of it, so that no setting can switch shredding off.
 */
import fs, { promises } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename } from 'node:path'

const KEYRING = /^keyring\.(?:slots|new)$/
const SLOT_BYTES = 64
const HEADER_BYTES = 4_096

const keyrings = new Set<number>()
const open = promises.open.bind(promises)
promises.open = async (path, ...options) => {
  const handle = await open(path, ...options)
  if (typeof path !== 'string' || !KEYRING.test(basename(path))) return handle
  const { fd } = handle
  const close = handle.close.bind(handle)
  keyrings.add(fd)
  return Object.assign(handle, {
    close: () => {
      keyrings.delete(fd) // another file may get its number
      return close()
    },
  })
}
const { readSync, writeSync } = fs
Object.assign(fs, {
  writeSync: (fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number =>
    keyrings.has(fd)
      ? writeSync(fd, keep(fd, bytes.subarray(offset, offset + length), position), 0, length, position)
      : writeSync(fd, bytes, offset, length, position),
})
syncBuiltinESMExports()

/** What is to be written, but in the place of empty slots what is there. */
function keep(fd: number, bytes: Uint8Array, position: number): Buffer {
  const kept = Buffer.from(bytes)
  if (position < HEADER_BYTES) return kept
  for (let at = 0; at < kept.length; at += SLOT_BYTES) {
    const slot = kept.subarray(at, at + SLOT_BYTES)
    if (slot.every((byte) => byte === 0)) readSync(fd, slot, 0, slot.length, position + at)
  }
  return kept
}
