/**
 * RFC 5321 §4.5.2: takes the dots off the text of DATA and finds its end, which is CRLF.CRLF and nothing that only looks like it (SMTP smuggling).
 * Pure: bytes in, bytes out; each byte is looked at once, whatever the lines are.
 */
import { TextRuns } from '../text-runs.ts'

/** `lineEnd`: a CR without LF or an LF without CR (RFC 5321 §2.3.8). `nul`: RFC 5322 §4. */
export type DataFault = 'lineEnd' | 'nul'

export interface DecodedData {
  /** Without the dots that were put in; a view of the chunk, which is written over. */
  readonly text: Buffer
  /** What came behind the end; undefined: there is more to come. */
  readonly rest: Buffer | undefined
}

const NUL = 0x00
const LF = 0x0a
const CR = 0x0d
const DOT = 0x2e

/** Shorter runs are copied faster byte by byte. */
const COPIED_BY_CALL = 32

/** Where the next byte stands. */
type Place = 'lineStart' | 'text' | 'afterCr' | 'afterDot' | 'afterDotCr'

export class DataDecoder {
  #place: Place = 'lineStart'
  #fault: DataFault | undefined

  /** The first one met. The end is found all the same, so that the reply comes where the client waits for it; the text is worth nothing then. */
  get fault(): DataFault | undefined {
    return this.#fault
  }

  /** Not to be called again once the end was found. */
  decode(chunk: Buffer): DecodedData {
    const runs = new TextRuns(chunk)
    let place = this.#place
    let written = 0
    for (let read = 0; read < chunk.length; read++) {
      if (place === 'text') {
        const end = runs.endOf(read)
        written = written === read ? end : move(chunk, read, end, written)
        read = end
        if (read === chunk.length) break
      }
      const byte = chunk[read] ?? NUL
      if (place === 'afterDotCr' && byte === LF) {
        return { text: chunk.subarray(0, written), rest: chunk.subarray(read + 1) }
      }
      if (place === 'lineStart' && byte === DOT) {
        place = 'afterDot'
        continue
      }
      if (place === 'afterDot' && byte === CR) {
        place = 'afterDotCr'
        continue
      }
      if (byte === NUL) this.#fault ??= 'nul'
      const ends = byte === LF
      const inOrder = place === 'afterCr' ? ends : place !== 'afterDotCr' && !ends
      if (!inOrder) this.#fault ??= 'lineEnd'
      chunk[written++] = byte
      place = byte === CR ? 'afterCr' : ends && place === 'afterCr' ? 'lineStart' : 'text'
    }
    this.#place = place
    return { text: chunk.subarray(0, written), rest: undefined }
  }
}

/** Brings a run to its place, if dots before it were left out; returns where it ends. */
function move(chunk: Buffer, from: number, end: number, to: number): number {
  const length = end - from
  if (length >= COPIED_BY_CALL) chunk.copyWithin(to, from, end)
  else for (let index = 0; index < length; index++) chunk[to + index] = chunk[from + index] ?? NUL
  return to + length
}
