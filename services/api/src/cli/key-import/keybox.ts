/** GnuPG's keybox (`pubring.kbx`, kbx/keybox-blob.c of GnuPG): blobs, each with its length; those of OpenPGP say where their certificate lies. */
import { cutCertificates } from './packet-splitter.ts'
import type { Cut } from './packet-splitter.ts'

const BLOB_BYTES_MAX = 8 * 1024 * 1024
const BLOB_HEAD_BYTES = 16
const OPENPGP_BLOB = 2

export async function* cutKeybox(chunks: AsyncIterable<Buffer>, start: number): AsyncGenerator<Cut> {
  let rest: Buffer = Buffer.alloc(0)
  let place = start
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= BLOB_HEAD_BYTES) {
      const length = rest.readUInt32BE(0)
      if (length < BLOB_HEAD_BYTES || length > BLOB_BYTES_MAX) {
        yield { problem: 'malformed', end: place }
        return
      }
      if (rest.length < length) break
      const blob = rest.subarray(0, length)
      rest = rest.subarray(length)
      place += length
      for await (const cut of cutBlob(blob)) yield { ...cut, end: place }
    }
  }
  if (rest.length > 0) yield { problem: 'malformed', end: place }
}

async function* cutBlob(blob: Buffer): AsyncGenerator<Cut> {
  if (blob[4] !== OPENPGP_BLOB) return
  const [offset, length] = [blob.readUInt32BE(8), blob.readUInt32BE(12)]
  if (offset + length > blob.length) yield { problem: 'malformed', end: 0 }
  else yield* cutCertificates(one(blob.subarray(offset, offset + length)))
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
  await Promise.resolve()
}
