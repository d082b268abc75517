/**
 * Accounts from JSON lines: an object a line, `{"jid": …, "password": …, "organisation": …, "plan": …}`, of which the address alone is needed. Without a password the
 * account gets a link with which its owner chooses one. A line that cannot be read is reported by its number and spoils no other.
 */
import { parseJid } from '@sealpost/jid'
import type { ImportRow } from './import.ts'
import { type ImportLine, linesOf, problem, readUsername, textOf } from './import-lines.ts'

/** `domains`: those served; a name without `@` belongs to the first. */
export async function* readAccountsJsonLines(
  chunks: AsyncIterable<Uint8Array>,
  domains: readonly string[],
): AsyncGenerator<ImportRow> {
  const served = domains.map((domain) => parseJid(domain).domain)
  for await (const line of linesOf(chunks)) {
    const row = readLine(line, served)
    if (row !== undefined) yield row
  }
}

const FIELDS = new Set(['jid', 'password', 'organisation', 'plan'])
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i
const PLAN = /^[a-z][a-z0-9_-]{0,31}$/

/** Undefined for a blank one. */
function readLine({ number, bytes }: ImportLine, domains: readonly string[]): ImportRow | undefined {
  if (bytes === undefined) return problem(number, 'too-long')
  const text = textOf({ number, bytes })
  if (text === undefined) return problem(number, 'encoding')
  if (text.trim() === '') return undefined
  const fields = parseFields(text)
  if (fields === undefined) return problem(number, 'json')
  const { jid: name, password, organisation, plan } = fields
  if (name === undefined || Object.keys(fields).some((key) => !FIELDS.has(key)))
    return problem(number, 'fields')
  const jid = readUsername(name.trim(), domains)
  if (typeof jid === 'string') return problem(number, jid)
  if (password === '') return problem(number, 'password')
  if (organisation !== undefined && !UUID.test(organisation)) return problem(number, 'organisation')
  if (plan !== undefined && !PLAN.test(plan)) return problem(number, 'plan')
  return { line: number, jid, password, organisationId: organisation?.toLowerCase(), plan }
}

/** Undefined for what is no object of texts. */
function parseFields(text: string): Partial<Record<string, string>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const fields = Object.entries(value)
    return fields.every(([, each]) => typeof each === 'string')
      ? Object.fromEntries<string>(fields)
      : undefined
  } catch {
    return undefined
  }
}
