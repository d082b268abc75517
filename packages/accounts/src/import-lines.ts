/** The lines of an import as they arrive in chunks, each bounded; what every format of them has. */
import { isBare, JidError, parseJid, type Jid } from '@sealpost/jid'
import type { ImportProblem, ImportRow } from './import.ts'

/** Longest line in bytes: an address and a password of the greatest lengths, quoted, fit. */
const LINE_BYTES_MAX = 8_192
const LF = 0x0a

export interface ImportLine {
  readonly number: number
  /** Without its line break; undefined when it is longer than LINE_BYTES_MAX. */
  readonly bytes: Buffer | undefined
}

export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ImportLine> {
  let number = 1
  let parts: Buffer[] = []
  let length = 0
  const take = (part: Buffer) => {
    length += part.length
    if (length > LINE_BYTES_MAX) parts = []
    else parts.push(part)
  }
  const finish = (): ImportLine => {
    const line = { number, bytes: length > LINE_BYTES_MAX ? undefined : Buffer.concat(parts) }
    number += 1
    parts = []
    length = 0
    return line
  }
  for await (const chunk of chunks) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    for (let end = rest.indexOf(LF); end !== -1; end = rest.indexOf(LF)) {
      take(rest.subarray(0, end))
      yield finish()
      rest = rest.subarray(end + 1)
    }
    take(rest)
  }
  if (length > 0) yield finish()
}

export function problem(line: number, code: ImportProblem): ImportRow {
  return { line, problem: code }
}

/** Undefined when it is not UTF-8. Without a byte order mark at the beginning, and a carriage return at the end. */
export function textOf({
  number,
  bytes,
}: {
  readonly number: number
  readonly bytes: Buffer
}): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return (number === 1 ? text.replace(/^\u{feff}/u, '') : text).replace(/\r$/, '')
  } catch {
    return undefined
  }
}

/** Of a name with or without a domain; the first of `domains`, canonical, is that of names without one. */
export function readUsername(username: string, domains: readonly string[]): Jid | ImportProblem {
  const [fallback = ''] = domains
  try {
    const jid = parseJid(username.includes('@') ? username : `${username}@${fallback}`)
    if (jid.local === '' || !isBare(jid)) return 'username'
    return domains.includes(jid.domain) ? jid : 'domain'
  } catch (error) {
    if (error instanceof JidError) return 'username'
    throw error
  }
}
