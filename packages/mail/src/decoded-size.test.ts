import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodedSize } from './decoded-size.ts'

function sizeOf(encoding: string, text: string): number {
  const size = decodedSize(encoding)
  for (const letter of text) size.write(Buffer.from(letter, 'latin1'))
  return size.bytes
}

test('Base64 counts as what it stands for (RFC 2045 §6.8)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const lines = Buffer.from(bytes)
        .toString('base64')
        .replaceAll(/(.{76})/g, '$1\r\n')
      expect(sizeOf('Base64', lines)).toBe(bytes.length)
    }),
  )
})

test.each([
  ['quoted-printable', 'a=3Db=\r\nc', 4],
  ['Quoted-Printable', '=E4=F6', 2],
  ['7bit', 'a=3D', 4],
  ['x-unknown', 'abcd', 4],
])('%s: %j has %i bytes (RFC 2045 §6)', (encoding, text, bytes) => {
  expect(sizeOf(encoding, text)).toBe(bytes)
})
