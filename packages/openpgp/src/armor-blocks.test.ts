import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OpenPgpError, readArmor, writeArmor } from './index.ts'

const data = Buffer.from('An OpenPGP thing of more than one line, so that there is something to break.')
const label = 'PUBLIC KEY BLOCK'
const armor = writeArmor(label, data, { checksum: true })
const one = [{ label, data }]

describe('readArmor', () => {
  it.each<[string, string]>([
    ['as it was written', armor],
    ['without checksum', writeArmor(label, data, { checksum: false })],
    ['with a wrong checksum (RFC 9580 §6.1)', armor.replace(/^=.*$/m, '=AAAA')],
    ['with CRLF', armor.replaceAll('\n', '\r\n')],
    ['with text around', `Hello,\n${armor}\nBye`],
    ['indented, with white space at the ends', armor.replaceAll(/^(?=.)/gm, '  ').replaceAll('\n', ' \n')],
    ['with headers', armor.replace('\n\n', '\nVersion: 1: x\nComment:\nCharset: UTF-8\n\n')],
    ['without the empty line', armor.replace('\n\n', '\n')],
    ['with a BEGIN that is none before it', `a -----BEGIN PGP ${label}-----\n${armor}`],
  ])('reads a block %s', (_, text) => {
    expect(readArmor(text)).toEqual(one)
  })

  it('reads several blocks', () => {
    expect(readArmor(armor + armor + writeArmor('SIGNATURE', data, { checksum: false }))).toEqual([
      ...one,
      ...one,
      { label: 'SIGNATURE', data },
    ])
    expect(readArmor('no block')).toEqual([])
  })

  it.each<[string, string]>([
    ['without its end', armor.slice(0, -10)],
    ['with the end of another', armor.replace('END PGP PUBLIC', 'END PGP PRIVATE')],
    ['with another block within', armor.replace('\n\n', `\n\n-----BEGIN PGP ${label}-----\n`)],
    ['with strange characters', armor.replace('\n\n', '\n\n*')],
    ['cut in a line', armor.replace(/..\n=/, '\n=')],
    ['that is empty', `-----BEGIN PGP ${label}-----\n\n-----END PGP ${label}-----`],
  ])('refuses a block %s', (_, text) => {
    expect(() => readArmor(text)).toThrow(OpenPgpError)
  })

  it('takes linear time', () => {
    for (const piece of [
      '\n',
      '-',
      `-----BEGIN PGP ${label}-----`,
      `-----BEGIN PGP ${label}-----\n`,
      'a: b\n',
      ' ',
      `${armor.slice(0, 40)}\n`,
    ]) {
      const text = piece.repeat(1_000_000 / piece.length)
      const start = performance.now()
      expect(() => readArmor(text) && readArmor(`-----BEGIN PGP ${label}-----\n${text}`)).toThrow(
        OpenPgpError,
      )
      expect(performance.now() - start).toBeLessThan(5_000)
    }
  })

  it('reads back what was written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.boolean(), (bytes, checksum) => {
        const binary = Buffer.from(bytes)
        expect(readArmor(writeArmor(label, binary, { checksum }))).toEqual([{ label, data: binary }])
      }),
    )
  })
})
