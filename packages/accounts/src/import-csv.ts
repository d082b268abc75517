/**
 * Reading accounts from CSV: `username,password` a line (RFC 4180 quoting, but a field never spans lines), an optional header, LF or
 * CRLF. Streaming: holds one line. A line that cannot be read is reported by its number and spoils no other.
 */
import { isBare, JidError, parseJid, type Jid } from '@sealpost/jid'
import type { ImportProblem, ImportRow } from './import.ts'

/** Longest line in bytes: an address and a password of the greatest lengths, quoted, fit. */
const LINE_BYTES_MAX = 8_192
const LF = 0x0a

/** `domains`: those served; a username without `@` belongs to the first. */
export async function* readAccountsCsv(
  chunks: AsyncIterable<Uint8Array>,
  domains: readonly string[],
): AsyncGenerator<ImportRow> {
  const served = domains.map((domain) => parseJid(domain).domain)
  let first = true
  for await (const { number, bytes } of linesOf(chunks)) {
    const row = bytes === undefined ? problem(number, 'too-long') : readLine(number, bytes, served, first)
    if (row === 'blank') continue
    first = false
    if (row !== 'header') yield row
  }
}

interface Line {
  readonly number: number
  /** Without its line break; undefined when it is longer than LINE_BYTES_MAX. */
  readonly bytes: Buffer | undefined
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let number = 1
  let parts: Buffer[] = []
  let length = 0
  const take = (part: Buffer) => {
    length += part.length
    if (length > LINE_BYTES_MAX) parts = []
    else parts.push(part)
  }
  const finish = (): Line => {
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

function readLine(
  number: number,
  bytes: Buffer,
  domains: readonly string[],
  first: boolean,
): ImportRow | 'blank' | 'header' {
  const text = decode(bytes)
  if (text === undefined) return problem(number, 'encoding')
  const line = (number === 1 ? text.replace(/^\u{feff}/u, '') : text).replace(/\r$/, '')
  if (line.trim() === '') return 'blank'
  const fields = splitFields(line)
  if (fields === undefined) return problem(number, 'quotes')
  const [username = '', password = ''] = fields
  if (fields.length !== 2) return problem(number, 'fields')
  if (first && username.trim().toLowerCase() === 'username' && password.trim().toLowerCase() === 'password') {
    return 'header'
  }
  const jid = readUsername(username.trim(), domains)
  if (typeof jid === 'string') return problem(number, jid)
  return password === '' ? problem(number, 'password') : { line: number, jid, password }
}

function problem(line: number, code: ImportProblem): ImportRow {
  return { line, problem: code }
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Undefined when quotes are unbalanced, or stand inside an unquoted field (RFC 4180 §2, 5). */
function splitFields(line: string): string[] | undefined {
  const fields: string[] = []
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y
  for (;;) {
    const match = field.exec(line)
    if (match === null) return undefined
    const [, quoted, plain = '', separator] = match
    fields.push(quoted?.replaceAll('""', '"') ?? plain)
    if (separator === '') return fields
  }
}

function readUsername(username: string, domains: readonly string[]): Jid | ImportProblem {
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
