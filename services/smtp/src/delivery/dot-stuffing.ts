/**
 * RFC 5321 §4.5.2: a content as it goes over the wire. RFC 5321 §2.3.8: a CR or LF that is not part of a CRLF must not leave; who lets it through lets others
 * end the mail early and say what they like behind it. Content was checked when it came in or was made by us: here it is refused, not mended.
 */
import { TextRuns } from '../text-runs.ts'

const [CR, LF, DOT] = [13, 10, 46]
const END = Buffer.from('\r\n.\r\n')

/** Shorter runs are copied faster byte by byte. */
const COPIED_BY_CALL = 32

export class BareLineEnd extends Error {
  override name = 'BareLineEnd'
}

export class DotStuffing {
  /** The byte before the next chunk; a line begins there at first. */
  #before = LF

  /** This chunk as it goes over the wire. Throws BareLineEnd. */
  feed(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk
    const runs = new TextRuns(chunk)
    const dots: number[] = []
    let begins = this.#before === LF
    let at = 0
    if (this.#before === CR) {
      if (chunk[0] !== LF) throw new BareLineEnd()
      begins = true
      at = 1
    }
    while (at < chunk.length) {
      if (begins && chunk[at] === DOT) dots.push(at)
      at = runs.endOf(at)
      const byte = chunk[at]
      if (byte === LF || (byte === CR && at + 1 < chunk.length && chunk[at + 1] !== LF))
        throw new BareLineEnd()
      begins = byte === CR
      at += begins ? 2 : 1
    }
    this.#before = chunk.at(-1) ?? LF
    return dots.length === 0 ? chunk : doubled(chunk, dots)
  }

  /** What ends the mail. Throws BareLineEnd. */
  end(): Buffer {
    if (this.#before === CR) throw new BareLineEnd()
    return this.#before === LF ? END.subarray(2) : END
  }
}

/** A copy in which the bytes at these places stand twice. */
function doubled(chunk: Buffer, places: readonly number[]): Buffer {
  const longer = Buffer.allocUnsafe(chunk.length + places.length)
  let from = 0
  for (const [index, place] of places.entries()) {
    copyRun(chunk, from, place + 1, longer, from + index)
    from = place
  }
  copyRun(chunk, from, chunk.length, longer, from + places.length)
  return longer
}

function copyRun(source: Buffer, from: number, end: number, target: Buffer, to: number): void {
  const length = end - from
  if (length >= COPIED_BY_CALL) source.copy(target, to, from, end)
  else for (let index = 0; index < length; index++) target[to + index] = source[from + index] ?? 0
}
