import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BodyHash } from './body-hash.ts'
import type { BodyCanonicalization } from './body-hash.ts'

/** RFC 6376 §3.4.3 and §3.4.4, read line by line over the whole text. */
function canonical(body: string, canonicalization: BodyCanonicalization): string {
  const relaxed =
    canonicalization === 'simple' ? body : body.replaceAll(/[ \t]+(?=\r\n|$)/g, '').replaceAll(/[ \t]+/g, ' ')
  const text = relaxed.replace(/(?:\r\n)*$/, '')
  return canonicalization === 'relaxed' && text === '' ? '' : `${text}\r\n`
}

function hashOf(chunks: readonly string[], canonicalization: BodyCanonicalization): string {
  const hash = new BodyHash({ canonicalization })
  for (const chunk of chunks) hash.update(Buffer.from(chunk, 'latin1'))
  return hash.digest().toString('base64')
}

test.each([
  ['', 'frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=', '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
  [
    ' C \r\nD \t E\r\n\r\n\r\n',
    createHash('sha256').update(' C \r\nD \t E\r\n').digest('base64'),
    createHash('sha256').update(' C\r\nD E\r\n').digest('base64'),
  ],
])('the examples of RFC 6376 §3.4.3 to §3.4.5: %j', (body, simple, relaxed) => {
  expect(hashOf([body], 'simple')).toBe(simple)
  expect(hashOf([body], 'relaxed')).toBe(relaxed)
})

test.each(['simple', 'relaxed'] as const)('%s: however it is cut, the hash is that of the whole', (kind) => {
  const piece = fc.constantFrom(' ', '\t', '\r\n', 'a', 'bc', '\r', '\u00fc', '\r\n\r\n', '  \r\n')
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 30 }),
      fc.array(fc.nat(40), { maxLength: 6 }),
      (pieces, cuts) => {
        // Lines end in CRLF only, as reception sees to it: a CR before anything else is content.
        const body = pieces.join('').replaceAll(/\r(?!\n)/g, '\rx')
        const places = [0, ...cuts.map((cut) => cut % (body.length + 1)), body.length].sort((a, b) => a - b)
        const chunks = places.slice(1).map((place, index) => body.slice(places[index], place))
        const expected = createHash('sha256').update(canonical(body, kind), 'latin1').digest('base64')
        expect(hashOf(chunks, kind)).toBe(expected)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('a limit (l=) cuts what is hashed, not what is counted', () => {
  const hash = new BodyHash({ canonicalization: 'relaxed', bytesMax: 4 })
  hash.update(Buffer.from('abc\r\ndef\r\n'))
  expect(hash.digest()).toEqual(createHash('sha256').update('abc\r').digest())
  expect(hash.canonicalBytes).toBe(10)
})

test('millions of empty lines before the end cost no memory', () => {
  const hash = new BodyHash({ canonicalization: 'relaxed' })
  for (let count = 0; count < 200; count++) hash.update(Buffer.from('\r\n'.repeat(10_000)))
  hash.update(Buffer.from('end\r\n'))
  hash.digest()
  expect(hash.canonicalBytes).toBe(4_000_005)
})
