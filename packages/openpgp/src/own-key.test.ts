import { readdirSync, readFileSync } from 'node:fs'
import { createMessage, encrypt, enums, readKey, readSignature, verify, type Config } from 'openpgp'
import { beforeAll, describe, expect, test } from 'vitest'
import { readArmor, writeArmor } from './armor-blocks.ts'
import { decryptArmored, makeOwnKey, readOwnKey, signDetached } from './own-key.ts'
import { readPacket } from './packet.ts'
import { readUpload } from './upload.ts'

const NOW = Date.UTC(2026, 0, 1)
const LIMITS = { plainBytesMax: 10_000 }
const ENCRYPTED = new URL('../../../test/vectors/openpgp/encrypted/', import.meta.url)

let secret: Uint8Array
let certificate: Uint8Array
beforeAll(async () => {
  secret = await makeOwnKey('service@example.org', NOW)
  certificate = (await readOwnKey(secret))?.certificate ?? secret
  expect(await readOwnKey(secret.subarray(1))).toBeUndefined()
})

async function encrypted(plain: Uint8Array, config: Partial<Config> = {}): Promise<string> {
  const encryptionKeys = await readKey({ binaryKey: certificate })
  const message = await createMessage({ binary: plain })
  return String(await encrypt({ message, encryptionKeys, config, format: 'armored' }))
}

const binaryOf = (armored: string): Buffer => readArmor(armored)[0]?.data ?? Buffer.alloc(0)
const armoredOf = (data: Buffer): string => writeArmor('MESSAGE', data, { checksum: false })

describe('a key of the server’s own', () => {
  test('is a certificate that our own code verifies, with one user id and a subkey to encrypt to', () => {
    const { certificates } = readUpload(Buffer.from(certificate), NOW / 1000)
    expect(certificates).toHaveLength(1)
    expect(certificates[0]?.identities).toHaveLength(1)
    expect(certificates[0]?.subkeys).toHaveLength(1)
  })

  test('signs detached, by SHA-512', async () => {
    const data = Buffer.from('text\r\n')
    const armoredSignature = await signDetached(secret, data, NOW)
    const { signatures } = await verify({
      message: await createMessage({ binary: data }),
      signature: await readSignature({ armoredSignature }),
      verificationKeys: await readKey({ binaryKey: certificate }),
      date: new Date(NOW + 1_000),
    })
    expect(signatures).toHaveLength(1)
    await expect(signatures[0]?.verified).resolves.toBe(true)
    expect(binaryOf(armoredSignature)[5]).toBe(enums.hash.sha512)
  })

  test('opens what is encrypted to it, compressed or not', async () => {
    const plain = Buffer.from('secret')
    for (const preferredCompressionAlgorithm of [
      enums.compression.uncompressed,
      enums.compression.zlib,
      enums.compression.zip,
    ])
      expect(
        await decryptArmored(secret, await encrypted(plain, { preferredCompressionAlgorithm }), LIMITS),
      ).toEqual(new Uint8Array(plain))
  })

  test('opens nothing that is too large, for somebody else, no message, or not protected', async () => {
    const zlib = { preferredCompressionAlgorithm: enums.compression.zlib }
    expect(await decryptArmored(secret, await encrypted(Buffer.alloc(10_001)), LIMITS)).toBeUndefined()
    expect(
      await decryptArmored(secret, await encrypted(Buffer.alloc(5_000_000), zlib), LIMITS),
    ).toBeUndefined()
    for (const text of ['', 'text', armoredOf(Buffer.alloc(0)), armoredOf(Buffer.from('c0', 'hex'))])
      expect(await decryptArmored(secret, text, LIMITS)).toBeUndefined()
    for (const name of readdirSync(ENCRYPTED)) {
      const [base64 = ''] =
        /^[A-Za-z0-9+/=\n]{40,}/m.exec(readFileSync(new URL(name, ENCRYPTED), 'utf8')) ?? []
      expect(await decryptArmored(secret, armoredOf(Buffer.from(base64, 'base64')), LIMITS)).toBeUndefined()
    }
  })

  test('tries sixteen session keys, and no message that has more', async () => {
    const data = binaryOf(await encrypted(Buffer.from('secret')))
    const end = readPacket(data, 0)?.end ?? 0
    const [sessionKey, rest] = [data.subarray(0, end), data.subarray(end)]
    const times = (count: number): string =>
      armoredOf(Buffer.concat([...Array.from({ length: count }, () => sessionKey), rest]))
    expect(await decryptArmored(secret, times(16), LIMITS)).toBeDefined()
    expect(await decryptArmored(secret, times(17), LIMITS)).toBeUndefined()
  })

  test('every bit of a message that is turned is noticed, or changes nothing', async () => {
    const data = binaryOf(await encrypted(Buffer.from('secret')))
    for (let at = 0; at < data.length; at += 7) {
      const changed = Buffer.from(data)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      const opened = await decryptArmored(secret, armoredOf(changed), LIMITS)
      expect([undefined, 'secret']).toContain(opened && Buffer.from(opened).toString())
    }
  })
})
