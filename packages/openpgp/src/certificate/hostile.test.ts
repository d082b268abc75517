import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CERTIFICATE_LIMITS,
  OpenPgpError,
  readStored,
  readUpload,
  summarize,
  writeCertificate,
} from '../index.ts'
import type { VerifiedCertificate } from '../index.ts'
import { hostileCorpus, VICTIM } from '../../test/hostile.ts'
import { bind, certify, direct, ed25519, NOW, reason, sample, unknownKey, userId } from '../../test/maker.ts'

const { fingerprint } = (readUpload(VICTIM, NOW).certificates[0] as VerifiedCertificate).primary

/** `unharmed`: the good certificate came out; `reduced`: parts of it, and the upload says that it was not all looked at. */
function outcome(upload: Buffer): string {
  try {
    const { certificates, dropped } = readUpload(upload, NOW)
    for (const certificate of certificates) {
      const bytes = writeCertificate(certificate)
      expect(bytes.length).toBeLessThanOrEqual(CERTIFICATE_LIMITS.certificateBytesMax)
      expect(writeCertificate(readStored(bytes)).equals(bytes)).toBe(true)
      summarize(certificate, NOW)
    }
    const found = certificates.find(({ primary }) => primary.fingerprint.equals(fingerprint))
    const bytes = found ? writeCertificate(found) : Buffer.alloc(0)
    if (bytes.equals(VICTIM)) return 'unharmed'
    return dropped.unchecked > 0 && split(bytes).every((each) => VICTIM.includes(each)) ? 'reduced' : 'harmed'
  } catch (error) {
    if (error instanceof OpenPgpError) return error.code
    throw error
  }
}

describe('the hostile corpus', () => {
  it.each(hostileCorpus().map((each) => [each.name, each] as const))(
    '%s',
    (_, { upload, refused, reduced }) => {
      const start = process.cpuUsage()
      expect(outcome(upload)).toBe(refused ?? (reduced ? 'reduced' : 'unharmed'))
      const { user, system } = process.cpuUsage(start)
      // The benchmark measures exactly; this only catches what is out of all proportion on a busy machine.
      expect((user + system) / 1000).toBeLessThan(10_000)
    },
  )
})

describe('whatever is sent', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  const runs = Number(process.env['FUZZ_RUNS'] ?? 2_000)
  const primary = ed25519(77)
  const subkey = unknownKey(5, { subkey: true })
  const rich = Buffer.concat([
    primary.key.packet.bytes,
    direct(primary),
    direct(primary, { type: 0x20, hashed: [reason(1)] }),
    userId('a@example.org'),
    certify(primary, 'a@example.org'),
    certify(primary, 'a@example.org', { type: 0x30 }),
    subkey.packet.bytes,
    bind(primary, subkey),
    sample(78, { version: 6 }).bytes,
  ])

  it(`changed bytes, cuts and copies give certificates or an OpenPgpError (SEED=${String(seed)})`, () => {
    const edit = fc.record({
      at: fc.nat(rich.length - 1),
      remove: fc.oneof(fc.constant(0), fc.constant(1), fc.nat(300)),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 4 }),
        fc
          .tuple(fc.nat(rich.length), fc.nat(300))
          .map(([from, length]) => rich.subarray(from, from + length)),
      ),
    })
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
        let upload = rich
        for (const { at, remove, insert } of edits)
          upload = Buffer.concat([upload.subarray(0, at), insert, upload.subarray(at + remove)])
        expect([
          'harmed',
          'OPENPGP_MALFORMED',
          'OPENPGP_SECRET_KEY',
          'OPENPGP_NO_CERTIFICATE',
          'OPENPGP_TOO_MANY_PACKETS',
        ]).toContain(outcome(upload))
      }),
      { seed, numRuns: runs },
    )
  })

  it(`whole packets in any order never make something valid that was not (SEED=${String(seed)})`, () => {
    const good = sample(79)
    const other = sample(80)
    const packets = [...split(good.bytes), ...split(other.bytes)]
    const allowed = new Set(packets.map((each) => each.toString('hex')))
    fc.assert(
      fc.property(fc.array(fc.nat(packets.length - 1), { minLength: 1, maxLength: 30 }), (order) => {
        const upload = Buffer.concat(order.map((index) => packets[index] ?? Buffer.alloc(0)))
        try {
          for (const certificate of readUpload(upload, NOW).certificates) {
            const own = certificate.primary.fingerprint.equals(good.primary.key.fingerprint)
              ? good.bytes
              : other.bytes
            for (const packet of split(writeCertificate(certificate))) {
              expect(allowed.has(packet.toString('hex'))).toBe(true)
              expect(own.includes(packet)).toBe(true)
            }
          }
        } catch (error) {
          if (!(error instanceof OpenPgpError)) throw error
        }
      }),
      { seed, numRuns: runs },
    )
  })
})

/** Packets of ours, whose lengths take one or two octets. */
function split(bytes: Buffer): Buffer[] {
  const packets: Buffer[] = []
  for (let offset = 0; offset < bytes.length;) {
    const first = bytes[offset + 1] ?? 0
    const length = first < 192 ? first + 2 : ((first - 192) << 8) + (bytes[offset + 2] ?? 0) + 192 + 3
    packets.push(bytes.subarray(offset, offset + length))
    offset += length
  }
  return packets
}
