/** Brings the files of a base backup back, beside their place. */
import { createReadStream } from 'node:fs'
import type { KeyObject } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { decryptAge } from './age/age.ts'
import { damaged } from './age/header.ts'
import { BASE_FILE, type BaseBackup } from './archive.ts'
import type { OnProgress } from './base-backup.ts'
import { readTar } from './tar.ts'
import { through } from './through.ts'

/** `postgres/…` and `data/…` below `directory`. Throws BackupError. */
export async function unpackBase(
  base: BaseBackup,
  identity: KeyObject,
  directory: string,
  onProgress?: OnProgress,
): Promise<void> {
  const encrypted: AsyncIterable<Buffer> = createReadStream(join(base.directory, BASE_FILE))
  const plain = through(decryptAge(encrypted, identity), createGunzip())
  let [files, bytes] = [0, 0]
  for await (const entry of readTar(plain)) {
    const path = join(directory, entry.name)
    if (entry.kind === 'directory') await mkdir(path, { recursive: true, mode: 0o700 })
    else {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await writeFile(path, entry.content, { mode: 0o600, flush: true })
      bytes += entry.size
    }
    files += 1
    onProgress?.({ files, of: base.manifest.files, MB: Math.round(bytes / 1e6) })
  }
  if (files !== base.manifest.files) throw damaged()
}
