import { readFileSync, readdirSync } from 'node:fs'
import { config as defaults, readKey } from 'openpgp'
import type { enums } from 'openpgp'
import { describe, expect, it } from 'vitest'
import {
  applyRevocations,
  readArmor,
  readStored,
  readUpload,
  summarize,
  writeArmor,
  writeCertificate,
} from '../index.ts'
import type { VerifiedCertificate } from '../index.ts'
import { readPackets } from '../packet-sequence.ts'

const directory = new URL('../../../../test/vectors/openpgp/certificates/', import.meta.url)
/** When all of them have been made. */
const NOW = Date.UTC(2025, 11, 1) / 1000

const load = (name: string): Buffer => readFileSync(new URL(`${name}.asc`, directory))

function read(name: string): VerifiedCertificate {
  const { certificates, dropped } = readUpload(load(name), NOW)
  const [certificate] = certificates
  if (certificate === undefined) throw new Error(`${name}: ${JSON.stringify(dropped)}`)
  return certificate
}

const packetsOf = (bytes: Buffer): string[] =>
  readPackets(bytes, 100)
    .map(({ bytes: packet }) => packet.toString('hex'))
    .sort()

/** Algorithm, then user ids, then for each subkey its algorithm, its flags, and `+` when it is cross-signed. */
const EXPECTED: Readonly<Record<string, string>> = {
  'gpg-rsa': 'rsa 2 rsa:e rsa:s+',
  'gpg-dsa': 'dsa 2 elgamal:e',
  'gpg-ed25519': 'eddsa/ed25519 2 ecdh/curve25519:e eddsa/ed25519:s+',
  'gpg-nistp256': 'ecdsa/nistp256 2 ecdh/nistp256:e eddsa/ed25519:s+',
  'gpg-nistp384': 'ecdsa/nistp384 2 ecdh/nistp384:e eddsa/ed25519:s+',
  'gpg-nistp521': 'ecdsa/nistp521 2 ecdh/nistp521:e eddsa/ed25519:s+',
  'gpg-brainpoolp256r1': 'ecdsa/brainpoolP256r1 2 ecdh/brainpoolP256r1:e eddsa/ed25519:s+',
  'gpg-brainpoolp384r1': 'ecdsa/brainpoolP384r1 2 ecdh/brainpoolP384r1:e eddsa/ed25519:s+',
  'gpg-brainpoolp512r1': 'ecdsa/brainpoolP512r1 2 ecdh/brainpoolP512r1:e eddsa/ed25519:s+',
  'gpg-secp256k1': 'ecdsa/secp256k1 2 ecdh/secp256k1:e eddsa/ed25519:s+',
  'js-v4-ecc': 'ecdsa/nistp256 2 ecdsa/nistp256:s+ ecdh/nistp256:e',
  'js-v4-rsa': 'rsa 2 rsa:s+ rsa:e',
  'js-v4-curve25519': 'ed25519 2 ed25519:s+ x25519:e',
  'js-v4-curve448': 'ed448 2 ed448:s+ x448:e',
  'js-v6-curve25519': 'ed25519 2 ed25519:s+ x25519:e',
  'js-v6-curve448': 'ed448 2 ed448:s+ x448:e',
  'rfc9580-v6': 'ed25519 0 x25519:e',
  'rfc9980-v4-ml-kem': 'ed25519 1 ml-kem-768+x25519:e',
  'rfc9980-v6-ml-kem': 'ed25519 1 ml-kem-768+x25519:e',
  'rfc9980-ml-dsa-65': 'ml-dsa-65+ed25519 1 ml-kem-768+x25519:e',
  'rfc9980-ml-dsa-87': 'ml-dsa-87+ed448 1 ml-kem-1024+x448:e',
  'rfc9980-slh-dsa-128s': 'slh-dsa-shake-128s 1 ml-kem-768+x25519:e',
}

describe.each(Object.entries(EXPECTED))('%s', (name, expected) => {
  const certificate = read(name)

  it('is verified whole', () => {
    const { algorithm, userIds, subkeys } = summarize(certificate, NOW)
    const parts = subkeys.map((each) => `${each.algorithm.name}:${each.flags}${each.crossSigned ? '+' : ''}`)
    expect([algorithm.name, userIds.filter(({ valid }) => valid).length, ...parts.sort()].join(' ')).toBe(
      expected.split(' ').slice(0, 2).concat(expected.split(' ').slice(2).sort()).join(' '),
    )
    expect(subkeys.map(({ bound }) => bound)).not.toContain(false)
  })

  it('keeps each packet byte for byte', () => {
    const [block] = readArmor(load(name).toString())
    const bytes = writeCertificate(certificate)
    expect(packetsOf(bytes)).toEqual(packetsOf(block?.data ?? Buffer.alloc(0)))
    expect(writeCertificate(readStored(bytes)).equals(bytes)).toBe(true)
  })

  it('holds nothing when one bit of a key or user id is another', () => {
    const bytes = writeCertificate(certificate)
    const changed = Buffer.from(bytes)
    changed[12] = (changed[12] ?? 0) ^ 1
    expect(readUpload(changed, NOW)).toMatchObject({ certificates: [], rejected: 1 })
  })
})

it('every vector is looked at', () => {
  const life = ['gpg-life', 'gpg-life-minimal', 'gpg-revocation', 'gpg-revoked']
  const files = readdirSync(directory).map((file) => file.replace('.asc', ''))
  expect(files.sort()).toEqual([...Object.keys(EXPECTED), ...life].sort())
})

describe('the life of a GnuPG key', () => {
  it('a certification by another is dropped, the new expiry holds, the user id is revoked', () => {
    const { certificates, dropped } = readUpload(load('gpg-life'), NOW)
    expect(dropped).toMatchObject({ thirdParty: 2, invalid: 0, malformed: 0 })
    const summary = summarize(certificates[0] as VerifiedCertificate, NOW)
    const expires = Date.UTC(2024, 0, 1, 0, 6) / 1000 + 365 * 86_400
    expect(summary.userIds.map(({ text, revoked }) => [text, revoked])).toEqual([
      ['Vector <gpg-ed25519@example.org>', false],
      ['Other <other-gpg-ed25519@example.org>', true],
    ])
    expect(summary.expires).toBe(expires)
  })

  it('the revocation alone is what the revoked key has', () => {
    const { revocations } = readUpload(load('gpg-revocation'), NOW)
    const revoked = applyRevocations(read('gpg-life'), revocations, NOW)
    expect(revoked && writeCertificate(revoked).equals(writeCertificate(read('gpg-revoked')))).toBe(true)
    expect(summarize(read('gpg-revoked'), NOW).revoked).toBe('hard')
    expect(applyRevocations(read('gpg-rsa'), revocations, NOW)).toBeUndefined()
  })
})

/** openpgp.js 6.3 has nothing of RFC 9980, and fails with secp256k1 and brainpool curves on this Node. */
const JS = Object.keys(EXPECTED).filter((name) => !/rfc9980|secp256k1|brainpool/.test(name))

/** openpgp.js refuses curves and sizes that are still verified here. */
const config = {
  ...defaults,
  minRSABits: 1024,
  rejectCurves: new Set<enums.curve>(),
  rejectPublicKeyAlgorithms: new Set<enums.publicKey>(),
}

it.each(JS)('openpgp.js takes what we write of %s, and verifies the same', async (name) => {
  const certificate = read(name)
  const armoredKey = writeArmor('PUBLIC KEY BLOCK', writeCertificate(certificate), { checksum: true })
  const key = await readKey({ armoredKey, config })
  const summary = summarize(certificate, NOW)
  const valid = await key.verifyAllUsers(undefined, new Date(NOW * 1000), config)
  expect(valid.map((each) => each.valid)).toEqual(summary.userIds.map((each) => each.valid))
  expect(key.getFingerprint().toUpperCase()).toBe(summary.fingerprint)
  expect(key.getSubkeys().map((each) => each.getFingerprint().toUpperCase())).toEqual(
    summary.subkeys.map(({ fingerprint }) => fingerprint),
  )
})
