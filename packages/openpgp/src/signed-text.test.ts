import * as fc from 'fast-check'
import { createCleartextMessage, generateKey, readPrivateKey, sign } from 'openpgp'
import { describe, expect, test } from 'vitest'
import { direct, ed25519, NOW, reason, sample, signatureOver } from '../test/maker.ts'
import { readUpload, verifySignedText, writeArmor } from './index.ts'
import type { VerifiedCertificate } from './index.ts'

function read(upload: Buffer, now = NOW): VerifiedCertificate {
  const [certificate] = readUpload(upload, now).certificates
  if (certificate === undefined) throw new Error('no certificate')
  return certificate
}

const one = read(sample(1).bytes)

function clearsign(text: string, signature: Buffer, headers = 'Hash: SHA256\n'): string {
  const armor = writeArmor('SIGNATURE', signature, { checksum: true })
  return `-----BEGIN PGP SIGNED MESSAGE-----\n${headers}\n${text.replaceAll(/^-/gm, '- -')}\n${armor}`
}
const over = (seed: number, text: string, type = 1): Buffer =>
  signatureOver(ed25519(seed), type, [Buffer.from(text.replaceAll('\n', '\r\n'))])
const check = (message: string, certificate = one): string | undefined =>
  verifySignedText(certificate, Buffer.from(message))

const TEXT = 'one\n-dashed\n- and more\n\nlast'

describe('RFC 9580 §7', () => {
  test('a text by the primary key is given back without its dashes', () => {
    expect(check(clearsign(TEXT, over(1, TEXT)))).toBe(TEXT)
  })

  test('§7.2: line endings, and white space before them, are not signed', () => {
    const message = clearsign(TEXT, over(1, TEXT))
    expect(check(message.replaceAll('\n', '\r\n'))).toBe(TEXT)
    expect(check(message.replace('one\n', 'one \t\n'))).toBe(TEXT)
  })

  test('the key may have expired or be revoked since', () => {
    const revocation = direct(ed25519(1), { type: 0x20, hashed: [reason(2)] })
    const { primary } = sample(1)
    const rest = sample(1).bytes.subarray(primary.key.packet.bytes.length)
    const revoked = read(Buffer.concat([primary.key.packet.bytes, revocation, rest]))
    expect(check(clearsign(TEXT, over(1, TEXT)), revoked)).toBe(TEXT)
  })

  test.each<[string, string]>([
    ['another text', clearsign('other', over(1, TEXT))],
    ['another key', clearsign(TEXT, over(2, TEXT))],
    ['a subkey', clearsign(TEXT, over(1.1, TEXT))],
    ['a signature of another type', clearsign(TEXT, over(1, TEXT, 0))],
    [
      'SHA-1',
      clearsign(
        TEXT,
        signatureOver(ed25519(1), 1, [Buffer.from(TEXT.replaceAll('\n', '\r\n'))], {
          hash: 2,
          created: NOW - 3e8,
        }),
      ),
    ],
    ['a header that is not signed', clearsign(TEXT, over(1, TEXT), 'Hash: SHA256\nComment: x\n')],
    ['a line that is not escaped', clearsign(TEXT, over(1, TEXT)).replace('- -dashed', '-dashed')],
    ['no signature', `-----BEGIN PGP SIGNED MESSAGE-----\n\n${TEXT}\n`],
    ['damaged armor', clearsign(TEXT, over(1, TEXT)).replace('\n\n', '\n\nx')],
    ['nothing', ''],
    ['too much', clearsign('x\n'.repeat(40_000), over(1, TEXT))],
  ])('%s is not', (_, message) => {
    expect(check(message)).toBeUndefined()
  })

  test('whatever is changed of a message, the text is the one that was signed, or none', () => {
    const message = clearsign(TEXT, over(1, TEXT))
    const mutation = fc.tuple(fc.nat(message.length), fc.nat(8), fc.string({ maxLength: 8 }))
    fc.assert(
      fc.property(mutation, ([at, remove, insert]) => {
        const changed = message.slice(0, at) + insert + message.slice(at + remove)
        expect([TEXT, undefined]).toContain(check(changed))
      }),
      { numRuns: 1_000 },
    )
  })

  test.each([
    ['ecc', {}],
    ['rsa', {}],
    ['curve25519', { v6Keys: true }],
  ] as const)('openpgp.js signs with a key of %s', async (type, config) => {
    const { privateKey, publicKey } = await generateKey({
      type,
      userIDs: [{ email: 'a@example.org' }],
      rsaBits: 2048,
      subkeys: [{}],
      format: 'armored',
      config,
    })
    const signingKeys = await readPrivateKey({ armoredKey: privateKey })
    const signed = await sign({ message: await createCleartextMessage({ text: TEXT }), signingKeys, config })
    const certificate = read(Buffer.from(publicKey), Math.floor(Date.now() / 1000) + 10)
    expect(check(signed, certificate)).toBe(TEXT)
  })
})
