/** draft-gallagher-openpgp-hkp §3.1.1: the `search` of a lookup. Searching by free text is not supported: it would list the directory. */
import { OperationalError } from '@sealpost/errors'

export type SearchKind = 'fingerprint' | 'key-id' | 'address'

/** Hexadecimal in upper case without `0x`, or a mail address as it was asked for. */
export interface Search {
  readonly kind: SearchKind
  readonly value: string
}

export class SearchError extends OperationalError {
  override name = 'SearchError'
}

const reject = {
  malformed: () =>
    new SearchError(
      'SEARCH_MALFORMED',
      'Search for 0x and a fingerprint or a long key id, or for one mail address.',
    ),
  shortKeyId: () =>
    new SearchError(
      'SEARCH_SHORT_KEY_ID',
      'Short key ids are not supported: anybody can make a key with a given one. Search for the fingerprint.',
    ),
} as const

/** Hexadecimal digits of what identifies a key. A fingerprint of version 6 has 64 (RFC 9580 §5.5.4). */
const HEX_KINDS: Readonly<Record<number, SearchKind>> = { 16: 'key-id', 40: 'fingerprint', 64: 'fingerprint' }
const SHORT_KEY_ID_DIGITS = 8

/** RFC 5321 §4.5.3.1.3: a path has at most 256 octets, two of them angle brackets. */
const ADDRESS_BYTES_MAX = 254
const LOCAL_PART_BYTES_MAX = 64

/** No white space, no control characters, no brackets: one bare address. */
const ADDRESS = /^([^\p{C}\p{Z}@<>()",;:\\[\]]+)@([^\p{C}\p{Z}@<>()",;:\\[\]]+)$/u

/** Throws SearchError, whose message is meant for the one who asked and repeats nothing of the question. */
export function parseSearch(text: string): Search {
  const hex = /^0x([0-9a-f]{1,64})$/i.exec(text)?.[1]
  if (hex !== undefined) return parseHex(hex)
  const address = ADDRESS.exec(text)
  if (address?.[1] === undefined || Buffer.byteLength(text) > ADDRESS_BYTES_MAX) throw reject.malformed()
  if (Buffer.byteLength(address[1]) > LOCAL_PART_BYTES_MAX) throw reject.malformed()
  return { kind: 'address', value: text }
}

function parseHex(hex: string): Search {
  const kind = HEX_KINDS[hex.length]
  if (kind !== undefined) return { kind, value: hex.toUpperCase() }
  throw hex.length === SHORT_KEY_ID_DIGITS ? reject.shortKeyId() : reject.malformed()
}
