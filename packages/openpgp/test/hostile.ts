/**
 * The hostile corpus: uploads that were made to hurt. Each is made here, the same each time; test/vectors/openpgp/hostile
 * has the small ones as files, and of the others how long they are and their SHA-256 (generate-hostile.ts beside it).
 */
import { gzipSync } from 'node:zlib'
import { SubpacketType } from '../src/certificate/subpacket.ts'
import { CertificatePacket, framePacket } from '../src/packet-sequence.ts'
import {
  bind,
  BIRTH,
  certify,
  DAY,
  direct,
  ecdsaOfNobody,
  ed25519,
  flags,
  issuer,
  NOW,
  rsaOfNobody,
  sample,
  signatureOver,
  sub,
  toKey,
  unknownKey,
  userId,
} from './maker.ts'
import type { TestKey } from './maker.ts'

export interface Hostile {
  readonly name: string
  readonly upload: Buffer
  /** Code of the error; undefined when the good certificate that the attack is wrapped around must come out. */
  readonly refused?: string
  /** The attack uses up what may be spent on an upload: parts of the good certificate may be missing, and the upload says so. */
  readonly reduced?: true
}

const MAX = 1024 * 1024
const victim = sample(4242)
const { primary } = victim
const head = primary.key.packet.bytes
const mallory = ed25519(666)
const NAME = 'User <user4242@example.org>'
const later = (index: number): { created: number } => ({ created: BIRTH + 2 * DAY + index })

/** The good certificate, for what must come out. */
export const VICTIM = victim.bytes

/** As many of what `make` makes as fit into an upload after `start`. */
function fill(start: Buffer, make: (index: number) => Buffer, bytesMax = MAX): Buffer {
  const pieces = [start]
  let length = start.length
  for (let index = 0; ; index += 1) {
    const piece = make(index)
    if (length + piece.length > bytesMax) return Buffer.concat(pieces)
    pieces.push(piece)
    length += piece.length
  }
}

/** The same signature with its digest prefix and numbers drawn from `index`: cheap to make, so that the corpus is made quickly. */
function vary(signature: Buffer, index: number): Buffer {
  const copy = Buffer.from(signature)
  copy.writeUInt32BE((index * 2_654_435_761) >>> 0, copy.length - 40)
  return copy
}

const armored = (data: Buffer, label = 'PUBLIC KEY BLOCK'): Buffer =>
  Buffer.from(`-----BEGIN PGP ${label}-----\n\n${data.toString('base64')}\n-----END PGP ${label}-----\n`)

/** Forged signatures with the right digest prefix: each costs a verification. */
function forgedOver(key: TestKey, count: number): Buffer {
  const packets = [key.key.packet.bytes, direct(key)]
  for (let component = 0; component * 20 < count; component += 1) {
    const text = `u${String(component)}@example.org`
    packets.push(userId(text))
    for (let index = 0; index < 20; index += 1)
      packets.push(certify(key, text, { ...later(index), forged: true }))
  }
  return Buffer.concat(packets).subarray(0, MAX)
}

function wrap(...packets: readonly Buffer[]): Buffer {
  return Buffer.concat([VICTIM, ...packets])
}

const uid = userId(NAME)
const thirdParty = certify(primary, NAME, { by: mallory })
const claimed = certify(primary, NAME, { ...later(0), by: mallory, claims: primary.key })
const encrypting = unknownKey(1, { subkey: true })

/** A second's work. */
export function hostileCorpus(): readonly Hostile[] {
  const slow = ecdsaOfNobody('brainpoolP512r1')
  const huge = rsaOfNobody(8192)
  const tampered = Buffer.from(VICTIM)
  tampered[VICTIM.length - 1] = (tampered.at(-1) ?? 0) ^ 1
  return [
    {
      name: 'flooded with certifications by others',
      upload: fill(wrap(uid), (index) => vary(thirdParty, index)),
    },
    {
      name: 'flooded with signatures that claim to be its own',
      reduced: true,
      upload: fill(wrap(uid), (index) => vary(claimed, index)),
    },
    {
      name: 'flooded with signatures that claim nothing',
      reduced: true,
      upload: fill(wrap(uid), (index) => vary(certifyNothing, index)),
    },
    {
      name: 'flooded with user ids',
      upload: fill(VICTIM, (index) => userId(`user ${String(index)}`), 150_000),
    },
    { name: 'flooded with subkeys', upload: fill(VICTIM, (index) => subkeyPacket(index)) },
    { name: 'flooded with copies of itself', upload: fill(VICTIM, () => VICTIM) },
    {
      name: 'forged newer bindings',
      upload: wrap(
        encrypting.packet.bytes,
        ...Array.from({ length: 50 }, (_, index) =>
          bind(primary, encrypting, { ...later(index), forged: true }),
        ),
      ),
    },
    {
      name: 'forged newer certifications',
      upload: wrap(
        uid,
        ...Array.from({ length: 10 }, (_, index) =>
          certify(primary, NAME, { ...later(index), forged: true }),
        ),
      ),
    },
    {
      name: 'a forged revocation',
      upload: wrap(
        head,
        direct(primary, { type: 0x20, forged: true }),
        direct(mallory, { type: 0x20, claims: primary.key }),
      ),
    },
    {
      name: 'the victim’s primary key as somebody’s subkey',
      upload: wrap(
        mallory.key.packet.bytes,
        direct(mallory),
        toKey(primary.key.packet.body, 14).packet.bytes,
        bind(mallory, toKey(primary.key.packet.body, 14), { hashed: [flags(2)] }),
      ),
    },
    {
      name: 'its own primary key as its subkey',
      upload: wrap(
        toKey(primary.key.packet.body, 14).packet.bytes,
        bind(primary, toKey(primary.key.packet.body, 14)),
      ),
    },
    {
      name: 'an unknown critical subpacket by another',
      upload: wrap(
        uid,
        certify(primary, NAME, {
          ...later(0),
          by: mallory,
          claims: primary.key,
          hashed: [sub(99, [1], true)],
        }),
      ),
    },
    {
      name: 'one bad packet among good ones',
      upload: wrap(
        framePacket(14, Buffer.from([4, 0, 0])).bytes,
        framePacket(2, Buffer.from([9])).bytes,
        framePacket(17, Buffer.alloc(5)).bytes,
      ),
    },
    {
      name: 'strangers in the unhashed area',
      upload: wrap(
        uid,
        certify(primary, NAME, {
          hashed: [flags(3)],
          unhashed: [issuer(primary.key), sub(100, Buffer.alloc(60_000, 7))],
        }),
      ),
    },
    {
      name: 'unhashed embedded signatures',
      upload: wrap(
        uid,
        certify(primary, NAME, {
          hashed: [flags(3)],
          unhashed: Array.from({ length: 500 }, () =>
            sub(SubpacketType.embeddedSignature, Buffer.alloc(100, 4)),
          ),
        }),
      ),
    },
    {
      name: 'a signature of the largest size',
      upload: wrap(
        uid,
        framePacket(2, Buffer.alloc(65_536, 4)).bytes,
        framePacket(2, Buffer.alloc(65_537, 4)).bytes,
      ),
    },
    { name: 'many tiny subpackets', upload: fill(wrap(uid), () => tinySubpackets) },
    {
      name: 'a literal packet, an encrypted one, a compressed one',
      upload: wrap(...[11, 18, 8, 9, 1, 3].map((type) => framePacket(type, Buffer.alloc(40, 1)).bytes)),
    },
    {
      name: 'a compressed bomb in a packet',
      upload: wrap(
        framePacket(
          8,
          Buffer.concat([Buffer.from([1]), gzipSync(Buffer.alloc(50_000_000)).subarray(0, 60_000)]),
        ).bytes,
      ),
    },
    {
      name: 'forgeries that are dear to refuse, brainpoolP512r1',
      reduced: true,
      upload: Buffer.concat([forgedOver(slow, 1200), VICTIM]).subarray(-MAX),
    },
    {
      name: 'forgeries that are dear to refuse, RSA 8192',
      upload: Buffer.concat([forgedOver(huge, 100), VICTIM]),
    },
    {
      name: 'forgeries that are dear to refuse, Ed25519',
      reduced: true,
      upload: Buffer.concat([forgedOver(mallory, 4000), VICTIM]),
    },
    { name: 'two hundred small certificates', upload: manyCertificates() },
    {
      name: 'armored, in a megabyte of white space',
      upload: Buffer.concat([Buffer.alloc(500_000, '\n'), armored(VICTIM), Buffer.alloc(500_000, ' \n')]),
    },
    {
      name: 'a megabyte of armor heads',
      upload: Buffer.alloc(MAX, '-----BEGIN PGP PUBLIC KEY BLOCK-----\n'),
      refused: 'OPENPGP_ARMOR',
    },
    {
      name: 'a megabyte of armor headers',
      upload: Buffer.concat([
        Buffer.from('-----BEGIN PGP PUBLIC KEY BLOCK-----\n'),
        Buffer.alloc(1_000_000, 'a: b\n'),
      ]),
      refused: 'OPENPGP_ARMOR',
    },
    { name: 'a megabyte of nothing', upload: Buffer.alloc(MAX), refused: 'OPENPGP_NO_CERTIFICATE' },
    { name: 'a megabyte of 0xff', upload: Buffer.alloc(MAX, 0xff), refused: 'OPENPGP_MALFORMED' },
    {
      name: 'a megabyte of empty packets',
      upload: Buffer.alloc(MAX, Buffer.from([0xcd, 0])),
      refused: 'OPENPGP_TOO_MANY_PACKETS',
    },
    { name: 'more than a megabyte', upload: Buffer.alloc(MAX + 1, VICTIM), refused: 'OPENPGP_TOO_LARGE' },
    { name: 'cut short', upload: VICTIM.subarray(0, -1), refused: 'OPENPGP_MALFORMED' },
    {
      name: 'a length beyond the end',
      upload: wrap(Buffer.from([0xcd, 0xff, 0xff, 0xff, 0xff, 0xff])),
      refused: 'OPENPGP_MALFORMED',
    },
    {
      name: 'a key in parts',
      upload: wrap(Buffer.from([0xce, 0xe9]), Buffer.alloc(512), Buffer.from([0])),
      refused: 'OPENPGP_MALFORMED',
    },
    { name: 'a gzip bomb', upload: gzipSync(Buffer.alloc(100_000_000)), refused: 'OPENPGP_NO_CERTIFICATE' },
    {
      name: 'a secret key behind it',
      upload: wrap(framePacket(CertificatePacket.secretKey, Buffer.alloc(99, 4)).bytes),
      refused: 'OPENPGP_SECRET_KEY',
    },
    { name: 'the last byte changed', upload: Buffer.concat([tampered, VICTIM]) },
  ]
}

const certifyNothing = certify(primary, NAME, { ...later(0), by: mallory, claims: primary.key, unhashed: [] })

const tinySubpackets = signatureOver(mallory, 0x13, [Buffer.from('x')], {
  claims: primary.key,
  hashed: Array.from({ length: 5000 }, () => sub(100, [])),
})

function subkeyPacket(index: number): Buffer {
  const body = Buffer.from(encrypting.packet.body)
  body.writeUInt32BE(index, body.length - 4)
  return framePacket(CertificatePacket.publicSubkey, body).bytes
}

/** `first`: the number that the first of their keys comes from. */
export function manyCertificates(first = 10_000): Buffer {
  const others = Array.from({ length: 200 }, (_, index) => {
    const key = ed25519(first + index)
    return Buffer.concat([key.key.packet.bytes, direct(key, { created: NOW - DAY })])
  })
  return Buffer.concat([...others, VICTIM])
}
