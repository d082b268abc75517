import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DataDecoder } from './data-decoder.ts'

interface Outcome {
  readonly text: string
  readonly rest: string | undefined
  readonly fault: string | undefined
}

/** `pieces` as they come from the network, until the end was found. */
function decode(...pieces: readonly string[]): Outcome {
  const decoder = new DataDecoder()
  let text = ''
  for (const [index, piece] of pieces.entries()) {
    const decoded = decoder.decode(Buffer.from(piece, 'latin1'))
    text += decoded.text.toString('latin1')
    if (decoded.rest === undefined) continue
    const rest = decoded.rest.toString('latin1') + pieces.slice(index + 1).join('')
    return { text, rest, fault: decoder.fault }
  }
  return { text, rest: undefined, fault: decoder.fault }
}

test.each([
  ['an empty mail', '.\r\n', ''],
  ['a line', 'a\r\n.\r\n', 'a\r\n'],
  ['stuffed dots', '..\r\n...\r\n.a\r\na.b\r\n.\r\n', '.\r\n..\r\na\r\na.b\r\n'],
  ['empty lines', '\r\n\r\n.\r\n', '\r\n\r\n'],
])('%s (RFC 5321 §4.5.2)', (_what, wire, text) => {
  expect(decode(wire)).toEqual({ text, rest: '', fault: undefined })
})

test('what follows the end is left for the next command (RFC 2920 §3.1)', () => {
  expect(decode('a\r\n.\r\nQUIT\r\n')).toEqual({ text: 'a\r\n', rest: 'QUIT\r\n', fault: undefined })
})

const ENDS_THAT_ARE_NONE = [
  '\n.\n',
  '\n.\r\n',
  '\r.\r\n',
  '\r\n.\n',
  '\r\n.\r',
  '\r.\r',
  '\n.\r',
  '\r\r\n.\r\r\n',
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
  '\n\n.\r\n',
  '\r\n.\r\r\n',
]

test.each(ENDS_THAT_ARE_NONE)('%j ends nothing, and is a fault', (sequence) => {
  const smuggled = 'MAIL FROM:<eve@example.org>\r\n'
  const { text, rest, fault } = decode(`a${sequence}${smuggled}\r\n.\r\n`)
  expect(text).toContain(smuggled)
  expect(rest).toBe('')
  expect(fault).toBeDefined()
})

test('however the network cuts it, the outcome is the same', () => {
  const piece = fc.constantFrom('\r', '\n', '\r\n', '.', 'a', '\0', '\r\n.\r\n', '..')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(60), { maxLength: 8 }), (parts, cuts) => {
      const wire = parts.join('')
      const places = [0, ...cuts.toSorted((a, b) => a - b), wire.length]
      const pieces = places.slice(1).map((place, index) => wire.slice(places[index], place))
      const [whole, cut] = [decode(wire), decode(...pieces)]
      expect(cut.fault === undefined).toBe(whole.fault === undefined)
      expect(cut.rest).toBe(whole.rest)
      if (whole.fault === undefined) expect(cut.text).toBe(whole.text)
    }),
  )
})

test('what was stuffed comes out again', () => {
  const line = fc.string({ unit: fc.constantFrom('.', 'a', ' '), maxLength: 6 })
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
      const text = lines.map((each) => `${each}\r\n`).join('')
      const wire = lines.map((each) => `${each.startsWith('.') ? '.' : ''}${each}\r\n`).join('')
      expect(decode(`${wire}.\r\nNOOP`)).toEqual({ text, rest: 'NOOP', fault: undefined })
    }),
  )
})
