/** RFC 8551 §3.3, §3.4: an S/MIME entity is enveloped when its outermost object says so. What is in it cannot be told from outside. */
import type { MediaType } from '../media-type.ts'
import type { BodyReader } from './encryption.ts'
import type { TransferDecoder } from './transfer-decoder.ts'

/** RFC 5652 §6: 1.2.840.113549.1.7.3; RFC 5083 §2: 1.2.840.113549.1.9.16.1.23. With tag and length. */
const ENVELOPED = [
  Buffer.from('06092a864886f70d010703', 'hex'),
  Buffer.from('060b2a864886f70d0109100117', 'hex'),
]
const SEQUENCE = 0x30
const PREFIX_BYTES_MAX = 32

export function isSmimeCandidate({ essence }: MediaType): boolean {
  return essence === 'application/pkcs7-mime' || essence === 'application/x-pkcs7-mime'
}

export class SmimeReader implements BodyReader {
  readonly #decoder: TransferDecoder
  #prefix = Buffer.alloc(0)

  constructor(decoder: TransferDecoder) {
    this.#decoder = decoder
  }

  write(chunk: Buffer): void {
    if (this.#prefix.length >= PREFIX_BYTES_MAX) return
    this.#prefix = Buffer.concat([this.#prefix, this.#decoder.write(chunk).subarray(0, PREFIX_BYTES_MAX)])
  }

  end() {
    return isEnveloped(this.#prefix) ? ({ kind: 'smime' } as const) : undefined
  }
}

/** RFC 5652 §3: ContentInfo is a sequence that begins with its type. X.690 §8.1.3: lengths. */
function isEnveloped(prefix: Buffer): boolean {
  const [tag, length = 0] = prefix
  if (tag !== SEQUENCE) return false
  const type = prefix.subarray(length > 0x80 ? 2 + (length & 0x7f) : 2)
  return ENVELOPED.some((each) => type.subarray(0, each.length).equals(each))
}
