/** The port to the keys that sign our mail, over HTTP: its path, and its answer as it is read on the other side. */
import { DAY, fields, list, oneOf, text } from './answer.ts'
import { DKIM_PUBLISHED, DKIM_STATES, type DkimKeyListing } from './dkim.ts'

/** As a router writes it; GET lists, POST rotates. Answers `{ items }`. */
export const DKIM_PATH = '/internal/mail/dkim/:domain'

const KEYS_MAX = 100
const NAME = /^[\w.-]{1,253}$/
const RECORD = /^[\x20-\x7e]{1,1024}$/

/** Throws PORT_FAILED, as every other reader does. */
export function readDkimKeys(answer: unknown): DkimKeyListing[] {
  return list(fields(answer)['items'], KEYS_MAX).map((item) => ({
    selector: text(item['selector'], NAME),
    algorithm: oneOf(item['algorithm'], ['rsa', 'ed25519']),
    state: oneOf(item['state'], DKIM_STATES),
    since: text(item['since'], DAY),
    name: text(item['name'], NAME),
    record: text(item['record'], RECORD),
    published: oneOf(item['published'], DKIM_PUBLISHED),
  }))
}
