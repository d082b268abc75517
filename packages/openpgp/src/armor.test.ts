import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeArmorOrBase64, isEncryptedMessage, OPENPGP_TEXT_LENGTH_MAX } from './index.ts'

const armored = readFileSync(new URL('../../../test/vectors/openpgp/armored.asc', import.meta.url), 'utf8')
const body = armored.split('\n').slice(2, -2).join('\n')

describe('decodeArmorOrBase64', () => {
  it('reads armor without its first and last line (XEP-0027 §4)', () => {
    const binary = decodeArmorOrBase64(body, { checkCrc: true })
    expect(binary && isEncryptedMessage(binary)).toBe(true)
    expect(decodeArmorOrBase64(`\n${body.replaceAll('\n', '\r\n')}\r\n`, { checkCrc: true })).toEqual(binary)
    expect(decodeArmorOrBase64(body.replace(/\n=.*/, ''))).toEqual(binary)
  })

  it('looks at the checksum when asked to, and only then (RFC 9580 §6.1)', () => {
    const wrong = body.replace(/\n=.*/, '\n=AAAA')
    expect(decodeArmorOrBase64(wrong, { checkCrc: true })).toBeUndefined()
    expect(decodeArmorOrBase64(wrong)).toEqual(decodeArmorOrBase64(body))
  })

  it('reads Base64 (XEP-0373 §3.1)', () => {
    expect(decodeArmorOrBase64('AQ==')).toEqual(Buffer.from([1]))
    expect(decodeArmorOrBase64('AQI=')).toEqual(Buffer.from([1, 2]))
    expect(decodeArmorOrBase64(' AQ\nID\t')).toEqual(Buffer.from([1, 2, 3]))
  })

  it.each([
    ['the whole armor', armored],
    ['a header line', `Comment: hello\n\n${body}`],
    ['a tail line', `${body}\n-----END PGP MESSAGE-----`],
    ['text after the checksum', `${body}\nhello`],
    ['two checksums', `${body}\n=AAAA`],
    ['a checksum alone', '\n=AAAA'],
    ['a checksum on the same line', 'AQID=AAAA'],
    ['nothing', ''],
    ['white space', ' \n'],
    ['no padding', 'AQ'],
    ['too much padding', 'AQID===='],
    ['padding within', 'AQ==AQ=='],
    ['stray bits', 'AR=='],
    ['the alphabet for addresses', 'A-_='],
    ['a no-break space', 'AQID\u00a0'],
    ['a byte order mark', '\ufeffAQID'],
    ['a zero', 'AQID\0'],
  ])('refuses %s', (_, text) => {
    expect(decodeArmorOrBase64(text)).toBeUndefined()
  })

  it('refuses what is too long, and takes linear time up to there', () => {
    expect(decodeArmorOrBase64('A'.repeat(OPENPGP_TEXT_LENGTH_MAX + 4))).toBeUndefined()
    for (const piece of ['\n', '=', ' =', '\n=', 'AAAA\n', 'A ']) {
      const text = piece.repeat(1_000_000 / piece.length)
      const start = performance.now()
      decodeArmorOrBase64(text, { checkCrc: true })
      expect(performance.now() - start).toBeLessThan(5_000)
    }
  })

  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

  it(`reads back what was written, and never throws (SEED=${String(seed)})`, () => {
    const limits = { seed, numRuns: 20_000, interruptAfterTimeLimit: 1000, markInterruptAsFailure: false }
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 80 }),
        (bytes, width) => {
          const binary = Buffer.from(bytes)
          const text = binary.toString('base64').replaceAll(new RegExp(`.{${String(width)}}`, 'g'), '$&\n')
          expect(decodeArmorOrBase64(text)).toEqual(binary)
        },
      ),
      limits,
    )
    const noise = fc.array(fc.constantFrom('A', 'Q', '=', '\n', ' ', '+', '-', 'é', '\0', '=AAAA'), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(noise, (pieces) => {
        const binary = decodeArmorOrBase64(pieces.join(''))
        if (binary) expect(pieces.join('').replaceAll(/\s/g, '')).toContain(binary.toString('base64'))
      }),
      limits,
    )
  })
})
