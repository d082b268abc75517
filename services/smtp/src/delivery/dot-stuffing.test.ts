import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BareLineEnd, DotStuffing } from './dot-stuffing.ts'

/** On the wire, when it arrives in these pieces. */
function send(...chunks: readonly string[]): string {
  const stuffing = new DotStuffing()
  const pieces = chunks.map((chunk) => stuffing.feed(Buffer.from(chunk, 'latin1')))
  return Buffer.concat([...pieces, stuffing.end()]).toString('latin1')
}

test.each([
  [['a\r\n'], 'a\r\n.\r\n'],
  [['a'], 'a\r\n.\r\n'],
  [['.\r\n'], '..\r\n.\r\n'],
  [['a\r\n.\r\nb\r\n..\r\n'], 'a\r\n..\r\nb\r\n...\r\n.\r\n'],
  [['a\r', '\n', '.', 'b'], 'a\r\n..b\r\n.\r\n'],
  [['', 'a\r\n', ''], 'a\r\n.\r\n'],
  [[], '.\r\n'],
])('%j becomes %j (RFC 5321 §4.5.2)', (chunks, wire) => {
  expect(send(...chunks)).toBe(wire)
})

/** What ended a mail early at one server or another. */
test.each([
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\n.\r',
  '\r\n\n.\r\n',
  '\r\r\n.\r\n',
  '\n\r\n',
  'a\nb',
  'a\rb',
  '\r',
])('no mail leaves with %j in it, wherever chunks end', (sequence) => {
  const mail = `Subject: x\r\n\r\nbefore${sequence}MAIL FROM:<eve@example.org>\r\n`
  for (let cut = 0; cut <= mail.length; cut++)
    expect(() => send(mail.slice(0, cut), mail.slice(cut)), String(cut)).toThrow(BareLineEnd)
  expect(() => send(`x${sequence}`.slice(0, sequence === '\r' ? 2 : undefined))).toThrow(BareLineEnd)
})

test('any content: read back as it was, or refused as soon as it has a bare CR or LF', () => {
  const text = fc.array(fc.constantFrom('\r\n', '\r', '\n', '.', 'a', '\r\n.', '..'), { maxLength: 20 })
  fc.assert(
    fc.property(text, fc.array(fc.nat(40), { maxLength: 4 }), (words, cuts) => {
      const content = words.join('')
      const places = [0, ...cuts.map((cut) => Math.min(cut, content.length)), content.length].toSorted(
        (a, b) => a - b,
      )
      const chunks = places.slice(1).map((end, index) => content.slice(places[index], end))
      if (/(?<!\r)\n|\r(?!\n)/.test(content)) {
        expect(() => send(...chunks)).toThrow(BareLineEnd)
        return
      }
      const wire = send(...chunks)
      expect(wire.indexOf('\r\n.\r\n')).toBe(wire.startsWith('.\r\n') ? -1 : wire.length - 5)
      const back = wire.slice(0, wire.length - 3).replaceAll(/(^|\r\n)\./g, '$1')
      expect([content, `${content}\r\n`]).toContain(back)
    }),
    { numRuns: 3_000 },
  )
})
