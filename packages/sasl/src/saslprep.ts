/**
 * RFC 4013 SASLprep, which RFC 5802 §5.1 asks of SCRAM passwords. OpaqueString (RFC 8265 §4.2) would keep compatibility characters apart; but the
 * password meets SCRAM clients that map them, so the verifier must be made the same way. ASCII is the same in both. Left out: the bidi check
 * (RFC 3454 §6), which only narrows what may be chosen, and the table of code points unassigned in Unicode 3.2.
 */
import { SaslError } from './sasl-error.ts'

/** Longest password, in UTF-16 units as given and in bytes of UTF-8 when prepared. */
const PASSWORD_BYTES_MAX = 1023

const PRINTABLE_ASCII = /^[\x20-\x7e]+$/
const OTHER_SPACES = /[\p{Zs}\u200b]/gu // RFC 3454 §C.1.2
const MAPPED_TO_NOTHING = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu // RFC 3454 §B.1
/** RFC 3454 §C.2 to §C.9, and whatever this Unicode version does not know. */
const PROHIBITED =
  /[\p{Cc}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u0340\u0341\u06dd\u070f\u180e\u200e\u200f\u202a-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u

function prepare(password: string): string | undefined {
  if (password.length > PASSWORD_BYTES_MAX) return undefined
  if (PRINTABLE_ASCII.test(password)) return password
  const prepared = password.replaceAll(OTHER_SPACES, ' ').replaceAll(MAPPED_TO_NOTHING, '').normalize('NFKC')
  const usable =
    prepared !== '' && !PROHIBITED.test(prepared) && Buffer.byteLength(prepared) <= PASSWORD_BYTES_MAX
  return usable ? prepared : undefined
}

/** Whether a text can be a password at all: `preparePassword` would not throw. */
export function isPreparable(password: string): boolean {
  return prepare(password) !== undefined
}

/**
 * The form in which a password is hashed: what a client and a server must agree on. RFC 5802 §2.2, Normalize.
 * Throws SaslError `not-authorized` when nothing is left, a code point is prohibited, or it exceeds 1023 bytes.
 */
export function preparePassword(password: string): string {
  const prepared = prepare(password)
  if (prepared === undefined) throw new SaslError('not-authorized')
  return prepared
}
