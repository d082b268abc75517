/**
 * Reading accounts from CSV: `username,password` a line (RFC 4180 quoting, but a field never spans lines), an optional header, LF or
 * CRLF. Streaming: holds one line. A line that cannot be read is reported by its number and spoils no other.
 */
import { parseJid } from '@sealpost/jid'
import type { ImportRow } from './import.ts'
import { linesOf, problem, readUsername, textOf } from './import-lines.ts'

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

function readLine(
  number: number,
  bytes: Buffer,
  domains: readonly string[],
  first: boolean,
): ImportRow | 'blank' | 'header' {
  const line = textOf({ number, bytes })
  if (line === undefined) return problem(number, 'encoding')
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
