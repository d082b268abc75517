/**
 * Loaded into a process before its program (`NODE_OPTIONS=--import …`): a disk on which nothing that was written to a keyring is ever overwritten with zeros. The
 * control of the forensic test, which shows that its attacker finds what is not shredded. Nothing in the program knows of it, so that no setting can switch shredding off.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { watchKeyrings } from '../keyring-files.ts'

const SLOT_BYTES = 64
const HEADER_BYTES = 4_096

const keyrings = watchKeyrings()
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
