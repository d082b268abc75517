/** RFC 2045 §6: how many bytes a part has without its Content-Transfer-Encoding, counted while it comes in and not decoded. */

export interface DecodedSize {
  write(bytes: Buffer): void
  /** So far. */
  readonly bytes: number
}

const EQUALS = 0x3d
const CR = 0x0d
const BASE64 = new Uint8Array(256)
for (const letter of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'))
  BASE64[letter] = 1

/** What is neither Base64 nor quoted-printable counts as it stands. */
export function decodedSize(encoding: string): DecodedSize {
  const name = encoding.trim().toLowerCase()
  if (name === 'base64') return new Base64Size()
  return name === 'quoted-printable' ? new QuotedPrintableSize() : new IdentitySize()
}

/** Also of armor in Base64, of which the lines around it count for a few bytes too many. */
export class Base64Size implements DecodedSize {
  #letters = 0

  get bytes(): number {
    return Math.floor((this.#letters * 3) / 4)
  }

  write(bytes: Buffer): void {
    let letters = 0
    for (const byte of bytes) letters += BASE64[byte] ?? 0
    this.#letters += letters
  }
}

class QuotedPrintableSize implements DecodedSize {
  bytes = 0
  /** Letters left of an escape; a soft line break has two, too. */
  #escaped = 0

  write(bytes: Buffer): void {
    for (const byte of bytes) {
      if (this.#escaped === 0) {
        if (byte === EQUALS) this.#escaped = 2
        else this.bytes += 1
        continue
      }
      // The second letter tells nothing that the first has not.
      if (this.#escaped === 2 && byte !== CR) this.bytes += 1
      this.#escaped -= 1
    }
  }
}

class IdentitySize implements DecodedSize {
  bytes = 0

  write(bytes: Buffer): void {
    this.bytes += bytes.length
  }
}
