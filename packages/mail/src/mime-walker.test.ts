import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MailHeader } from './mail-header.ts'
import { type MimeLimits, MimeWalker } from './mime-walker.ts'

const LIMITS: MimeLimits = { partsMax: 1_000, depthMax: 20 }

interface Walked {
  readonly leaves: readonly string[]
  readonly fault: string | undefined
}

/** Each leaf as `parents>type:content`. */
function walk(mail: string, cuts: readonly number[] = [], limits = LIMITS): Walked {
  const end = mail.indexOf('\r\n\r\n') + 2
  const header = MailHeader.parse(Buffer.from(mail.slice(0, end))) ?? MailHeader.empty()
  const body = Buffer.from(mail.slice(end + 2), 'latin1')
  const leaves: string[] = []
  const walker = new MimeWalker(
    header,
    ({ type, parents }) => {
      let content = ''
      return {
        write: (bytes) => {
          content += bytes.toString('latin1')
        },
        end: () => void leaves.push(`${[...parents, type].join('>')}:${content}`),
      }
    },
    limits,
  )
  const places = [0, ...cuts.map((each) => each % (body.length + 1)).toSorted((a, b) => a - b), body.length]
  for (const [index, place] of places.slice(1).entries()) walker.write(body.subarray(places[index], place))
  walker.end()
  return { leaves, fault: walker.fault }
}

const multipart = (boundary: string, ...parts: readonly string[]): string =>
  `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\npreamble\r\n${parts
    .map((each) => `--${boundary}\r\n${each}\r\n`)
    .join('')}--${boundary}--\r\nepilogue\r\n`

const TREE = multipart(
  'a',
  'Content-Type: text/html\r\n\r\none\r\n',
  multipart(
    'b',
    '\r\ntwo',
    'Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n--no\r\n-\r\nAAAA',
  ),
  'Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: application/x\r\n\r\nthree',
  '',
)
const LEAVES = [
  'multipart/mixed>text/html:one\r\n',
  'multipart/mixed>multipart/mixed>text/plain:two',
  'multipart/mixed>multipart/mixed>image/png:--no\r\n-\r\nAAAA',
  'multipart/mixed>message/rfc822>application/x:three',
  'multipart/mixed>text/plain:',
]

describe('the parts of a mail (RFC 2046 §5.1)', () => {
  test('are found in their order, nested, in attached mails too', () => {
    expect(walk(TREE)).toEqual({ leaves: LEAVES, fault: undefined })
  })

  test('are the same however the body is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { maxLength: 40 }), (cuts) => {
        expect(walk(TREE, cuts).leaves).toEqual(LEAVES)
      }),
    )
  })

  test.each([
    ['a mail that is one part', 'Subject: x\r\n\r\n--a\r\nb\r\n', ['text/plain:--a\r\nb\r\n']],
    [
      'a type in a comment',
      'Content-Type: multipart/mixed (x); boundary=a\r\n\r\n--a\r\n\r\nb\r\n--a--',
      ['multipart/mixed>text/plain:b'],
    ],
    ['no boundary', 'Content-Type: multipart/mixed\r\n\r\n--a\r\n', ['multipart/mixed:--a\r\n']],
    [
      'no end',
      'Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nb',
      ['multipart/mixed>text/plain:b'],
    ],
    [
      'an outer delimiter that ends an inner part',
      'Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--a\r\n\r\ny\r\n--b\r\nz\r\n--a--',
      ['multipart/mixed>multipart/mixed>text/plain:x', 'multipart/mixed>text/plain:y\r\n--b\r\nz'],
    ],
    [
      'a longer line that begins as a delimiter',
      'Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\n--ab\r\n--a-\r\n--a  \r\n\r\nx\r\n--a--',
      ['multipart/mixed>text/plain:--ab\r\n--a-', 'multipart/mixed>text/plain:x'],
    ],
    [
      'a digest (RFC 2046 §5.1.5)',
      'Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nSubject: x\r\n\r\ny\r\n--a--',
      ['multipart/digest>message/rfc822>text/plain:y'],
    ],
  ])('%s', (_what, mail, leaves) => {
    expect(walk(mail).leaves).toEqual(leaves)
  })
})

test('there is a bound on everything', () => {
  const nested = (depth: number): string =>
    depth === 0 ? '\r\nx' : multipart(`b${String(depth)}`, nested(depth - 1))
  expect(walk(nested(20)).fault).toBe('tooDeep')
  expect(walk(nested(19)).fault).toBeUndefined()
  const many = (count: number): string => multipart('a', ...Array.from({ length: count }, () => '\r\nx'))
  expect(walk(many(1_000)).fault).toBe('tooManyParts')
  expect(walk(many(999)).fault).toBeUndefined()
  expect(walk(multipart('a', `X: ${'x'.repeat(70_000)}\r\n\r\ny`), [1_000, 30_000]).fault).toBe(
    'partHeaderTooLarge',
  )
  const attached = 'Content-Type: message/rfc822\r\n\r\n'.repeat(30)
  expect(walk(attached).fault).toBe('tooDeep')
})

test('whatever comes, it does not throw, and gives nothing that was not there', () => {
  const piece = fc.constantFrom(
    '--a',
    '--',
    '-',
    '\r\n',
    'Content-Type: multipart/mixed; boundary=a\r\n',
    'Content-Type: message/rfc822\r\n',
    ':',
    ' ',
    'x',
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 80 }),
      fc.array(fc.nat(500), { maxLength: 10 }),
      (pieces, cuts) => {
        const mail = `Content-Type: multipart/mixed; boundary=a\r\n\r\n${pieces.join('')}`
        expect(walk(mail, cuts)).toEqual(walk(mail))
      },
    ),
    { numRuns: 1_000 },
  )
})
