import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** What a transform makes of the bytes. Throws what the source throws, and what the transform does. */
export async function* through(source: AsyncIterable<Buffer>, transform: Transform): AsyncIterable<Buffer> {
  const done = pipeline(Readable.from(source, { objectMode: false }), transform)
  done.catch(() => undefined) // told by reading
  yield* transform as AsyncIterable<Buffer>
  await done
}
