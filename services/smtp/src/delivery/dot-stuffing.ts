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
    let longer: Buffer | undefined
    let written = 0
    let copied = 0
    let begins = this.#before === LF
    let at = 0
    if (this.#before === CR) {
      if (chunk[0] !== LF) throw new BareLineEnd()
      begins = true
      at = 1
    }
    while (at < chunk.length) {
      if (begins && chunk[at] === DOT) {
        longer ??= Buffer.allocUnsafe(lengthMax(chunk.length, at))
        written = copyRun(chunk, copied, at + 1, longer, written)
        copied = at
      }
      at = runs.endOf(at)
      const byte = chunk[at]
      if (byte === LF || (byte === CR && at + 1 < chunk.length && chunk[at + 1] !== LF))
        throw new BareLineEnd()
      begins = byte === CR
      at += begins ? 2 : 1
    }
    this.#before = chunk.at(-1) ?? LF
    if (longer === undefined) return chunk
    return longer.subarray(0, copyRun(chunk, copied, chunk.length, longer, written))
  }

  /** What ends the mail. Throws BareLineEnd. */
  end(): Buffer {
    if (this.#before === CR) throw new BareLineEnd()
    return this.#before === LF ? END.subarray(2) : END
  }
}

/** With a dot more for each line from here on, of which the shortest that gets one has three bytes. */
function lengthMax(length: number, firstDot: number): number {
  return length + Math.ceil((length - firstDot) / 3)
}

/** Returns where it ends. */
function copyRun(source: Buffer, from: number, end: number, target: Buffer, to: number): number {
  const length = end - from
  if (length >= COPIED_BY_CALL) source.copy(target, to, from, end)
  else for (let index = 0; index < length; index++) target[to + index] = source[from + index] ?? 0
  return to + length
}
