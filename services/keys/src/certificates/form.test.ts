import { expect, test } from 'vitest'
import { keytextOf } from './form.ts'

const lines = (...text: readonly string[]): Buffer => Buffer.from(text.join('\r\n'), 'latin1')
const part = (head: string, content: string): string[] => ['--b=1', head, '', content]
const KEYTEXT = 'Content-Disposition: form-data; name="keytext"'
const of = (body: Buffer): string => keytextOf(body, { boundary: 'b=1' }).toString('latin1')

test.each<[string, Buffer, string]>([
  ['the only part', lines(...part(KEYTEXT, 'key'), '--b=1--', ''), 'key'],
  ['without a last line break', lines(...part(KEYTEXT, 'key'), '--b=1--'), 'key'],
  [
    'behind a preamble and others',
    lines(
      'hello',
      ...part('Content-Disposition: form-data; name="x"', 'x'),
      ...part(KEYTEXT, 'key'),
      '--b=1--',
    ),
    'key',
  ],
  [
    'a file, more headers, in any case and without quotes',
    lines(
      ...part(
        'Content-Type: application/pgp\r\ncontent-disposition: form-data; filename="a.pgp"; NAME=keytext',
        '\xff\r\n\r\n\x00--b=1\r\n',
      ),
      '--b=1--',
    ),
    '\xff\r\n\r\n\x00--b=1\r\n',
  ],
  ['with space behind the boundary', lines('--b=1 \t', KEYTEXT, '', 'key', '--b=1--'), 'key'],
  ['the first of two', lines(...part(KEYTEXT, 'one'), ...part(KEYTEXT, 'two'), '--b=1--'), 'one'],
  ['empty', lines(...part(KEYTEXT, ''), '--b=1--'), ''],
  ['behind an empty one', lines(...part(KEYTEXT, ''), ...part(KEYTEXT, 'two'), '--b=1--'), 'two'],
  ['not ended', lines(...part(KEYTEXT, 'key')), ''],
  ['another boundary', lines('--c', KEYTEXT, '', 'key', '--c--'), ''],
  [
    'a file name of that name',
    lines(...part('Content-Disposition: form-data; filename="keytext"', 'x'), '--b=1--'),
    '',
  ],
  ['a head without end', lines('--b=1', KEYTEXT, 'x'.repeat(9_000), '', 'key', '--b=1--'), ''],
  ['nothing', lines(''), ''],
])('RFC 7578 §4.2: keytext of a form, %s', (_, body, expected) => {
  expect(of(body)).toBe(expected)
})
