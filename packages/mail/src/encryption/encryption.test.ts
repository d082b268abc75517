import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encryptionReader, isDeliveryReport, MailHeader, pgpMimeDisguise } from '../index.ts'

const vector = new URL('../../../../test/vectors/openpgp/encrypted/js-v6-x25519.txt', import.meta.url)
const base64 = readFileSync(vector, 'utf8')
  .split('\n')
  .filter((line) => /^[A-Za-z0-9+/]/.test(line))
const armored = ['-----BEGIN PGP MESSAGE-----', '', ...base64, '-----END PGP MESSAGE-----']

/** Lines to a mail; `B` is the boundary. */
const mail = (...lines: readonly string[]): string => lines.join('\r\n')
const encrypted = mail(
  'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";',
  '\tboundary="B"',
  '',
  'This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)',
  '--B',
  'Content-Type: application/pgp-encrypted',
  'Content-Description: PGP/MIME version identification',
  '',
  'Version: 1',
  '',
  '--B',
  'Content-Type: application/octet-stream; name="plan to rob the bank.asc"',
  'Content-Disposition: inline; filename="plan to rob the bank.asc"',
  '',
  ...armored,
  '',
  '--B--',
  '',
)

function* inPieces(bytes: Buffer, sizes: readonly number[]): Iterable<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

function parse(text: string): { header: MailHeader; body: Buffer } {
  const bytes = Buffer.from(text)
  const end = bytes.indexOf('\r\n\r\n') + 4
  const header = MailHeader.parse(bytes.subarray(0, end))
  if (header === undefined) throw new Error('no header')
  return { header, body: bytes.subarray(end) }
}

function kindOf(text: string, sizes: readonly number[] = [1]): string {
  const { header, body } = parse(text)
  const reader = encryptionReader(header)
  for (const piece of inPieces(body, sizes)) reader?.write(piece)
  return reader?.end()?.kind ?? 'none'
}

function disguise(text: string, sizes: readonly number[] = [1]): string {
  const { header, body } = parse(text)
  const transform = pgpMimeDisguise(header)
  if (transform === undefined) throw new Error('not disguised')
  const written = [...inPieces(body, sizes)].map((piece) => transform.write(piece))
  return Buffer.concat([header.toBuffer(), ...written, transform.end()]).toString()
}

const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 })

describe('PGP/MIME', () => {
  it('is known in any pieces', () => {
    fc.assert(
      fc.property(sizes, (pieces) => {
        expect(kindOf(encrypted, pieces)).toBe('pgp-mime')
      }),
    )
  })

  const change = (from: string | RegExp, to: string) => () => encrypted.replace(from, to)
  it.each([
    ['without a preamble', change('This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)\r\n', '')],
    ['with version in lower case', change('Version: 1', 'version: 1')],
    [
      'with an encoding that changes nothing',
      change('\r\n\r\n-----B', '\r\nContent-Transfer-Encoding: 8bit\r\n\r\n-----B'),
    ],
    [
      'in quoted-printable',
      () => {
        const quoted = encrypted
          .slice(encrypted.indexOf('-----BEGIN'))
          .replaceAll('=', '=3D')
          .replaceAll('\r\n\r\n--B', '=\r\n\r\n\r\n--B')
        return `${encrypted.slice(0, encrypted.indexOf('\r\n\r\n-----BEGIN'))}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${quoted}`
      },
    ],
    ['with blanks behind a delimiter', change('--B\r\n', '--B \t\r\n')],
    ['with no line break at the end', () => encrypted.trimEnd()],
    ['with a boundary without quotes', change('"B"', 'B')],
  ])('is known %s', (_, make) => {
    expect(kindOf(make())).toBe('pgp-mime')
    expect(kindOf(make(), [100_000])).toBe('pgp-mime')
  })

  it.each([
    ['another version', change('Version: 1', 'Version: 2')],
    ['words beside the version', change('Version: 1', 'Version: 1\r\nDear Bob')],
    ['a long preamble', change('This is', 'x'.repeat(300))],
    ['words behind', () => `${encrypted}Dear Bob`],
    ['a third part', change(/--B--\r\n$/, '--B\r\nContent-Type: text/plain\r\n\r\nDear Bob\r\n--B--\r\n')],
    ['one part', change(/--B\r\nContent-Type: application\/octet[\s\S]*$/, '--B--\r\n')],
    ['no end', change('--B--', '')],
    ['the parts in the other order', change(/(--B\r\n[\s\S]*)(--B\r\n[\s\S]*)(--B--)/, '$2$1$3')],
    ['another protocol', change('protocol="application/pgp-encrypted"', 'protocol="application/x"')],
    ['two protocols', change('boundary=', 'protocol="application/x"; boundary=')],
    ['two Content-Types', () => `Content-Type: text/plain\r\n${encrypted}`],
    ['no boundary', change('boundary="B"', 'x="B"')],
    [
      'an encoding of the whole',
      () =>
        encrypted
          .replace('\r\n\r\n', '\r\nContent-Transfer-Encoding: x\r\n\r\n')
          .replace('multipart/encrypted', 'text/plain'),
    ],
    ['a part without the end of its header', change('\r\n\r\nVersion: 1', '\r\nVersion: 1')],
    ['a part of another type', change('application/octet-stream', 'text/plain')],
    [
      'a part with two types',
      change('application/octet-stream', 'application/octet-stream\r\nContent-Type: text/plain'),
    ],
    [
      'an unknown encoding',
      change('Content-Disposition', 'Content-Transfer-Encoding: x\r\nContent-Disposition'),
    ],
    ['words before the armor', change('-----BEGIN', 'Dear Bob,\r\n-----BEGIN')],
    ['words behind the armor', change('PGP MESSAGE-----\r\n\r\n--B', 'PGP MESSAGE-----\r\nYours\r\n--B')],
    ['ciphertext cut short', () => encrypted.replace(base64.at(-1) ?? '', '')],
    ['a header without end', change('Content-Description', `X: ${'x'.repeat(9_000)}\r\nContent-Description`)],
  ])('is not with %s', (_, make) => {
    expect(make()).not.toBe(encrypted)
    expect(kindOf(make())).toBe('none')
    expect(kindOf(make(), [100_000])).toBe('none')
  })

  it('is said of no mail that was changed into one with more in it', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: encrypted.length }),
        fc.constantFrom('\r\nDear Bob\r\n', '--B\r\n', '\r\n\r\n'),
        sizes,
        (place, text, pieces) => {
          const changed = encrypted.slice(0, place) + text + encrypted.slice(place)
          const { header } = {
            header: MailHeader.parse(Buffer.from(changed.slice(0, changed.indexOf('\r\n\r\n') + 4))),
          }
          if (header === undefined) return
          expect(kindOf(changed, pieces)).toBe(kindOf(changed, [100_000]))
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('other ways to be encrypted', () => {
  const smime = (oid: string, { type = 'application/pkcs7-mime', length = '82ffff' } = {}) =>
    mail(
      `Content-Type: ${type}; name="smime.p7m"`,
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from(`30${length}${oid}a0820000`, 'hex').toString('base64'),
      '',
    )

  it.each([
    ['an armored text', mail('Subject: x', '', ...armored, ''), 'pgp-inline'],
    [
      'an armored text in quoted-printable',
      mail(
        'Content-Type: text/plain',
        'Content-Transfer-Encoding: quoted-printable',
        '',
        ...armored.map((line) => line.replaceAll('=', '=3D')),
        '',
      ),
      'pgp-inline',
    ],
    [
      'an armored text in Base64',
      mail(
        'Content-Type: text/plain',
        'Content-Transfer-Encoding: base64',
        '',
        Buffer.from(mail(...armored)).toString('base64'),
        '',
      ),
      'pgp-inline',
    ],
    ['an armored text with words', mail('Subject: x', '', 'Dear Bob,', ...armored, ''), 'none'],
    ['an armored text in HTML', mail('Content-Type: text/html', '', ...armored, ''), 'none'],
    ['enveloped S/MIME', smime('06092a864886f70d010703'), 'smime'],
    ['authenticated and enveloped S/MIME', smime('060b2a864886f70d0109100117', { length: '80' }), 'smime'],
    ['signed S/MIME', smime('06092a864886f70d010702'), 'none'],
    [
      'text that claims to be S/MIME',
      mail('Content-Type: application/pkcs7-mime; smime-type=enveloped-data', '', 'Dear Bob'),
      'none',
    ],
    ['S/MIME of another type', smime('06092a864886f70d010703', { type: 'application/octet-stream' }), 'none'],
    [
      'a Secure-Join request',
      mail('Secure-Join: vc-request', '', 'Secure-Join: vc-request', ''),
      'secure-join',
    ],
    [
      'a Secure-Join request in a part',
      mail(
        'Secure-Join: vg-request',
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        'Content-Type: text/plain; charset=utf-8',
        '',
        'secure-join: vg-request',
        '--b--',
        '',
      ),
      'secure-join',
    ],
    [
      'a Secure-Join request with words',
      mail('Secure-Join: vc-request', '', 'Secure-Join: vc-request', 'Dear Bob', ''),
      'none',
    ],
    [
      'a Secure-Join request with words beside',
      mail(
        'Secure-Join: vg-request',
        'Content-Type: multipart/mixed; boundary=b',
        '',
        'Dear Bob',
        '--b',
        '',
        'secure-join: vg-request',
        '--b--',
        '',
      ),
      'none',
    ],
    [
      'a Secure-Join request with another part',
      mail(
        'Secure-Join: vg-request',
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        '',
        'secure-join: vg-request',
        '--b',
        '',
        'Dear Bob',
        '--b--',
        '',
      ),
      'none',
    ],
    [
      'a later step of Secure-Join',
      mail('Secure-Join: vc-auth-required', '', 'Secure-Join: vc-auth-required', ''),
      'none',
    ],
    ['plain text', mail('Subject: x', '', 'Dear Bob', ''), 'none'],
    ['nothing', mail('Subject: x', '', ''), 'none'],
  ])('%s', (_, text, kind) => {
    for (const size of [1, 50, 100_000]) expect(kindOf(text, [size])).toBe(kind)
  })

  it.each([
    [[], true],
    [['Auto-Submitted: no'], false],
    [['Auto-Submitted: auto-replied', 'From: mallory@x.example'], false],
    [['Content-Type: text/plain'], false],
    [['Content-Type: multipart/report; report-type=disposition-notification'], false],
  ])('a delivery report, but %j', (instead, expected) => {
    const lines = [
      'Auto-Submitted: auto-replied',
      'From: Mail System <MAILER-DAEMON@x.example>',
      'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    ]
    const names = instead.map((line) => line.split(':')[0] ?? '')
    const kept = lines.filter((line) => !names.some((name) => line.startsWith(name)))
    expect(isDeliveryReport(parse(mail(...kept, ...instead, '', '')).header)).toBe(expected)
  })
})

describe('the disguise', () => {
  it('leaves two parts that say nothing, and the ciphertext as it was', () => {
    const withHeaders = encrypted.replace(
      'MESSAGE-----\r\n',
      'MESSAGE-----\r\nVersion: X 1.0\r\nComment: hi\r\n',
    )
    const expected = mail(
      'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";',
      '\tboundary="B"',
      '',
      '--B',
      'Content-Type: application/pgp-encrypted',
      '',
      'Version: 1',
      '',
      '--B',
      'Content-Type: application/octet-stream; name="attachment.pgp"',
      'Content-Disposition: attachment; filename="attachment.pgp"',
      '',
      ...armored,
      '',
      '--B--',
      '',
    )
    fc.assert(
      fc.property(sizes, (pieces) => {
        expect(disguise(withHeaders, pieces)).toBe(expected)
      }),
    )
    expect(disguise(expected)).toBe(expected)
    expect(kindOf(expected)).toBe('pgp-mime')
  })

  it('changes nothing of what it does not know', () => {
    for (const text of [
      encrypted.replace(/--B[\s\S]*/, 'x'.repeat(300)),
      mail(
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=B',
        '',
        '--B',
        'Content-Type: text/plain',
        '',
        'a',
        '--B',
        'Content-Type: text/html',
        '',
        'b',
        '--B',
        '',
        'c',
        '--B--',
        'd',
      ),
    ])
      fc.assert(
        fc.property(sizes, (pieces) => {
          expect(disguise(text, pieces)).toBe(text)
        }),
      )
  })

  it('loses no byte of any content', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.nat({ max: 3 }),
        sizes,
        (words, place, pieces) => {
          const marks = ['Version: 1', '-----BEGIN', base64[3] ?? '', '-----END PGP']
          const mark = marks[place] ?? ''
          const text = encrypted.replace(mark, () => `c4n4ry${words}c4n4ry${mark}`)
          expect(disguise(text, pieces)).toContain(`c4n4ry${words}c4n4ry`)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('is for PGP/MIME alone', () => {
    expect(
      pgpMimeDisguise(parse(mail('Content-Type: multipart/mixed; boundary=B', '', '')).header),
    ).toBeUndefined()
  })
})
