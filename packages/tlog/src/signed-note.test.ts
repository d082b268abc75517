import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { signer, vector } from './_fixtures.ts'
import {
  cosign,
  cosignaturesOf,
  EMPTY_ROOT,
  formatNote,
  formatTreeHead,
  formatVerifierKey,
  noteKey,
  openCheckpoint,
  parseNote,
  parseSignatureLines,
  parseTreeHead,
  parseVerifierKey,
  SIGNATURE_TYPE,
  signCheckpoint,
  TlogError,
} from './index.ts'
import { requireSignature } from './signed-note.ts'

const EXAMPLE_KEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'

describe('C2SP signed-note', () => {
  test('Verifier keys, Example: the key verifies the note, and nothing that differs from it', () => {
    const bytes = vector('signed-note.txt')
    const key = parseVerifierKey(EXAMPLE_KEY)
    expect(formatVerifierKey(key)).toBe(EXAMPLE_KEY)
    const note = parseNote(bytes)
    expect(note.text).toBe('This is an example message.\n')
    requireSignature(note, key)
    expect(formatNote(note)).toBe(bytes.toString())
    const changed = Buffer.from(bytes.toString().replace('example message', 'example massage'))
    expect(() => requireSignature(parseNote(changed), key)).toThrow(TlogError)
    expect(() => requireSignature(note, signer('example.com/foo', 1).key)).toThrow(TlogError)
  })

  test.each([
    ['no blank line', 'text\n\u2014 a AAAAAAA=\n'],
    ['no signature', 'text\n\n'],
    ['no end of the last line', 'text\n\n\u2014 a AAAAAAA='],
    ['a hyphen for the dash', 'text\n\n- a AAAAAAA=\n'],
    ['a plus in the name', 'text\n\n\u2014 a+b AAAAAAA=\n'],
    ['no name', 'text\n\n\u2014  AAAAAAA=\n'],
    ['two spaces', 'text\n\n\u2014 a  AAAAAAA=\n'],
    ['a key id alone', 'text\n\n\u2014 a AAAAAA==\n'],
    ['base64 of another form', 'text\n\n\u2014 a AAAAAAB=\n'],
    ['a control character', 'te\txt\n\n\u2014 a AAAAAAA=\n'],
    ['a line end of two', 'text\r\n\r\n\u2014 a AAAAAAA=\r\n'],
    ['a space of Unicode in the name', 'text\n\n\u2014 a\u2003b AAAAAAA=\n'],
    ['more than 64 signatures', `text\n\n${'\u2014 a AAAAAAA=\n'.repeat(65)}`],
    ['too much', `${'x'.repeat(300_000)}\n\n\u2014 a AAAAAAA=\n`],
  ])('Format: %s is no note', (_, text) => {
    expect(() => parseNote(Buffer.from(text))).toThrow(TlogError)
  })

  test('Format: text that is not UTF-8 is no note; empty lines and 64 signatures are', () => {
    expect(() =>
      parseNote(Buffer.concat([Buffer.from([0xff]), Buffer.from('\n\n\u2014 a AAAAAAA=\n')])),
    ).toThrow(TlogError)
    const note = parseNote(Buffer.from(`a\n\n\nb\n\n${'\u2014 a AAAAAAA=\n'.repeat(64)}`))
    expect([note.text, note.signatures.length]).toEqual(['a\n\n\nb\n', 64])
  })

  test.each([
    'example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/fo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/foo',
    '',
  ])('Verifier keys: %s is none', (vkey) => {
    expect(() => parseVerifierKey(vkey)).toThrow(TlogError)
  })

  test('names that a note cannot have make no key', () => {
    for (const name of ['', 'a b', 'a+b', 'a\nb', 'a\u00a0b', 'x'.repeat(256)])
      expect(() => noteKey(name, SIGNATURE_TYPE.ed25519, Buffer.alloc(32))).toThrow(TlogError)
  })

  test('whatever the bytes, they are a note that is written as it was read, or refused', () => {
    const piece = fc.constantFrom(
      'text',
      '\n',
      '\n\n',
      '\u2014',
      ' ',
      'a',
      'AAAAAAA=',
      '\u2014 a AAAAAAA=\n',
      '+',
      '\0',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 12 }).map((all) => all.join('')),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          text.map((each) => Buffer.from(each)),
          fc.uint8Array(),
        ),
        (bytes) => {
          for (const parse of [
            parseNote,
            parseSignatureLines,
            (all: Uint8Array) => parseTreeHead(Buffer.from(all).toString()),
            (all: Uint8Array) => parseVerifierKey(Buffer.from(all).toString()),
          ])
            try {
              const read = parse(bytes)
              if ('text' in read) expect(formatNote(read)).toBe(Buffer.from(bytes).toString())
            } catch (error) {
              expect(error).toBeInstanceOf(TlogError)
            }
        },
      ),
      { numRuns: 3_000 },
    )
  })
})

const log = signer('log.example/tlog', 2)
const witness = signer('witness.example/w1', 3, SIGNATURE_TYPE.cosignature)
const head = { origin: 'log.example/tlog', size: 3, root: EMPTY_ROOT }

describe('C2SP tlog-checkpoint', () => {
  test('Note text: the example, its cosignature and all, is read', () => {
    const note = parseNote(vector('checkpoint.txt'))
    expect(parseTreeHead(note.text)).toMatchObject({
      origin: 'example.com/behind-the-sofa',
      size: 20_852_163,
    })
    expect(note.signatures.map(({ name, signature }) => [name, signature.length])).toEqual([
      ['example.com/behind-the-sofa', 64],
      ['witness.example.com/w1', 72],
    ])
  })

  test('what is signed is read again, extension lines or not; and nobody else signs it', () => {
    const signed = Buffer.from(signCheckpoint(head, log.key, log.secret))
    expect(openCheckpoint(signed, log.key)).toMatchObject({ ...head, cosignatures: [] })
    const other = signer('log.example/tlog', 4)
    expect(() => openCheckpoint(signed, other.key)).toThrow(TlogError)
    const forged = Buffer.from(signed.toString().replace('\n3\n', '\n4\n'))
    expect(() => openCheckpoint(forged, log.key)).toThrow(
      expect.objectContaining({ code: 'TLOG_SIGNATURE' }) as Error,
    )
    expect(parseTreeHead(`${formatTreeHead(head)}more\n`)).toEqual(head)
  })

  test('a checkpoint of another origin, though signed by this key, is not of this log', () => {
    const signed = Buffer.from(signCheckpoint({ ...head, origin: 'other' }, log.key, log.secret))
    expect(() => openCheckpoint(signed, log.key)).toThrow(
      expect.objectContaining({ code: 'TLOG_SIGNATURE' }) as Error,
    )
  })

  const root = EMPTY_ROOT.toString('base64')
  test.each([
    '',
    'o\n1\n',
    `o\n01\n${root}\n`,
    `o\n-1\n${root}\n`,
    `o\n1\n${root.slice(4)}\n`,
    `o\n1\n${root}`,
    `\n1\n${root}\n`,
    `o\n1\n${root}\n\nx\n`,
    `o\n99999999999999999\n${root}\n`,
  ])('Note text: %j is none', (text) => {
    expect(() => parseTreeHead(text)).toThrow(TlogError)
  })
})

describe('C2SP tlog-cosignature', () => {
  const text = formatTreeHead(head)
  const line = cosign(text, 1_679_315_147, witness.key, witness.secret)
  const note = { text, signatures: [line] }

  test('Ed25519 signed message: the time is signed with the text', () => {
    expect(line.signature).toHaveLength(72)
    expect(cosignaturesOf(note, witness.key)).toMatchObject([
      { witness: 'witness.example/w1', time: 1_679_315_147 },
    ])
    const later = Buffer.from(line.signature)
    later[7] = (later[7] ?? 0) ^ 1
    for (const signature of [later, line.signature.subarray(8), Buffer.alloc(3), Buffer.alloc(72, 255)])
      expect(() => cosignaturesOf({ text, signatures: [{ ...line, signature }] }, witness.key)).toThrow(
        TlogError,
      )
    expect(() =>
      cosignaturesOf({ ...note, text: formatTreeHead({ ...head, size: 4 }) }, witness.key),
    ).toThrow(TlogError)
  })

  test('Format: unknown witnesses and plain signatures are passed over', () => {
    expect(cosignaturesOf(note, signer('witness.example/w1', 5, SIGNATURE_TYPE.cosignature).key)).toEqual([])
    expect(cosignaturesOf(note, log.key)).toEqual([])
  })
})
