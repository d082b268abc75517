import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { createMessage, encrypt, enums } from 'openpgp'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  ArmoredMessageReader,
  EncryptedMessageReader,
  decodeArmorOrBase64,
  isEncryptedMessage,
} from './index.ts'

const directory = new URL('../../../test/vectors/openpgp/', import.meta.url)
const vectors = ['encrypted', 'other'].flatMap((folder) =>
  readdirSync(new URL(folder, directory)).map((file): [string, Buffer] => {
    const lines = readFileSync(new URL(`${folder}/${file}`, directory), 'utf8').split('\n')
    const binary = decodeArmorOrBase64(lines.filter((line) => !line.startsWith('#')).join('\n'))
    return [`${folder}/${file}`, binary ?? Buffer.alloc(0)]
  }),
)

/** The bytes in pieces of these sizes, in turn. */
function* inPieces(bytes: Buffer, sizes: readonly number[]): Iterable<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

function streamed(binary: Buffer, sizes: readonly number[] = [1]): boolean {
  const reader = new EncryptedMessageReader()
  for (const piece of inPieces(binary, sizes)) reader.write(piece)
  return reader.end()
}

function readArmored(text: string | Buffer, sizes: readonly number[] = [1]) {
  const reader = new ArmoredMessageReader()
  for (const piece of inPieces(Buffer.from(text as string), sizes)) reader.write(piece)
  return reader.end()
}

const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 })

function wrap(binary: Buffer, { headers = '', crc = '' } = {}): string {
  const lines = binary.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN PGP MESSAGE-----\r\n${headers}\r\n${lines.join('\r\n')}\r\n${crc}-----END PGP MESSAGE-----\r\n`
}

const [, sample = Buffer.alloc(0)] = vectors.find(([, binary]) => isEncryptedMessage(binary)) ?? []

describe('EncryptedMessageReader', () => {
  it.each(vectors)('says of %s in pieces what is said of the whole', (_, binary) => {
    const whole = isEncryptedMessage(binary)
    for (const size of [1, 7, binary.length || 1]) expect(streamed(binary, [size])).toBe(whole)
  })

  it('agrees with the whole on every cut and every flipped byte', () => {
    const encrypted = vectors.filter(([, binary]) => isEncryptedMessage(binary))
    fc.assert(
      fc.property(
        fc.constantFrom(...encrypted),
        fc.nat(),
        fc.nat({ max: 400 }),
        fc.nat({ max: 255 }),
        sizes,
        ([, binary], cut, place, value, pieces) => {
          const changed = Buffer.from(
            binary.subarray(0, binary.length - (cut % 3 === 0 ? cut % binary.length : 0)),
          )
          if (place < changed.length) changed[place] = value
          expect(streamed(changed, pieces)).toBe(isEncryptedMessage(changed))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('agrees with the whole on any packets', () => {
    const octets = fc.uint8Array({ minLength: 0, maxLength: 700 })
    fc.assert(
      fc.property(fc.nat({ max: 255 }), octets, sizes, (header, body, pieces) => {
        const binary = Buffer.concat([sample, Buffer.from([header]), body])
        expect(streamed(binary, pieces)).toBe(isEncryptedMessage(binary))
      }),
    )
  })

  it('refuses a session key without end, and says so at once', () => {
    const reader = new EncryptedMessageReader()
    expect(reader.write(Buffer.from([0xc1, 0xff, 0xff, 0xff, 0xff, 0xff]))).toBe(false)
    expect(reader.end()).toBe(false)
  })
})

describe('ArmoredMessageReader', () => {
  it.each(vectors)('reads %s in armor', (_, binary) => {
    for (const size of [1, 61, 100_000])
      expect(readArmored(wrap(binary), [size]).encrypted).toBe(isEncryptedMessage(binary))
  })

  it('takes armor headers, any checksum, blank lines around; and names the headers', () => {
    const armored = wrap(sample, {
      headers: 'Version: X\r\nComment: https://y.example\r\n',
      crc: '=AAAA\r\n',
    })
    expect(readArmored(`\r\n\r\n${armored}\r\n  \r\n`)).toEqual({
      encrypted: true,
      armorHeaders: ['Version', 'Comment'],
    })
    expect(readArmored(wrap(sample).replaceAll('\r\n', '\n')).encrypted).toBe(true)
  })

  it.each([
    ['text before', (text: string) => `Dear Bob,\r\n${text}`],
    ['text behind', (text: string) => `${text}Yours`],
    ['text within', (text: string) => text.replace('\r\n\r\n', '\r\n\r\nDear Bob!\r\n')],
    ['text in the place of a header', (text: string) => text.replace('\r\n', '\r\nDear Bob\r\n')],
    ['text behind the checksum', (text: string) => text.replace('-----END', '=AAAA\r\nDear\r\n-----END')],
    ['a second message', (text: string) => text + text],
    ['no end', (text: string) => text.slice(0, text.indexOf('-----END'))],
    ['half an end', (text: string) => text.slice(0, -4)],
    ['another kind of armor', (text: string) => text.replaceAll('PGP MESSAGE', 'PGP PUBLIC KEY BLOCK')],
    ['padding too much', (text: string) => text.replace('\r\n-----END', '=\r\n-----END')],
    ['padding amid', (text: string) => `${text.slice(0, 60)}==${text.slice(60)}`],
    ['a letter lost', (text: string) => text.slice(0, 60) + text.slice(61)],
    ['a head without end', (text: string) => text.replace('\r\n', `\r\n${'Comment: x\r\n'.repeat(1_000)}`)],
  ])('refuses %s', (_, change) => {
    expect(readArmored(wrap(sample)).encrypted).toBe(true)
    expect(readArmored(change(wrap(sample))).encrypted).toBe(false)
  })

  it('agrees with Base64 on any binary, in any pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), sizes, (tail, pieces) => {
        const binary = Buffer.concat([sample, tail])
        expect(readArmored(wrap(binary), pieces).encrypted).toBe(isEncryptedMessage(binary))
      }),
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), sizes, (text, pieces) => {
        expect(readArmored(`-----BEGIN PGP MESSAGE-----\n${text}`, pieces).encrypted).toBe(false)
      }),
    )
  })

  it('reads what gpg and openpgp.js make, large enough to come in parts', async () => {
    const plain = Buffer.alloc(300_000, 'plain text ')
    const home = mkdtempSync(join(tmpdir(), 'sealpost-gpg-'))
    onTestFinished(() => rmSync(home, { recursive: true, force: true }))
    const gpg = ['--batch', '--homedir', home, '--armor', '--symmetric', '--passphrase', 'x']
    const made = execFileSync('gpg', [...gpg, '--pinentry-mode', 'loopback', '-z', '0'], {
      input: plain,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    expect(readArmored(made, [4096])).toEqual({ encrypted: true, armorHeaders: [] })
    const message = await createMessage({ binary: plain })
    for (const aeadProtect of [false, true]) {
      const config = { aeadProtect, preferredAEADAlgorithm: enums.aead.ocb, showVersion: true }
      const armored: unknown = await encrypt({ message, passwords: ['x'], config, format: 'armored' })
      expect(readArmored(String(armored), [1000])).toEqual({ encrypted: true, armorHeaders: ['Version'] })
    }
  })
})
