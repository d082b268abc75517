/** The port to the keys that sign our mail, over HTTP: its path, and its answer as it is read on the other side. */
import { fields, type Fields } from './answer.ts'
import { DKIM_PUBLISHED, DKIM_STATES, type DkimKeyListing } from './dkim.ts'
import { PortError } from './port-error.ts'

/** As a router writes it; GET lists, POST rotates. Answers `{ items }`. */
export const DKIM_PATH = '/internal/mail/dkim/:domain'

const KEYS_MAX = 100
const DAY = /^\d{4}-\d\d-\d\d$/
const NAME = /^[\w.-]{1,253}$/
const RECORD = /^[\x20-\x7e]{1,1024}$/

/** Throws PORT_FAILED, as every other reader does. */
export function readDkimKeys(answer: unknown): DkimKeyListing[] {
  const { items } = fields(answer)
  if (!Array.isArray(items) || items.length > KEYS_MAX) throw new PortError('PORT_FAILED')
  return items.map(fields).map((item) => ({
    selector: text(item, 'selector', NAME),
    algorithm: oneOf(item, 'algorithm', ['rsa', 'ed25519']),
    state: oneOf(item, 'state', DKIM_STATES),
    since: text(item, 'since', DAY),
    name: text(item, 'name', NAME),
    record: text(item, 'record', RECORD),
    published: oneOf(item, 'published', DKIM_PUBLISHED),
  }))
}

function text(item: Fields, name: string, pattern: RegExp): string {
  const value = item[name]
  if (typeof value !== 'string' || !pattern.test(value)) throw new PortError('PORT_FAILED')
  return value
}

function oneOf<T extends string>(item: Fields, name: string, values: readonly T[]): T {
  const value = values.find((candidate) => candidate === item[name])
  if (value === undefined) throw new PortError('PORT_FAILED')
  return value
}
