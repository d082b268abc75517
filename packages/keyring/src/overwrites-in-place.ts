import { statfs } from 'node:fs/promises'

/** statfs(2) types of file systems that write changed blocks elsewhere and leave the old ones: bcachefs, btrfs, F2FS, NILFS, ZFS. */
const COPYING_TYPES: readonly number[] = [0xca45_1a4e, 0x9123_683e, 0xf2f5_2010, 0x3434, 0x2fc1_2fc1]

/**
 * Whether overwriting a slot in this directory destroys what it held. False on file systems that copy on write: there a destroyed key
 * stays on the disk until its block is used again, and only an encrypted volume, or `ram` mode, keeps the promise.
 */
export async function overwritesInPlace(directory: string): Promise<boolean> {
  return !COPYING_TYPES.includes((await statfs(directory)).type)
}
