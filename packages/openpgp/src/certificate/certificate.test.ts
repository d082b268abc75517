import { describe, expect, it } from 'vitest'
import {
  applyRevocations,
  cleanCertificate,
  mergeCertificates,
  minimalForAddress,
  OpenPgpError,
  CERTIFICATE_LIMITS,
  readStored,
  readUpload,
  summarize,
  withAddresses,
  writeCertificate,
} from '../index.ts'
import type { CertificateSummary, VerifiedCertificate } from '../index.ts'
import {
  bind,
  BIRTH,
  certify,
  crossSignature,
  DAY,
  direct,
  ecdsa,
  ed25519,
  flags,
  issuer,
  NOW,
  reason,
  rsa,
  sample,
  seconds,
  signatureOver,
  slhDsa,
  sub,
  toKey,
  unknownKey,
  userId,
} from '../../test/maker.ts'
import { framePacket } from '../packet-sequence.ts'
import { keySubject } from './signed-data.ts'

function read(...packets: readonly Buffer[]): VerifiedCertificate {
  const [certificate, ...others] = readUpload(Buffer.concat(packets), NOW).certificates
  if (certificate === undefined || others.length > 0) throw new Error('not one certificate')
  return certificate
}

const see = (...packets: readonly Buffer[]): CertificateSummary => summarize(read(...packets), NOW)

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof OpenPgpError) return error.code
    throw error
  }
  return 'none'
}

const hex = (certificate: VerifiedCertificate): string => writeCertificate(certificate).toString('hex')

/** Of one packet that is longer than 8 KiB. */
const bodyBytes = (packet: Buffer): number => packet.length - 6

const alice = ed25519(1)
const ALICE = 'Alice <Alice@Example.org>'
const head = alice.key.packet.bytes

describe('what is kept', () => {
  it.each([4, 6] as const)('every byte of a good certificate of version %i', (version) => {
    const { bytes } = sample(7, { version })
    expect(hex(read(bytes))).toBe(bytes.toString('hex'))
    expect(hex(readStored(bytes))).toBe(bytes.toString('hex'))
    const summary = see(bytes)
    expect(summary).toMatchObject({
      version,
      flags: 'cs',
      revoked: undefined,
      expires: undefined,
      created: BIRTH,
    })
    expect(summary.userIds).toMatchObject([{ address: 'user7@example.org', valid: true, revoked: false }])
    expect(summary.subkeys.map(({ flags: letters, crossSigned }) => [letters, crossSigned])).toEqual(
      expect.arrayContaining([
        ['s', true],
        ['e', false],
      ]),
    )
  })

  it('whatever the order it came in', () => {
    const primary = ed25519(8)
    const uids = ['a@example.org', 'b@example.org', 'c@example.org'].map((text, index) => [
      userId(text),
      certify(primary, text, { created: BIRTH + index * DAY, hashed: index === 1 ? [sub(25, [1])] : [] }),
    ])
    const subkeys = [3, 2, 1].map((filler) => {
      const key = unknownKey(filler, { created: BIRTH + filler, subkey: true })
      return [key.packet.bytes, bind(primary, key)]
    })
    const one = read(primary.key.packet.bytes, ...uids.flat(), ...subkeys.flat())
    const other = read(primary.key.packet.bytes, ...subkeys.toReversed().flat(), ...uids.toReversed().flat())
    expect(writeCertificate(other)).toEqual(writeCertificate(one))
    expect(summarize(one, NOW).userIds.map(({ text }) => text)).toEqual([
      'b@example.org',
      'a@example.org',
      'c@example.org',
    ])
    expect(summarize(one, NOW).subkeys.map(({ created }) => created - BIRTH)).toEqual([1, 2, 3])
  })

  it('a subkey of an algorithm that nobody knows, bound by the primary key', () => {
    const strange = unknownKey(1, { subkey: true })
    const bytes = Buffer.concat([
      head,
      userId(ALICE),
      certify(alice, ALICE),
      strange.packet.bytes,
      bind(alice, strange),
    ])
    expect(hex(read(bytes))).toBe(bytes.toString('hex'))
    expect(see(bytes).subkeys).toMatchObject([{ algorithm: { code: 99, name: 'unknown-99' }, bound: true }])
  })

  it('packets with Legacy headers and lengths of any size', () => {
    const legacy = Buffer.concat([
      Buffer.from([0x98 | 1, 0, alice.key.packet.body.length]),
      alice.key.packet.body,
    ])
    const long = Buffer.concat([Buffer.from([0xcd, 0xff, 0, 0, 0, 5]), Buffer.from('a@b.c')])
    const bytes = Buffer.concat([legacy, long, certify(alice, 'a@b.c')])
    expect(hex(read(bytes))).toBe(bytes.toString('hex'))
  })

  it('each algorithm that node:crypto verifies', () => {
    for (const key of [
      rsa(2048),
      ecdsa('prime256v1'),
      ecdsa('secp384r1'),
      ecdsa('secp521r1'),
      ecdsa('brainpoolP512r1'),
    ])
      for (const hash of [8, 10, 12])
        expect(see(key.key.packet.bytes, userId(ALICE), certify(key, ALICE, { hash })).userIds).toHaveLength(
          1,
        )
  })

  it('parts of one certificate that stand apart, once', () => {
    const upload = readUpload(
      Buffer.concat([
        head,
        userId(ALICE),
        certify(alice, ALICE),
        sample(2).bytes,
        head,
        userId(ALICE),
        certify(alice, ALICE),
        userId('alice@example.net'),
        certify(alice, 'alice@example.net'),
      ]),
      NOW,
    )
    expect(upload.certificates.map((each) => summarize(each, NOW).userIds.length)).toEqual([2, 1])
  })
})

describe('what is left out', () => {
  const good = [head, userId(ALICE), certify(alice, ALICE)]
  const clean = hex(read(...good))
  const mallory = ed25519(666)

  it.each<[string, Buffer[]]>([
    ['a certification by another key', [certify(alice, ALICE, { by: mallory })]],
    ['one that claims to be by this key', [certify(alice, ALICE, { by: mallory, claims: alice.key })]],
    ['one that claims nothing', [certify(alice, ALICE, { by: mallory, unhashed: [] })]],
    ['a user id without certification', [userId('Mallory <m@example.org>')]],
    [
      'a user id with the certification of another',
      [userId('Mallory <m@example.org>'), certify(alice, ALICE, { created: BIRTH + 5 })],
    ],
    ['a subkey without binding', [mallory.key.packet.bytes.with(0, 0xce) as Buffer]],
    [
      'a signature that is not for export',
      [certify(alice, ALICE, { hashed: [sub(4, [0])], created: BIRTH + 5 })],
    ],
    ['a signature older than the key', [certify(alice, ALICE, { created: BIRTH - 1 })]],
    ['a signature from a future beyond doubt', [certify(alice, ALICE, { created: NOW + 2 * DAY })]],
    ['a signature of a type that does not belong there', [certify(alice, ALICE, { type: 0x18 })]],
    [
      'a trust packet, a marker, padding',
      [
        framePacket(12, Buffer.from([1])).bytes,
        framePacket(10, Buffer.from('PGP')).bytes,
        framePacket(21, Buffer.alloc(50)).bytes,
      ],
    ],
    [
      'an unknown packet and what stands behind it',
      [framePacket(60, Buffer.alloc(9)).bytes, certify(alice, ALICE, { created: BIRTH + 5 })],
    ],
    ['compressed data, however small it is packed', [framePacket(8, Buffer.alloc(100)).bytes]],
    ['a user id that is too long', [userId('x'.repeat(1025)), certify(alice, 'x'.repeat(1025))]],
    [
      'a copy of a signature with strangers in it',
      [certify(alice, ALICE, { unhashed: [issuer(alice.key), sub(101, Buffer.alloc(999))] })],
    ],
    ['a copy of a signature without its issuer', [certify(alice, ALICE, { unhashed: [] })]],
    ['a malformed signature', [framePacket(2, Buffer.from([4, 0x13, 27, 8, 0xff, 0xff])).bytes]],
    [
      'a subkey with bytes behind it',
      [framePacket(14, Buffer.concat([mallory.key.packet.body, Buffer.from('x')])).bytes],
    ],
  ])('%s', (_, packets) => {
    expect(hex(read(...good, ...packets))).toBe(clean)
    // And when it comes first: what is wrong must not stand in the way of what is right.
    const wrongFirst = [head, userId(ALICE), ...packets, ...good]
    expect(see(...wrongFirst).userIds).toHaveLength(1)
    expect(hex(read(...wrongFirst))).toBe(clean)
  })

  it('a signing subkey that has not signed the primary key, and one that another has signed', () => {
    const signing = ed25519(3, { subkey: true })
    const wrong = crossSignature(alice.key, { ...mallory, key: signing.key })
    for (const hashed of [[flags(2)], [flags(2), wrong]])
      expect(see(...good, signing.key.packet.bytes, bind(alice, signing.key, { hashed })).subkeys).toEqual([])
    const right = crossSignature(alice.key, signing)
    const bytes = bind(alice, signing.key, { hashed: [flags(2)], unhashed: [issuer(alice.key), right] })
    expect(see(...good, signing.key.packet.bytes, bytes).subkeys).toMatchObject([
      { crossSigned: true, flags: 's' },
    ])
  })

  it('weak hashes: MD5 always, SHA-1 in what is not old, but revocations in SHA-1 hold', () => {
    const old = ed25519(4, { created: BIRTH - 3000 * DAY })
    const rsaOld = rsa(2048, { created: BIRTH - 3000 * DAY })
    const at = (key: typeof old, hash: number, created: number): number => {
      const upload = readUpload(
        Buffer.concat([key.key.packet.bytes, userId(ALICE), certify(key, ALICE, { hash, created })]),
        NOW,
      )
      return upload.certificates.length
    }
    expect([
      at(rsaOld, 2, BIRTH - 2500 * DAY),
      at(rsaOld, 2, BIRTH),
      at(rsaOld, 3, BIRTH - 2500 * DAY),
    ]).toEqual([1, 0, 1])
    expect(at(old, 2, BIRTH - 2500 * DAY)).toBe(0) // RFC 9580 §5.2.3.3.4: EdDSA wants 256 bits
    const revoked = see(rsaOld.key.packet.bytes, direct(rsaOld, { type: 0x20, hash: 2 }))
    expect(revoked.revoked).toBe('hard')
  })

  it('subkeys of another version than the primary key', () => {
    const other = ed25519(5, { version: 6, subkey: true })
    expect(see(...good, other.key.packet.bytes, bind(alice, other.key)).subkeys).toEqual([])
  })

  const numbers = Buffer.concat([Buffer.from([0, 8, 0xff]), Buffer.from([0, 2, 3])])
  it.each([
    [3, Buffer.concat([Buffer.from([3, 0, 0, 0, 1, 0, 0, 1]), numbers])],
    [5, Buffer.concat([Buffer.from([5, 0, 0, 0, 1, 1, 0, 0, 0, 6]), numbers])],
    [7, Buffer.concat([Buffer.from([7, 0, 0, 0, 1, 1, 0, 0, 0, 6]), numbers])],
  ])(
    'keys and subkeys of version %i with what belongs to them; what stands beside them is whole',
    (_, body) => {
      const whole = Buffer.concat(good)
      const certified = [userId(ALICE), certify(alice, ALICE)]
      const beside = readUpload(Buffer.concat([framePacket(6, body).bytes, ...certified, whole]), NOW)
      expect([beside.rejected, beside.refused, beside.certificates.map(writeCertificate)]).toEqual([
        1,
        [],
        [whole],
      ])
      const alone = readUpload(Buffer.concat([framePacket(6, body).bytes, ...certified]), NOW)
      expect([alone.rejected, alone.certificates]).toEqual([1, []])
      const subkey = [framePacket(14, body).bytes, bind(alice, unknownKey(9, { subkey: true }))]
      expect(hex(read(...good, ...subkey))).toBe(whole.toString('hex'))
    },
  )

  it('signatures of version 2, 5 and 7', () => {
    const whole = Buffer.concat(good)
    const of = (version: number): Buffer => {
      const body = direct(alice).subarray(2)
      return framePacket(2, Buffer.concat([Buffer.from([version]), body.subarray(1)])).bytes
    }
    expect(direct(alice)[1]).toBe(of(4).length - 2)
    const { certificates, dropped } = readUpload(Buffer.concat([whole, of(2), of(5), of(7)]), NOW)
    expect([certificates.map(writeCertificate), dropped.malformed]).toEqual([[whole], 3])
  })
})

describe('limits', () => {
  it('keeps the newest five self-signatures of a component, and 20 user ids and subkeys', () => {
    const many = Array.from({ length: 9 }, (_, index) =>
      certify(alice, ALICE, { created: BIRTH + index * DAY }),
    )
    const certificate = read(head, userId(ALICE), ...many)
    expect(certificate.identities[0]?.signatures.map(({ created = 0 }) => (created - BIRTH) / DAY)).toEqual([
      8, 7, 6, 5, 4,
    ])
    const uids = Array.from({ length: 25 }, (_, index) => `u${String(index)}@example.org`)
    const certified = uids.flatMap((text, index) => [
      userId(text),
      certify(alice, text, { created: BIRTH + index }),
    ])
    const subkeys = Array.from({ length: 25 }, (_, index) => unknownKey(index, { subkey: true }))
    const bound = subkeys.flatMap((key, index) => [
      key.packet.bytes,
      bind(alice, key, { created: BIRTH + index }),
    ])
    const summary = see(head, ...certified, ...bound)
    expect(summary.userIds.map(({ text }) => text)).toEqual(uids.slice(5))
    expect(summary.subkeys).toHaveLength(20)
  })

  it('keeps of SLH-DSA the newest self-signature of a component alone, of one upload and of two', () => {
    const primary = slhDsa()
    const body = primary.key.packet.bytes
    const at = (days: number): Buffer => direct(primary, { created: BIRTH + days * DAY })
    const [first, second, third] = [at(1), at(2), at(3)]
    const uid = (days: number): Buffer => certify(primary, ALICE, { created: BIRTH + days * DAY })
    const daysOf = (signatures: readonly { readonly created: number | undefined }[]): number[] =>
      signatures.map(({ created = 0 }) => (created - BIRTH) / DAY)
    const together = readUpload(
      Buffer.concat([body, first, third, second, userId(ALICE), uid(2), uid(1)]),
      NOW,
    )
    expect(together.dropped.surplus).toBe(3)
    const [one] = together.certificates
    expect([daysOf(one?.signatures ?? []), daysOf(one?.identities[0]?.signatures ?? [])]).toEqual([[3], [2]])
    const [older, newer] = [read(body, second), read(body, third)]
    for (const merged of [
      mergeCertificates(older, newer, CERTIFICATE_LIMITS),
      mergeCertificates(newer, older, CERTIFICATE_LIMITS),
    ])
      expect(writeCertificate(merged)).toEqual(Buffer.concat([body, third]))
    const revocation = direct(primary, { type: 0x20, hashed: [reason(2)] })
    expect(read(body, third, revocation).signatures.map(({ type }) => type)).toEqual([0x20, 0x1f])
  })

  it('takes signatures of 64 KiB, and no longer ones; the rest of the certificate does not suffer', () => {
    const filled = (bytes: number): Buffer => {
      const value = Buffer.alloc(bytes - besides, 0x61)
      const notation = Buffer.concat([
        Buffer.alloc(4),
        Buffer.from([0, 1]),
        Buffer.alloc(2),
        Buffer.from('n'),
        value,
      ])
      notation.writeUInt16BE(value.length, 6)
      return direct(alice, { hashed: [sub(20, notation)] })
    }
    // What such a packet has besides the value, and what a notation has.
    const besides = bodyBytes(direct(alice, { hashed: [sub(20, Buffer.alloc(20_000))] })) - 20_000 + 9
    const [fits, exceeds] = [filled(65_536), filled(65_537)]
    expect([bodyBytes(fits), bodyBytes(exceeds)]).toEqual([65_536, 65_537])
    const certified = [userId(ALICE), certify(alice, ALICE)]
    const taken = readUpload(Buffer.concat([head, fits, ...certified]), NOW)
    expect(taken.certificates[0]?.signatures.map(({ packet }) => packet.bytes)).toEqual([fits])
    const left = readUpload(Buffer.concat([head, exceeds, ...certified]), NOW)
    expect(left.dropped.tooLarge).toBe(1)
    expect(left.certificates.map(writeCertificate)).toEqual([Buffer.concat([head, ...certified])])
  })

  it('takes other packets of 8 KiB, and no longer ones, with what stands behind them', () => {
    const keyOf = (bytes: number): typeof alice.key => {
      const body = Buffer.alloc(bytes, 0x55)
      unknownKey(1).packet.body.copy(body, 0, 0, 6)
      return toKey(body, 14)
    }
    const attribute = (bytes: number): { readonly packet: Buffer; readonly signed: Buffer } => {
      const body = Buffer.alloc(bytes, 0x56)
      const frame = framePacket(17, body)
      const count = Buffer.from([0xd1, 0, 0, 0, 0])
      count.writeUInt32BE(bytes, 1)
      const subject = [...keySubject(alice.key), count, body]
      return { packet: frame.bytes, signed: signatureOver(alice, 0x13, subject) }
    }
    for (const more of [0, 1]) {
      const [subkey, image] = [keyOf(8_192 + more), attribute(8_192 + more)]
      const packets = [direct(alice), image.packet, image.signed, subkey.packet.bytes, bind(alice, subkey)]
      const { certificates, dropped } = readUpload(Buffer.concat([head, ...packets]), NOW)
      expect([dropped.tooLarge, dropped.orphaned]).toEqual(more === 0 ? [0, 0] : [2, 2])
      expect(certificates.map(({ identities, subkeys }) => [identities.length, subkeys.length])).toEqual([
        more === 0 ? [1, 1] : [0, 0],
      ])
    }
    const primary = Buffer.alloc(8_193, 0x55)
    alice.key.packet.body.copy(primary)
    const large = Buffer.concat([framePacket(6, primary).bytes, direct(alice)])
    expect(readUpload(large, NOW)).toMatchObject({ certificates: [], rejected: 1, dropped: { tooLarge: 1 } })
  })

  it('never lets new signatures or subkeys push a hard revocation out', () => {
    const revoked = unknownKey(0, { subkey: true })
    const start = read(
      head,
      direct(alice, { type: 0x20, created: BIRTH + 1, hashed: [reason(2)] }),
      revoked.packet.bytes,
      bind(alice, revoked),
      bind(alice, revoked, { type: 0x28, hashed: [reason(2)] }),
    )
    const noise = [
      ...Array.from({ length: 9 }, (_, index) =>
        direct(alice, { type: 0x20, created: BIRTH + 99 + index, hashed: [reason(1)] }),
      ),
      ...Array.from({ length: 9 }, (_, index) => direct(alice, { created: BIRTH + 99 + index })),
      ...Array.from({ length: 30 }, (_, index) => unknownKey(index + 1, { subkey: true })).flatMap((key) => [
        key.packet.bytes,
        bind(alice, key, { created: BIRTH + 100 * DAY }),
      ]),
      revoked.packet.bytes,
      ...Array.from({ length: 9 }, (_, index) => bind(alice, revoked, { created: BIRTH + 99 + index })),
    ]
    for (const merged of [
      mergeCertificates(start, read(head, ...noise), CERTIFICATE_LIMITS),
      mergeCertificates(read(head, ...noise), start, CERTIFICATE_LIMITS),
    ]) {
      const summary = summarize(merged, NOW)
      expect(summary.revoked).toBe('hard')
      expect(summary.subkeys.filter((each) => each.revoked === 'hard')).toHaveLength(1)
      expect(summary.subkeys).toHaveLength(21)
    }
  })

  it('does a bounded amount of work for forged signatures, and the rest of the certificate does not suffer', () => {
    const forged = Array.from({ length: 200 }, (_, index) =>
      certify(alice, ALICE, { created: BIRTH + 2 * DAY + index, forged: true }),
    )
    const upload = readUpload(
      Buffer.concat([
        head,
        direct(alice),
        userId(ALICE),
        ...forged,
        userId('b@example.org'),
        certify(alice, 'b@example.org'),
      ]),
      NOW,
    )
    expect(upload.dropped).toMatchObject({
      invalid: CERTIFICATE_LIMITS.failuresMax + 1,
      unchecked: 200 - CERTIFICATE_LIMITS.failuresMax - 1,
    })
    expect(summarize(upload.certificates[0] as VerifiedCertificate, NOW).userIds).toMatchObject([
      { text: 'b@example.org' },
    ])
  })

  it('refuses what is too large, and what has too many packets', () => {
    expect(codeOf(() => readUpload(Buffer.alloc(1024 * 1024 + 1, 0xff), NOW))).toBe('OPENPGP_TOO_LARGE')
    expect(codeOf(() => readUpload(Buffer.alloc(100_000, Buffer.from([0xcd, 0])), NOW))).toBe(
      'OPENPGP_TOO_MANY_PACKETS',
    )
    const notation = (bytes: number): Buffer => {
      const before = Buffer.from([0, 0, 0, 0, 0, 1, bytes >> 8, bytes & 0xff, 0x6e])
      return Buffer.concat([before, Buffer.alloc(bytes, 0x61)])
    }
    const filled = (sizes: readonly number[]): Buffer =>
      Buffer.concat([
        head,
        ...sizes.map((bytes, days) =>
          direct(alice, { created: BIRTH + days * DAY, hashed: [sub(20, notation(bytes))] }),
        ),
        userId(ALICE),
        certify(alice, ALICE),
      ])
    const sizes = [60_000, 60_000, 60_000, 60_000]
    const last = 20_000 + 256 * 1024 - filled([...sizes, 20_000]).length
    expect(read(filled([...sizes, last])).signatures).toHaveLength(5)
    expect(writeCertificate(read(filled([...sizes, last])))).toHaveLength(256 * 1024)
    // Of one that is larger the newest of each component is kept.
    expect(read(filled([...sizes, last + 1])).signatures).toHaveLength(1)
    const small = { ...CERTIFICATE_LIMITS, certificateBytesMax: 300 }
    expect(codeOf(() => readUpload(sample(1).bytes, NOW, small))).toBe('OPENPGP_CERTIFICATE_TOO_LARGE')
    const revoked = readUpload(Buffer.concat([sample(1).bytes, head, ALICE_REVOKED]), NOW, small)
    expect(revoked.certificates.map((each) => each.identities.length)).toEqual([0])
  })
})

const ALICE_REVOKED = direct(alice, { type: 0x20, hashed: [reason(2)] })

describe('secret keys', () => {
  const secret = framePacket(5, Buffer.concat([alice.key.packet.body, Buffer.from([0, 1, 2, 3])])).bytes

  it.each<[string, Buffer]>([
    ['first', secret],
    ['after a certificate', Buffer.concat([sample(1).bytes, secret])],
    ['a secret subkey', framePacket(7, alice.key.packet.body).bytes],
    ['in a Legacy packet', Buffer.concat([Buffer.from([0x95, 0, 9]), Buffer.alloc(9)])],
    ['cut short', secret.subarray(0, 20)],
    ['before damage', Buffer.concat([secret, Buffer.from([0])])],
    [
      'armored',
      Buffer.from(
        `-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${secret.toString('base64')}\n-----END PGP PRIVATE KEY BLOCK-----`,
      ),
    ],
    ['armored and damaged', Buffer.from('hello\n-----BEGIN PGP PRIVATE KEY BLOCK-----\n????')],
    [
      'armored as if it were public',
      Buffer.from(
        `-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n${secret.toString('base64')}\n-----END PGP PUBLIC KEY BLOCK-----`,
      ),
    ],
    [
      'as text in a user id',
      Buffer.concat([head, userId('-----BEGIN PGP PRIVATE KEY BLOCK-----'), certify(alice, ALICE)]),
    ],
  ])('are told from everything else: %s', (_, upload) => {
    expect(codeOf(() => readUpload(upload, NOW))).toBe('OPENPGP_SECRET_KEY')
  })
})

describe('state', () => {
  const good = [head, userId(ALICE), certify(alice, ALICE)]

  it('a hard revocation is for ever, a soft one until the key is certified anew', () => {
    const soft = direct(alice, { type: 0x20, created: BIRTH + 2 * DAY, hashed: [reason(1)] })
    expect(see(head, soft, ...good.slice(1)).revoked).toBe('soft')
    const anew = certify(alice, ALICE, { created: BIRTH + 3 * DAY })
    expect(see(head, soft, userId(ALICE), anew).revoked).toBeUndefined()
    for (const hashed of [[reason(2)], [reason(0)], [], [reason(77)]])
      expect(see(head, direct(alice, { type: 0x20, hashed }), userId(ALICE), anew).revoked).toBe('hard')
    const future = direct(alice, { type: 0x20, created: NOW + 99 * DAY, hashed: [reason(2)] })
    expect(see(head, future, ...good.slice(1)).revoked).toBe('hard')
  })

  it('a revoked user id can be certified anew', () => {
    const revocation = certify(alice, ALICE, { type: 0x30, created: BIRTH + 2 * DAY, hashed: [reason(32)] })
    expect(see(...good, revocation).userIds).toMatchObject([{ revoked: true, valid: false }])
    const anew = certify(alice, ALICE, { created: BIRTH + 3 * DAY })
    expect(see(...good, revocation, anew).userIds).toMatchObject([{ revoked: false, valid: true }])
  })

  it('a user id is revoked by a revocation that comes without its certification', () => {
    const revocation = certify(alice, ALICE, { type: 0x30, created: BIRTH + 2 * DAY, hashed: [reason(32)] })
    const alone = read(head, userId(ALICE), revocation)
    const sent = readStored(writeCertificate(alone))
    const merged = mergeCertificates(read(...good), sent, CERTIFICATE_LIMITS)
    expect(hex(merged)).toBe(hex(read(...good, revocation)))
    expect(mergeCertificates(undefined, sent, CERTIFICATE_LIMITS).identities).toEqual([])
    const many = Array.from({ length: 30 }, (_, index) => {
      const name = `User ${String(index)}`
      return [userId(name), certify(alice, name, { type: 0x30 })]
    })
    expect(read(...good, ...many.flat()).identities).toHaveLength(1 + CERTIFICATE_LIMITS.userIdsMax)
  })

  it('expiry of keys and signatures', () => {
    const expiring = certify(alice, ALICE, {
      created: BIRTH + 3 * DAY,
      hashed: [seconds(9, 30 * DAY), flags(1)],
    })
    expect(see(...good, expiring)).toMatchObject({ expires: BIRTH + 30 * DAY, flags: 'c' })
    const shortLived = certify(alice, ALICE, { created: BIRTH + 3 * DAY, hashed: [seconds(3, DAY)] })
    expect(see(...good, shortLived)).toMatchObject({ expires: undefined, flags: 'cs' })
    expect(see(head, userId(ALICE), shortLived).userIds).toMatchObject([{ valid: false }])
  })

  it('a critical subpacket or notation that we do not know: carried, but it decides nothing', () => {
    for (const unknown of [sub(101, [1], true), sub(20, Buffer.alloc(8), true)]) {
      const strange = certify(alice, ALICE, { created: BIRTH + 3 * DAY, hashed: [unknown, seconds(9, DAY)] })
      const certificate = read(...good, strange)
      expect(writeCertificate(certificate).includes(strange)).toBe(true)
      expect(summarize(certificate, NOW).expires).toBeUndefined()
      expect(see(head, userId(ALICE), strange).userIds).toMatchObject([{ valid: false }])
    }
  })

  it('a revocation on its own, armored or not, finds its key', () => {
    const { revocations, certificates } = readUpload(ALICE_REVOKED, NOW)
    expect([revocations.length, certificates.length]).toEqual([1, 0])
    const revoked = applyRevocations(read(...good), revocations, NOW)
    expect(revoked && summarize(revoked, NOW).revoked).toBe('hard')
    expect(applyRevocations(read(sample(9).bytes), revocations, NOW)).toBeUndefined()
  })
})

describe('merging', () => {
  it('does not let a forged newer binding displace a valid one', () => {
    const { primary, bytes } = sample(10)
    const certificate = read(bytes)
    const encrypting = certificate.subkeys.find(({ key }) => key.algorithm === 25)
    const forged = bind(primary, encrypting?.key as typeof primary.key, { created: NOW - DAY, forged: true })
    const upload = Buffer.concat([primary.key.packet.bytes, encrypting?.key.packet.bytes as Buffer, forged])
    expect(readUpload(upload, NOW)).toMatchObject({ certificates: [], rejected: 1 })
    const mixed = read(bytes, encrypting?.key.packet.bytes as Buffer, forged)
    expect(writeCertificate(mergeCertificates(certificate, mixed, CERTIFICATE_LIMITS))).toEqual(bytes)
  })

  it('is a union whatever comes first, and twice is once', () => {
    const one = read(head, userId(ALICE), certify(alice, ALICE))
    const other = read(
      head,
      userId(ALICE),
      certify(alice, ALICE, { created: BIRTH + 9 * DAY }),
      userId('b@c.de'),
      certify(alice, 'b@c.de'),
    )
    const merged = writeCertificate(mergeCertificates(one, other, CERTIFICATE_LIMITS))
    expect(writeCertificate(mergeCertificates(other, one, CERTIFICATE_LIMITS))).toEqual(merged)
    expect(writeCertificate(mergeCertificates(readStored(merged), one, CERTIFICATE_LIMITS))).toEqual(merged)
    expect(codeOf(() => mergeCertificates(one, read(sample(3).bytes), CERTIFICATE_LIMITS))).toBe(
      'OPENPGP_OTHER_CERTIFICATE',
    )
  })

  it('a signature whose issuer was taken out does not stay so', () => {
    const stripped = read(head, userId(ALICE), certify(alice, ALICE, { unhashed: [] }))
    expect(writeCertificate(stripped)).toEqual(Buffer.concat([head, userId(ALICE), certify(alice, ALICE)]))
  })

  it('the same key under another certificate’s subkey is another component: who holds it decides', () => {
    const { primary } = sample(11)
    const stolen = toKey(primary.key.packet.body, 14)
    const adopted = see(head, userId(ALICE), certify(alice, ALICE), stolen.packet.bytes, bind(alice, stolen))
    expect(adopted.subkeys).toMatchObject([
      { fingerprint: see(sample(11).bytes).fingerprint, crossSigned: false },
    ])
  })
})

describe('stripping', () => {
  const { bytes } = sample(12, { addresses: ['One@Example.org', 'two@example.org', 'three@example.org'] })

  it('leaves the user ids of the addresses, whatever their case, and nothing else of a person', () => {
    const published = withAddresses(read(bytes), ['one@EXAMPLE.org'])
    expect(summarize(published, NOW).userIds.map(({ address }) => address)).toEqual(['one@example.org'])
    expect(writeCertificate(published).includes('two@')).toBe(false)
    expect(withAddresses(read(bytes), []).subkeys).toHaveLength(2)
  })

  it('gives one user id and what is in force for an address', () => {
    const again = [
      userId(ALICE),
      certify(alice, ALICE),
      certify(alice, ALICE, { created: BIRTH + 9 * DAY }),
      userId('alice@example.org'),
      certify(alice, 'alice@example.org'),
    ]
    const minimal = minimalForAddress(read(head, ...again), 'alice@example.org', NOW)
    expect(minimal.identities.map((each) => each.signatures.length)).toEqual([1])
    expect(summarize(minimal, NOW).userIds).toMatchObject([{ text: ALICE }])
  })

  it('cleans what no longer says anything', () => {
    const revoked = unknownKey(1, { subkey: true })
    const certificate = read(
      head,
      userId(ALICE),
      certify(alice, ALICE),
      certify(alice, ALICE, { created: BIRTH + 9 * DAY }),
      revoked.packet.bytes,
      bind(alice, revoked),
      bind(alice, revoked, { type: 0x28, created: BIRTH + 9 * DAY, hashed: [reason(3)] }),
    )
    const clean = cleanCertificate(certificate, NOW)
    expect(clean.identities.map(({ signatures }) => signatures.length)).toEqual([1])
    expect(summarize(clean, NOW).subkeys).toMatchObject([{ revoked: 'soft' }])
  })
})
