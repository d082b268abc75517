import { readdirSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeArmorOrBase64, isEncryptedMessage, PacketType, readPacket } from './index.ts'

const directory = new URL('../../../test/vectors/openpgp/', import.meta.url)

function vectors(folder: 'encrypted' | 'other'): [string, Buffer][] {
  return readdirSync(new URL(folder, directory)).map((file) => {
    const lines = readFileSync(new URL(`${folder}/${file}`, directory), 'utf8').split('\n')
    const binary = decodeArmorOrBase64(lines.filter((line) => !line.startsWith('#')).join('\n'))
    if (!binary) throw new Error(`${file} is not Base64`)
    return [file, binary]
  })
}

const encrypted = vectors('encrypted')
const other = vectors('other')

/** A packet with an OpenPGP format header and a length of five octets. */
function packet(type: number, body: Buffer | readonly number[]): Buffer {
  const header = Buffer.from([0xc0 | type, 0xff, 0, 0, 0, 0])
  header.writeUInt32BE(body.length, 2)
  return Buffer.concat([header, Buffer.from(body)])
}

/** A packet whose body comes in parts of 2 ** exponents bytes and a last one of `last` bytes. */
function parts(type: number, exponents: readonly number[], last: number, first: readonly number[]): Buffer {
  const chunks = exponents.map((exponent) =>
    Buffer.concat([Buffer.from([0xe0 | exponent]), Buffer.alloc(2 ** exponent)]),
  )
  const body = Buffer.concat([Buffer.from([0xc0 | type]), ...chunks, Buffer.from([last]), Buffer.alloc(last)])
  Buffer.from(first).copy(body, 2)
  return body
}

const { publicKeyEncryptedSessionKey: PKESK, symmetricKeyEncryptedSessionKey: SKESK } = PacketType
const { symmetricallyEncryptedIntegrityProtectedData: SEIPD, aeadEncryptedData: AEAD } = PacketType
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)

const x25519 = packet(PKESK, [3, ...zeros(8), 25, ...zeros(32), 25, ...zeros(25)])
const data = packet(SEIPD, [1, ...zeros(60)])
const accepted = (...packets: Buffer[]): boolean => isEncryptedMessage(Buffer.concat(packets))

describe('isEncryptedMessage', () => {
  it.each(encrypted)('accepts encrypted/%s', (_, binary) => {
    expect(isEncryptedMessage(binary)).toBe(true)
  })

  it.each(other)('refuses other/%s', (_, binary) => {
    expect(isEncryptedMessage(binary)).toBe(false)
  })

  it.each(encrypted)('refuses encrypted/%s cut short anywhere or with anything after it', (file, binary) => {
    const least = file === 'markers.txt' ? binary.length - 5 : binary.length
    for (let length = 0; length < least; length += 1) {
      expect(isEncryptedMessage(binary.subarray(0, length))).toBe(false)
    }
    for (const tail of ['\0', '\n', 'x', '\xca\x03PGQ', '\xcb\x00']) {
      expect(accepted(binary, Buffer.from(tail, 'latin1'))).toBe(false)
    }
  })

  it('has the session keys before the data, and one of each at least', () => {
    expect(accepted(x25519, data)).toBe(true)
    expect(accepted(x25519, x25519, data)).toBe(true)
    for (const packets of [
      [],
      [data],
      [x25519],
      [data, x25519],
      [x25519, data, data],
      [x25519, data, x25519],
    ]) {
      expect(accepted(...packets)).toBe(false)
    }
  })

  it('takes no other packet before or after, whatever its type', () => {
    for (let type = 0; type < 64; type += 1) {
      if (type === PKESK || type === SKESK) continue
      const body = type === PacketType.marker ? Buffer.from('PGX') : Buffer.alloc(64, 1)
      expect(accepted(packet(type, body), x25519, data)).toBe(false)
      expect(accepted(x25519, packet(type, body), data)).toBe(false)
      expect(accepted(x25519, data, packet(type, body))).toBe(false)
    }
  })

  it.each<[string, number[], boolean]>([
    ['RSA', [3, ...zeros(8), 1, 0, 9, 1, 0], true],
    ['RSA with an MPI that is too long', [3, ...zeros(8), 1, 0, 17, 1, 0], false],
    ['RSA with an octet left over', [3, ...zeros(8), 1, 0, 9, 1, 0, 0], false],
    ['RSA with an empty MPI', [3, ...zeros(8), 1, 0, 0], false],
    ['Elgamal with one MPI', [3, ...zeros(8), 16, 0, 9, 1, 0], false],
    ['Elgamal', [3, ...zeros(8), 16, 0, 9, 1, 0, 0, 1, 1], true],
    ['ECDH', [3, ...zeros(8), 18, 0, 8, 255, 2, 0, 0], true],
    ['ECDH without wrapped key', [3, ...zeros(8), 18, 0, 8, 255, 0], false],
    ['ECDH cut short', [3, ...zeros(8), 18, 0, 8, 255, 3, 0, 0], false],
    ['X448', [3, ...zeros(8), 26, ...zeros(56), 1, 0], true],
    ['ML-KEM-768 with X25519', [3, ...zeros(8), 35, ...zeros(32 + 1088), 1, 0], true],
    ['an algorithm of tomorrow', [3, ...zeros(8), 99, ...zeros(16)], true],
    ['an algorithm of tomorrow without substance', [3, ...zeros(8), 99, ...zeros(15)], false],
    ['Ed25519, which cannot encrypt', [3, ...zeros(8), 27, ...zeros(64)], false],
    ['nothing after the key ID', [3, ...zeros(8)], false],
    ['nothing', [], false],
    ['version 2', [2, ...zeros(8), 1, 0, 9, 1, 0], false],
  ])('checks the public key session key: %s', (_, body, expected) => {
    expect(accepted(packet(PKESK, body), data)).toBe(expected)
  })

  it.each<[string, number[], number[], boolean]>([
    ['version 6 to a version 6 key', [6, 33, 6, ...zeros(32), 25, ...zeros(32), 1, 0], [2, 9, 2, 6], true],
    ['version 6 to a version 4 key', [6, 21, 4, ...zeros(20), 25, ...zeros(32), 1, 0], [2, 9, 2, 6], true],
    ['version 6 to nobody named', [6, 0, 25, ...zeros(32), 1, 0], [2, 9, 2, 6], true],
    [
      'version 6 to a fingerprint of another size',
      [6, 21, 6, ...zeros(20), 25, ...zeros(32), 1, 0],
      [2, 9, 2, 6],
      false,
    ],
    ['version 6 and nothing else', [6], [2, 9, 2, 6], false],
    ['version 3 with data of version 2', [3, ...zeros(8), 25, ...zeros(32), 1, 0], [2, 9, 2, 6], false],
    ['version 6 with data of version 1', [6, 0, 25, ...zeros(32), 1, 0], [1], false],
    ['data with an unknown cipher', [6, 0, 25, ...zeros(32), 1, 0], [2, 5, 2, 6], false],
    ['data with an unknown AEAD mode', [6, 0, 25, ...zeros(32), 1, 0], [2, 9, 4, 6], false],
    ['data with chunks that are too large', [6, 0, 25, ...zeros(32), 1, 0], [2, 9, 2, 17], false],
    ['data of version 3', [6, 0, 25, ...zeros(32), 1, 0], [3, 9, 2, 6], false],
  ])('checks version 2 of the data: %s', (_, key, start, expected) => {
    expect(accepted(packet(PKESK, key), packet(SEIPD, [...start, ...zeros(70)]))).toBe(expected)
  })

  it('knows the least size of each kind of data', () => {
    const v6 = packet(PKESK, [6, 0, 25, ...zeros(32), 1, 0])
    expect([33, 34].map((size) => accepted(x25519, packet(SEIPD, [1, ...zeros(size - 1)])))).toEqual([
      false,
      true,
    ])
    expect([68, 69].map((size) => accepted(v6, packet(SEIPD, [2, 9, 2, 6, ...zeros(size - 4)])))).toEqual([
      false,
      true,
    ])
    expect([51, 52].map((size) => accepted(x25519, packet(AEAD, [1, 9, 2, 6, ...zeros(size - 4)])))).toEqual([
      false,
      true,
    ])
  })

  it.each<[string, number[], Buffer, boolean]>([
    ['iterated and salted', [4, 9, 3, 8, ...zeros(8), 255], data, true],
    ['with a session key of its own', [4, 9, 3, 8, ...zeros(9), ...zeros(33)], data, true],
    ['with a session key that is too long', [4, 9, 3, 8, ...zeros(9), ...zeros(34)], data, false],
    ['with a session key that is too short', [4, 9, 3, 8, ...zeros(9), 1], data, false],
    ['with an unknown S2K', [4, 9, 2, 8, ...zeros(9)], data, false],
    ['with an unknown cipher', [4, 0, 3, 8, ...zeros(9)], data, false],
    ['cut short', [4, 9, 3, 8], data, false],
    ['version 5 with data of version 1', [5, 9, 2, 3, 8, ...zeros(9), ...zeros(15 + 32 + 16)], data, false],
    [
      'version 5 with GnuPG data',
      [5, 9, 2, 3, 8, ...zeros(9), ...zeros(15 + 32 + 16)],
      packet(AEAD, [1, 9, 2, 16, ...zeros(60)]),
      true,
    ],
    [
      'version 6',
      [6, 29, 9, 2, 11, 3, 8, ...zeros(9), ...zeros(15 + 32 + 16)],
      packet(SEIPD, [2, 9, 2, 6, ...zeros(70)]),
      true,
    ],
    [
      'version 6 with a wrong count',
      [6, 28, 9, 2, 11, 3, 8, ...zeros(9), ...zeros(15 + 32 + 16)],
      packet(SEIPD, [2, 9, 2, 6, ...zeros(70)]),
      false,
    ],
    [
      'version 6 with a wrong S2K count',
      [6, 28, 9, 2, 10, 3, 8, ...zeros(9), ...zeros(15 + 32 + 16)],
      packet(SEIPD, [2, 9, 2, 6, ...zeros(70)]),
      false,
    ],
    ['version 7', [7, 9, 3, 8, ...zeros(9)], data, false],
  ])('checks the symmetric session key: %s', (_, body, rest, expected) => {
    expect(accepted(packet(SKESK, body), rest)).toBe(expected)
  })

  it('takes time linear in the size for the most tedious framing', () => {
    const tedious = [
      parts(SEIPD, [9, ...zeros(200_000)], 0, [1]),
      Buffer.concat(Array.from({ length: 50_000 }, () => Buffer.from('ca03504750', 'hex'))),
      Buffer.concat(Array.from({ length: 20_000 }, () => x25519)),
    ]
    for (const binary of tedious) {
      const start = performance.now()
      isEncryptedMessage(Buffer.concat([x25519, binary]))
      expect(performance.now() - start).toBeLessThan(5_000)
    }
  })
})

describe('readPacket', () => {
  it('reads each form of length (RFC 9580 §4.2)', () => {
    const forms: [string, number][] = [
      ['cb05', 5],
      ['cbc005', 197],
      ['cbdfff', 8383],
      ['cbff00000005', 5],
      ['ac05', 5],
      ['ad0105', 261],
      ['ae00000105', 261],
    ]
    for (const [header, bodyBytes] of forms) {
      const binary = Buffer.concat([Buffer.from(header, 'hex'), Buffer.alloc(bodyBytes)])
      const end = binary.length
      expect(readPacket(binary, 0)).toMatchObject({ type: 11, bodyBytes, definite: true, end })
      expect(readPacket(Buffer.concat([binary, Buffer.alloc(9)]), 0)?.end).toBe(end)
      expect(readPacket(binary.subarray(0, -1), 0)).toBeUndefined()
      for (let length = 0; length < header.length / 2; length += 1) {
        expect(readPacket(binary.subarray(0, length), 0)).toBeUndefined()
      }
    }
  })

  it('adds up partial lengths', () => {
    const binary = parts(SEIPD, [10, 0, 3], 7, [1])
    expect(readPacket(binary, 0)).toMatchObject({
      type: SEIPD,
      bodyBytes: 1024 + 1 + 8 + 7,
      definite: false,
      end: binary.length,
    })
    expect(readPacket(binary, 0)?.head).toHaveLength(1024)
    expect(accepted(x25519, binary)).toBe(true)
  })

  it('wants 512 octets in the first part, data in the packet, and an end', () => {
    expect(readPacket(parts(SEIPD, [8], 300, [1]), 0)).toBeUndefined()
    expect(readPacket(parts(PKESK, [9], 10, [3]), 0)).toBeUndefined()
    expect(readPacket(parts(SEIPD, [9], 191, [1]).subarray(0, -1), 0)).toBeUndefined()
    expect(readPacket(parts(SEIPD, [9], 0, [1]).subarray(0, -1), 0)).toBeUndefined()
    expect(readPacket(Buffer.from([0xc0 | SEIPD, 0xfe, 1, 2, 3]), 0)).toBeUndefined()
  })

  it('lets an indeterminate length reach to the end, for data only', () => {
    expect(readPacket(Buffer.from([0xa3, 1, 2, 3]), 0)).toMatchObject({
      type: 8,
      bodyBytes: 3,
      definite: false,
      end: 4,
    })
    expect(readPacket(Buffer.from([0x87, 3, 2, 3]), 0)).toBeUndefined()
  })

  it('refuses type 0 and octets that begin no packet', () => {
    for (const octet of [0x00, 0x7f, 0x80, 0xc0])
      expect(readPacket(Buffer.from([octet, 0]), 0)).toBeUndefined()
    expect(readPacket(Buffer.from([0xcb, 0]), 2)).toBeUndefined()
  })
})

describe('isEncryptedMessage under fuzzing', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  const all = encrypted.concat(other).map(([, binary]) => binary)
  const edit = fc.record({ at: fc.nat(200), cut: fc.nat(6), insert: fc.uint8Array({ maxLength: 6 }) })
  const mutated = fc
    .tuple(fc.constantFrom(...all), fc.array(edit, { maxLength: 4 }))
    .map(([binary, edits]) =>
      edits.reduce<Buffer>(
        (bytes, { at, cut, insert }) =>
          Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + cut)]),
        binary,
      ),
    )
  const built = fc
    .array(fc.tuple(fc.constantFrom(1, 3, 8, 9, 10, 11, 18, 20, 21), fc.uint8Array({ maxLength: 80 })), {
      maxLength: 4,
    })
    .map((packets) => Buffer.concat(packets.map(([type, body]) => packet(type, Buffer.from(body)))))

  /** The packets of a message as this test reads them, so that what is accepted is checked by other code. */
  function typesOf(binary: Buffer): number[] {
    const types: number[] = []
    for (let offset = 0; offset < binary.length;) {
      const next = readPacket(binary, offset)
      if (!next || next.end <= offset || next.end > binary.length) throw new Error('bad framing was accepted')
      types.push(next.type)
      offset = next.end
    }
    return types.filter((type) => type !== PacketType.marker)
  }

  it(`never throws, and accepts nothing that is not framed as encrypted (SEED=${String(seed)})`, () => {
    let [runs, taken] = [0, 0]
    fc.assert(
      fc.property(
        fc.oneof(
          mutated,
          built,
          fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
        ),
        (binary) => {
          runs += 1
          if (!isEncryptedMessage(binary)) return
          taken += 1
          const types = typesOf(binary)
          expect([SEIPD, AEAD]).toContain(types.at(-1))
          expect(types.length).toBeGreaterThan(1)
          for (const type of types.slice(0, -1)) expect([PKESK, SKESK]).toContain(type)
          expect(isEncryptedMessage(binary.subarray(0, -1))).toBe(false)
        },
      ),
      { seed, numRuns: 200_000, interruptAfterTimeLimit: 3000, markInterruptAsFailure: false },
    )
    if (runs >= 10_000) expect(taken).toBeGreaterThan(100) // a slow machine has not come so far
  })
})
