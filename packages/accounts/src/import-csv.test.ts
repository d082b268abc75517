import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAccountsCsv } from './import-csv.ts'

async function* chunksOf(...chunks: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

/** One word a row: `1:ann@example.org=secret` or `2!quotes`. */
async function read(...chunks: (string | Buffer)[]): Promise<string[]> {
  const rows = await Array.fromAsync(readAccountsCsv(chunksOf(...chunks), ['example.org', 'Example.NET']))
  return rows.map((row) => {
    if ('problem' in row) return `${String(row.line)}!${row.problem}`
    return `${String(row.line)}:${row.jid.toString()}=${row.password}`
  })
}

describe('readAccountsCsv', () => {
  test.each([
    ['a plain line', 'ann,secret', ['1:ann@example.org=secret']],
    ['a served domain', 'ann@example.net,secret', ['1:ann@example.net=secret']],
    ['canonical names', 'ANN@EXAMPLE.org,Secret', ['1:ann@example.org=Secret']],
    ['a header', 'username,password\nann,secret\n', ['2:ann@example.org=secret']],
    ['a header after a byte order mark', '\u{feff}Username, Password\r\nann,x\r\n', ['2:ann@example.org=x']],
    [
      'a header only at the top',
      'ann,x\nusername,password',
      ['1:ann@example.org=x', '2:username@example.org=password'],
    ],
    ['CRLF', 'ann,x\r\nben,y\r\n', ['1:ann@example.org=x', '2:ben@example.org=y']],
    ['blank lines, counted', '\n\nann,x\n  \nben,y', ['3:ann@example.org=x', '5:ben@example.org=y']],
    ['quotes', '"ann","a,""b"""', ['1:ann@example.org=a,"b"']],
    ['spaces of a password', 'ann, x y ', ['1:ann@example.org= x y ']],
    ['UTF-8', 'jürgen,päss😀', ['1:jürgen@example.org=päss😀']],
    ['no password', 'ann,\nben', ['1!password', '2!fields']],
    ['too many fields', 'ann,x,y', ['1!fields']],
    [
      'an unclosed quote does not swallow the next line',
      '"ann,x\nben,y',
      ['1!quotes', '2:ben@example.org=y'],
    ],
    ['text after a quote', '"ann"a,x', ['1!quotes']],
    ['a quote in a plain field', 'a"nn,x', ['1!quotes']],
    ['a foreign domain', 'ann@elsewhere.example,x', ['1!domain']],
    ['no name', ',x\n@example.org,x', ['1!username', '2!username']],
    [
      'a name that is none',
      'a b,x\nann@example.org/phone,x\na@b@example.org,x',
      ['1!username', '2!username', '3!username'],
    ],
  ])('%s', async (_what, text, expected) => {
    expect(await read(text)).toEqual(expected)
  })

  test('bad UTF-8 spoils its line only', async () => {
    const bad = Buffer.concat([Buffer.from('ann,'), Buffer.from([0xff, 0xc0]), Buffer.from('\nben,y')])
    expect(await read(bad)).toEqual(['1!encoding', '2:ben@example.org=y'])
  })

  test('a line without end is not held in memory, and spoils itself only', async () => {
    const endless = Array.from({ length: 1000 }, () => 'a'.repeat(10_000))
    expect(await read('ann,x\n', ...endless, '\nben,y')).toEqual([
      '1:ann@example.org=x',
      '2!too-long',
      '3:ben@example.org=y',
    ])
  })

  test('however the bytes are cut into chunks, the rows are the same', async () => {
    const text = Buffer.from('username,password\r\njürgen,"a""b"\r\n\n"x,y\nben,😀\n,\nend,z')
    const whole = await read(text)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 12 }), async (cuts) => {
        const edges = [0, ...cuts.sort((one, other) => one - other), text.length]
        const chunks = edges.slice(1).map((end, index) => text.subarray(edges[index], end))
        expect(await read(...chunks)).toEqual(whole)
      }),
      { interruptAfterTimeLimit: 2_000 },
    )
  })

  test('whatever the bytes, each line is answered at most once and in order', async () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', '@', '\0', 'ü', ' '), maxLength: 400 }),
    )
    await fc.assert(
      fc.asyncProperty(hostile, async (input) => {
        const rows = await read(Buffer.from(input as Uint8Array))
        const lines = rows.map((row) => Number.parseInt(row, 10))
        expect(lines).toEqual([...new Set(lines)].sort((one, other) => one - other))
      }),
      { numRuns: 2_000, interruptAfterTimeLimit: 3_000 },
    )
  })
})
