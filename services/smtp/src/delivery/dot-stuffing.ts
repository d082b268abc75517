/**
 * RFC 5321 §4.5.2: a content as it goes over the wire. RFC 5321 §2.3.8: a CR or LF that is not part of a CRLF must not leave; who lets it through lets others
 * end the mail early and say what they like behind it. Content was checked when it came in or was made by us: here it is refused, not mended.
 */

const [CR, LF, DOT] = [13, 10, 46]
const END = Buffer.from('\r\n.\r\n')

export class BareLineEnd extends Error {
  override name = 'BareLineEnd'
}

export class DotStuffing {
  /** The byte before the next chunk; a line begins there at first. */
  #before = LF

  /** The pieces to send for this chunk. Throws BareLineEnd. */
  feed(chunk: Buffer): Buffer[] {
    if (chunk.length === 0) return []
    const pieces: Buffer[] = []
    let from = 0
    let begin = this.#before === LF ? 0 : -1
    if (this.#before === CR) {
      if (chunk[0] !== LF) throw new BareLineEnd()
      begin = 1
    }
    if (begin === -1) begin = this.#lineAfter(chunk, 0)
    while (begin !== -1 && begin < chunk.length) {
      if (chunk[begin] === DOT) {
        pieces.push(chunk.subarray(from, begin + 1))
        from = begin // The dot goes twice.
      }
      begin = this.#lineAfter(chunk, begin)
    }
    pieces.push(chunk.subarray(from))
    this.#before = chunk.at(-1) ?? LF
    return pieces
  }

  /** What ends the mail. Throws BareLineEnd. */
  end(): Buffer {
    if (this.#before === CR) throw new BareLineEnd()
    return this.#before === LF ? END.subarray(2) : END
  }

  /** Where the next line begins; -1: not in this chunk. */
  #lineAfter(chunk: Buffer, from: number): number {
    const feed = chunk.indexOf(LF, from)
    const stop = feed === -1 ? chunk.length : feed
    const back = chunk.indexOf(CR, from)
    if (feed !== -1 && (feed === 0 ? this.#before !== CR : chunk[feed - 1] !== CR)) throw new BareLineEnd()
    // A CR stands right before the LF, or ends the chunk.
    if (back !== -1 && back < stop - 1) throw new BareLineEnd()
    return feed === -1 ? -1 : feed + 1
  }
}
