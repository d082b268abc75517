/**
 * What `mongoexport` writes of the collection `publickey` of mailvelope/keyserver: a document a line, also as one array. `publicKeyArmored` is the certificate, and
 * `userIds` says of each address whether its owner has verified it.
 */
import { OpenPgpError, readArmor } from '@sealpost/openpgp'
import { cutCertificates } from './packet-splitter.ts'
import type { Item } from './sources.ts'

/** A certificate of a megabyte in Base64, and what is known of it. */
const LINE_BYTES_MAX = 4 * 1024 * 1024
const NEWLINE = 0x0a

export async function* readDocuments(chunks: AsyncIterable<Buffer>, start: number): AsyncGenerator<Item> {
  let rest: Buffer = Buffer.alloc(0)
  let place = start
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk])
    for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE)) {
      const line = rest.subarray(0, at)
      rest = rest.subarray(at + 1)
      place += at + 1
      yield* readLine(line, place)
    }
    if (rest.length > LINE_BYTES_MAX) {
      yield { problem: 'too-large', end: place }
      return
    }
  }
  yield* readLine(rest, place + rest.length)
}

async function* readLine(line: Buffer, end: number): AsyncGenerator<Item> {
  const text = line
    .toString('utf8')
    .trim()
    .replace(/^[[,]/, '')
    .replace(/[\],]$/, '')
    .trim()
  if (text === '') return
  const document = parse(text)
  if (document === undefined) {
    yield { problem: 'malformed', end }
    return
  }
  for await (const cut of cutCertificates(one(document.data)))
    yield 'problem' in cut ? { ...cut, end } : { ...cut, verified: document.verified, end }
}

interface Document {
  readonly data: Buffer
  readonly verified: readonly string[]
}

function parse(text: string): Document | undefined {
  try {
    const { publicKeyArmored, userIds } = JSON.parse(text) as Record<string, unknown>
    if (typeof publicKeyArmored !== 'string') return undefined
    const data = Buffer.concat(readArmor(publicKeyArmored).map((block) => block.data))
    return { data, verified: Array.isArray(userIds) ? userIds.flatMap(verifiedAddress) : [] }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof OpenPgpError || error instanceof TypeError)
      return undefined
    throw error
  }
}

function verifiedAddress(userId: unknown): string[] {
  const { email, verified } = (userId ?? {}) as { email?: unknown; verified?: unknown }
  return verified === true && typeof email === 'string' ? [email] : []
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
  await Promise.resolve()
}
