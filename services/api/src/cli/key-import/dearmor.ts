/** RFC 9580 §6.2: the data of armored blocks in a long text, line by line. Text between blocks, their headers and checksums are left out: what is in them is verified. */
const LINE_CHARACTERS_MAX = 64 * 1024

export async function* dearmor(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let place: 'outside' | 'headers' | 'data' = 'outside'
  let rest = ''
  let data = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = (lines.pop() ?? '').slice(0, LINE_CHARACTERS_MAX)
    for (const raw of lines) {
      const line = raw.trim()
      if (line.startsWith('-----BEGIN PGP ')) place = 'headers'
      else if (line.startsWith('-----END PGP ')) {
        yield Buffer.from(data, 'base64')
        data = ''
        place = 'outside'
      } else if (place === 'headers' && line === '') place = 'data'
      else if (place === 'data' && !line.startsWith('=')) data += line
    }
    const whole = data.length - (data.length % 4)
    if (whole > 0) yield Buffer.from(data.slice(0, whole), 'base64')
    data = data.slice(whole)
  }
  if (data !== '') yield Buffer.from(data, 'base64')
}
