/**
 * What the API takes instead of a password (RFC 5802 §3, RFC 7677): made where the password is typed, which then never leaves there. WebCrypto alone, so that it runs in
 * browsers and in Node.
 */

/** As the schemas of the API write it; all but `hash` and `iterations` are base64. */
export interface PasswordVerifier {
  readonly hash: 'SHA-256' | 'SHA-1'
  readonly salt: string
  readonly iterations: number
  readonly stored_key: string
  readonly server_key: string
}

/** Those of the server: it takes no others, since they would tell the account apart. */
const ITERATIONS = 10_000
const SALT_BYTES = 16
const BYTES = { 'SHA-256': 32, 'SHA-1': 20 } as const
const HASHES = ['SHA-256', 'SHA-1'] as const
/** Of UTF-8 when prepared. */
const PASSWORD_BYTES_MAX = 1023

const OTHER_SPACES = /[\p{Zs}\u200b]/gu // RFC 3454 §C.1.2
const MAPPED_TO_NOTHING = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu // RFC 3454 §B.1
/** RFC 3454 §C.2 to §C.9, and whatever this Unicode version does not know. */
const PROHIBITED =
  /[\p{Cc}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u0340\u0341\u06dd\u070f\u180e\u200e\u200f\u202a-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u

const utf8 = new TextEncoder()

/** One for each hash, with a salt of its own; `undefined`: the text cannot be a password (RFC 4013 SASLprep; 1023 bytes). */
export async function makeVerifiers(password: string): Promise<PasswordVerifier[] | undefined> {
  const prepared = prepare(password)
  if (prepared === undefined) return undefined
  return Promise.all(HASHES.map((hash) => makeVerifier(utf8.encode(prepared), hash)))
}

function prepare(password: string): string | undefined {
  if (password.length > PASSWORD_BYTES_MAX) return undefined
  const prepared = password.replaceAll(OTHER_SPACES, ' ').replaceAll(MAPPED_TO_NOTHING, '').normalize('NFKC')
  const usable =
    prepared !== '' && !PROHIBITED.test(prepared) && utf8.encode(prepared).length <= PASSWORD_BYTES_MAX
  return usable ? prepared : undefined
}

/** RFC 5802 §3: SaltedPassword, StoredKey, ServerKey. */
async function makeVerifier(
  prepared: Uint8Array<ArrayBuffer>,
  hash: PasswordVerifier['hash'],
): Promise<PasswordVerifier> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  const password = await crypto.subtle.importKey('raw', prepared, 'PBKDF2', false, ['deriveBits'])
  const derivation = { name: 'PBKDF2', hash, salt, iterations: ITERATIONS }
  const salted = await crypto.subtle.deriveBits(derivation, password, BYTES[hash] * 8)
  const key = await crypto.subtle.importKey('raw', salted, { name: 'HMAC', hash }, false, ['sign'])
  const sign = (text: string) => crypto.subtle.sign('HMAC', key, utf8.encode(text))
  return {
    hash,
    salt: base64(salt),
    iterations: ITERATIONS,
    stored_key: base64(await crypto.subtle.digest(hash, await sign('Client Key'))),
    server_key: base64(await sign('Server Key')),
  }
}

function base64(bytes: ArrayBuffer | Uint8Array): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
}
