/**
 * Secure-Join (countermitm, "Setup Contact protocol"): two people who have scanned each other's code exchange keys by mail, and the first step has no key yet.
 * It is let through where everything else must be encrypted, when its text is the name of the step and nothing else.
 */
import { MailHeader } from '../mail-header.ts'
import { parseMediaType, type MediaType } from '../media-type.ts'
import { BoundarySplitter } from './boundary-splitter.ts'
import type { BodyReader } from './encryption.ts'
import { endOfPartHeader } from './pgp-mime.ts'
import type { TransferDecoder } from './transfer-decoder.ts'

const FIRST_STEPS: ReadonlySet<string> = new Set(['vc-request', 'vg-request'])
const BYTES_MAX = 1024

/** The first step that a header claims to be. */
export function secureJoinStep(header: MailHeader): string | undefined {
  const [step, ...more] = header.values('secure-join')
  return step !== undefined && more.length === 0 && FIRST_STEPS.has(step) ? step : undefined
}

/** Of a text, or of a multipart/mixed with a text as its only part, as chat clients send it. */
export class SecureJoinReader implements BodyReader {
  readonly #step: string
  readonly #decoder: TransferDecoder | undefined
  readonly #splitter: BoundarySplitter | undefined
  #parts = ['']
  #bytes = 0

  private constructor(step: string, decoder: TransferDecoder | undefined, boundary?: string) {
    this.#step = step
    this.#decoder = decoder
    this.#splitter = BoundarySplitter.create(boundary, {
      content: (bytes) => (this.#parts[this.#parts.length - 1] += bytes.toString('latin1')),
      delimiter: () => this.#parts.push(''),
    })
  }

  static create(type: MediaType, step: string, decoder: TransferDecoder): SecureJoinReader | undefined {
    if (type.essence === 'text/plain') return new SecureJoinReader(step, decoder)
    const boundary = type.essence === 'multipart/mixed' ? type.parameters.get('boundary') : undefined
    return boundary === undefined ? undefined : new SecureJoinReader(step, undefined, boundary)
  }

  write(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > BYTES_MAX) return
    if (this.#splitter !== undefined) this.#splitter.write(chunk)
    else this.#parts[0] += this.#decoder?.write(chunk).toString('latin1') ?? ''
  }

  end() {
    this.#splitter?.end()
    const text = this.#splitter === undefined ? this.#parts[0] : onlyPart(this.#parts)
    const exact = text?.trim().toLowerCase() === `secure-join: ${this.#step}`
    return exact && this.#bytes <= BYTES_MAX ? ({ kind: 'secure-join' } as const) : undefined
  }
}

/** The text of the part, when preamble and epilogue are blank. */
function onlyPart([preamble = '', part = '', epilogue, ...more]: readonly string[]): string | undefined {
  if (epilogue === undefined || more.length > 0 || preamble.trim() + epilogue.trim() !== '') return undefined
  const bytes = Buffer.from(part, 'latin1')
  const end = endOfPartHeader(bytes)
  const header = end === -1 ? undefined : MailHeader.parse(bytes.subarray(0, end))
  const type = parseMediaType(header?.value('content-type') ?? 'text/plain')
  return header !== undefined && type?.essence === 'text/plain' ? bytes.toString('latin1', end) : undefined
}
