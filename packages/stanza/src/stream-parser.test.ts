import { describe, expect, it } from 'vitest'
import { HEADER, streamVectors, vectors } from './_vectors.ts'
import { StreamError, StreamParser } from './index.ts'

const BYTES_MAX = 262_144

/** What a stream gives, chunk by chunk: names of headers and elements, `/` for the close, `!` before a stream error. */
function outcome(chunks: Iterable<Buffer>, bytesMax = BYTES_MAX): string {
  const seen: string[] = []
  const parser = new StreamParser(
    {
      onHeader: (header) => seen.push(header.name),
      onElement: (element) => seen.push(String(element)),
      onClose: () => seen.push('/'),
    },
    bytesMax,
  )
  try {
    for (const chunk of chunks) expect(parser.write(chunk)).toBe(chunk.length)
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    seen.push(`!${error.condition}`)
  }
  return seen.join(' ')
}

/** The same, of elements no more than their names. */
function nameOnly(chunks: Iterable<Buffer>): string {
  const seen: string[] = []
  const parser: StreamParser = new StreamParser(
    {
      onHeader: (header) => seen.push(header.name),
      onElement: (element) => seen.push(element.name),
      onClose: () => seen.push('/'),
    },
    BYTES_MAX,
  )
  try {
    for (const chunk of chunks) parser.write(chunk)
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    seen.push(`!${error.condition}`)
  }
  return seen.join(' ')
}

const whole = (text: string | Buffer) => outcome([Buffer.from(text)])
const names = (result: string) => result.replaceAll(/<([^\s/>]+)[^ ]*(?=\s|$)/g, '$1')
const byteByByte = (bytes: Buffer) => Array.from(bytes, (byte) => Buffer.of(byte))

describe('vectors', () => {
  it.each(vectors('streams'))('%j gives %s', (text, expected) => {
    expect(names(whole(text))).toBe(expected)
    expect(names(outcome(byteByByte(Buffer.from(text))))).toBe(expected)
  })

  it.each(vectors('invalid'))('%j ends the stream with %s', (text, condition) => {
    expect(whole(HEADER + text)).toMatch(new RegExp(`!${condition}$`))
    expect(outcome(byteByByte(Buffer.from(HEADER + text)))).toMatch(new RegExp(`!${condition}$`))
  })

  it.each(streamVectors())('streams/$name gives $gives', ({ bytes, gives }) => {
    expect(nameOnly([bytes])).toBe(gives)
    expect(nameOnly(byteByByte(bytes))).toBe(gives)
  })

  it.each(vectors('valid'))('%j is an element', (text) => {
    expect(whole(`${HEADER}${text}<iq/></stream:stream>`)).toMatch(/^stream <.* <iq\/> \/$/su)
  })
})

describe('chunks', () => {
  const stream = Buffer.from(
    `<?xml version='1.0'?>${HEADER}<iq id='1'/> \n<message><body a="/>'">é€😀<![CDATA[<a>]]]]>&amp;</body><x xmlns='urn:x'/></message>` +
      `<presence/><r xmlns='urn:xmpp:sm:3'></r></stream:stream>`,
  )
  const expected = whole(stream)

  it('every cut in two gives the same', () => {
    expect(expected).toMatch(/^stream <iq id='1'\/> <message>.*<presence\/> <r .* \/$/s)
    for (let at = 0; at <= stream.length; at++) {
      expect(outcome([stream.subarray(0, at), stream.subarray(at)])).toBe(expected)
    }
  })

  it('every cut in three, around each byte, and byte by byte give the same', () => {
    for (let at = 0; at < stream.length; at++) {
      const chunks = [stream.subarray(0, at), stream.subarray(at, at + 1), stream.subarray(at + 1)]
      expect(outcome(chunks)).toBe(expected)
    }
    expect(outcome(byteByByte(stream))).toBe(expected)
  })

  it('what is held is a copy: the memory of a chunk may be used again', () => {
    const bytes = Buffer.from(`${HEADER}<iq id='`)
    const parser: string[] = []
    const read = new StreamParser(
      {
        onHeader: () => undefined,
        onElement: (element) => parser.push(String(element)),
        onClose: () => undefined,
      },
      BYTES_MAX,
    )
    read.write(bytes)
    bytes.fill(0)
    read.write(Buffer.from(`1'/>`))
    expect(parser).toEqual([`<iq id='1'/>`])
  })
})

describe('RFC 6120 §11.6: UTF-8', () => {
  it.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong NUL', [0xe0, 0x80, 0x80]],
    ['an overlong quote in four bytes', [0xf0, 0x80, 0x80, 0xa7]],
    ['a high surrogate', [0xed, 0xa0, 0x80]],
    ['a surrogate pair', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
    ['a code point beyond the last', [0xf4, 0x90, 0x80, 0x80]],
    ['bytes that are never used', [0xfe, 0xff]],
    ['a cut sequence', [0xe2, 0x82]],
    ['ISO 8859-1', [0xe9]],
  ])('%s is refused', (_what, bytes) => {
    for (const [before, after] of [
      ['<message><body>', '</body></message>'],
      [`<message id='`, `'/>`],
      ['<message><a', '/></message>'],
      ['<message><![CDATA[', ']]></message>'],
    ] as const) {
      const stream = Buffer.concat([Buffer.from(HEADER + before), Buffer.from(bytes), Buffer.from(after)])
      expect(whole(stream)).toBe('stream !bad-format')
      expect(outcome(byteByByte(stream))).toBe('stream !bad-format')
    }
  })

  it('between stanzas and before the header, other encodings end the stream at once', () => {
    for (const bytes of [[0xff, 0xfe], [0xfe, 0xff], [0xef, 0xbb, 0xbf], [0]]) {
      expect(whole(Buffer.from(bytes))).toBe('!not-well-formed')
      expect(whole(Buffer.concat([Buffer.from(HEADER), Buffer.from(bytes)]))).toBe('stream !not-well-formed')
    }
    expect(whole(Buffer.from(HEADER, 'utf16le'))).toBe('!not-well-formed')
  })
})

describe('bounds', () => {
  const stanza = (bytes: number) => {
    const frame = '<message></message>'
    return `<message>${'a'.repeat(bytes - frame.length)}</message>`
  }

  it('RFC 6120 §13.12: an element of the largest size passes, one byte more does not', () => {
    const max = 1_000
    expect(outcome([Buffer.from(HEADER + stanza(max))], max)).toBe(`stream ${stanza(max)}`)
    expect(outcome([Buffer.from(HEADER + stanza(max + 1))], max)).toBe('stream !policy-violation')
    expect(outcome(byteByByte(Buffer.from(HEADER + stanza(max))), max)).toBe(`stream ${stanza(max)}`)
    expect(outcome(byteByByte(Buffer.from(HEADER + stanza(max + 1))), max)).toBe('stream !policy-violation')
  })

  it.each([
    ['a tag', '<message '],
    ['an attribute', `<message id='`],
    ['text', '<message>'],
    ['CDATA', '<message><![CDATA['],
    ['an end tag', '<message></message '],
    ['the header', undefined],
    ['the declaration', '<?xml '],
  ])('%s that never ends is refused at the limit, however slowly it drips', (_what, open) => {
    const max = 2_000
    const inStream = open?.startsWith('<message') === true
    let given = 0
    const drip = function* () {
      if (inStream) yield Buffer.from(HEADER)
      yield Buffer.from(open ?? HEADER.slice(0, -1))
      for (;;) {
        given++
        yield Buffer.from(' ')
      }
    }
    expect(outcome(drip(), max)).toBe(inStream ? 'stream !policy-violation' : '!policy-violation')
    expect(given).toBeLessThanOrEqual(max)
  })

  it('depth alone costs nothing before the end, and is refused there', () => {
    const depth = 5_000
    expect(whole(HEADER + '<a>'.repeat(depth))).toBe('stream')
    expect(whole(HEADER + '<a>'.repeat(depth) + '</a>'.repeat(depth))).toBe('stream !policy-violation')
  })

  it('a new limit holds from the next element on', () => {
    const seen: string[] = []
    const parser: StreamParser = new StreamParser(
      {
        onHeader: () => undefined,
        onElement: (element) => {
          seen.push(element.name)
          parser.limit(1_000)
        },
        onClose: () => undefined,
      },
      200,
    )
    parser.write(Buffer.from(HEADER + '<iq/>' + stanza(900)))
    expect(seen).toEqual(['iq', 'message'])
  })

  it('ten thousand idle streams, each in the middle of an element, hold little', () => {
    const events = { onHeader: () => undefined, onElement: () => undefined, onClose: () => undefined }
    const before = process.memoryUsage()
    const parsers = Array.from({ length: 10_000 }, () => {
      const parser = new StreamParser(events, 10_000)
      for (const byte of Buffer.from(`${HEADER}<auth xmlns='a'>`)) parser.write(Buffer.of(byte))
      return parser
    })
    const after = process.memoryUsage()
    const each = (after.arrayBuffers - before.arrayBuffers) / parsers.length
    expect(each).toBeLessThan(1_500)
  })

  it('white space between stanzas is no element and is not held', () => {
    expect(outcome([Buffer.from(HEADER), Buffer.alloc(50_000, ' '), Buffer.from('<iq/>')], 1_000)).toBe(
      'stream <iq/>',
    )
  })
})

describe('control from callbacks', () => {
  function recorder(react: (name: string, parser: StreamParser) => void) {
    const seen: string[] = []
    const note = (name: string) => {
      seen.push(name)
      react(name, parser)
    }
    const parser: StreamParser = new StreamParser(
      {
        onHeader: (header) => note(header.name),
        onElement: (each) => note(each.name),
        onClose: () => note('/'),
      },
      1_000,
    )
    return { parser, seen }
  }

  it('pause: the rest is the caller’s, and continues where it stopped', () => {
    const { parser, seen } = recorder((name, each) => {
      if (name !== 'stream') each.pause()
    })
    let rest = Buffer.from(`${HEADER}<a/><b/><c`)
    rest = rest.subarray(parser.write(rest))
    expect(String(rest)).toBe('<b/><c')
    rest = rest.subarray(parser.write(rest))
    expect(String(rest)).toBe('<c')
    expect(parser.write(rest)).toBe(2)
    expect(parser.write(Buffer.from('/>'))).toBe(2)
    expect(seen).toEqual(['stream', 'a', 'b', 'c'])
  })

  it('dropRest: what stands behind the element in the same chunk is ignored', () => {
    const { parser, seen } = recorder((name, each) => {
      if (name !== 'starttls') return
      each.restart()
      each.dropRest()
    })
    const chunk = Buffer.from(`${HEADER}<starttls/>${HEADER}<injected/>`)
    expect(parser.write(chunk)).toBe(chunk.length)
    parser.write(Buffer.from(`${HEADER}<iq/>`))
    expect(seen).toEqual(['stream', 'starttls', 'stream', 'iq'])
  })

  it('restart: a new header follows, with a declaration of its own and another scope', () => {
    const { parser, seen } = recorder((name, each) => {
      if (name === 'success') each.restart()
    })
    parser.write(
      Buffer.from(
        `${HEADER.replace('>', ` xmlns:p='urn:p'>`)}<p:a/><success/><?xml version='1.0'?>${HEADER}`,
      ),
    )
    expect(seen).toEqual(['stream', 'a', 'success', 'stream'])
    expect(() => parser.write(Buffer.from('<p:a/>'))).toThrow('bad-namespace-prefix')
  })

  it('restart: white space behind the last element, as go-xmpp sends it, may stand before the next declaration', () => {
    const { parser, seen } = recorder((name, each) => {
      if (name === 'auth') each.restart()
    })
    parser.write(Buffer.from(`<?xml version='1.0'?>${HEADER}<auth/>\n<?xml version='1.0'?>${HEADER}`))
    expect(seen).toEqual(['stream', 'auth', 'stream'])
    const { parser: fresh } = recorder(() => undefined)
    expect(() => fresh.write(Buffer.from(`\n<?xml version='1.0'?>${HEADER}`))).toThrow('restricted-xml')
  })

  it('restart in the middle of an element forgets its beginning', () => {
    const { parser, seen } = recorder(() => undefined)
    parser.write(Buffer.from(`${HEADER}<iq id='`))
    parser.restart()
    parser.write(Buffer.from(`${HEADER}<a/>`))
    expect(seen).toEqual(['stream', 'stream', 'a'])
  })

  it('stop: nothing more is read', () => {
    const { parser, seen } = recorder((name, each) => {
      if (name === 'a') each.stop()
    })
    parser.write(Buffer.from(`${HEADER}<a/><b/>`))
    parser.write(Buffer.from('<c/>\0'))
    expect(seen).toEqual(['stream', 'a'])
  })
})
