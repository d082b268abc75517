import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeArmor } from '@sealpost/openpgp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { framePacket } from '../../../../../packages/openpgp/src/packet-sequence.ts'
import { certify, ed25519, sample } from '../../../../../packages/openpgp/test/maker.ts'
import { cutCertificates } from './packet-splitter.ts'
import type { Cut } from './packet-splitter.ts'
import { readItems } from './sources.ts'
import type { Item } from './sources.ts'

const [one, two, three] = [1, 2, 3].map((seed) => sample(seed).bytes) as [Buffer, Buffer, Buffer]
const secret = framePacket(5, Buffer.alloc(90, 4)).bytes
const trust = framePacket(12, Buffer.alloc(2)).bytes

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  await Promise.resolve()
}

async function cut(bytes: Buffer, size = bytes.length, start = 0): Promise<Cut[]> {
  return Array.fromAsync(cutCertificates(inPieces(bytes, size), start))
}

const whole = (certificate: Buffer, end: number): Cut => ({ certificate, end })

describe('RFC 9580 §10.1: a stream is cut before each primary key', () => {
  test.each([1, 2, 7, 100, 4_096])('in pieces of %i bytes', async (size) => {
    const all = Buffer.concat([one, two, three])
    const ends = [one.length, one.length + two.length, all.length] as const
    expect(await cut(all, size, 0)).toEqual([whole(one, ends[0]), whole(two, ends[1]), whole(three, ends[2])])
  })

  test('secret keys, what is too large, and what belongs to a keyring alone are left out', async () => {
    const own = certify(ed25519(2), 'User <two@example.org>')
    const large = Buffer.concat([two, ...Array.from({ length: 20_000 }, () => own)])
    const ring = Buffer.concat([one.subarray(0, 0), one, trust])
    for (const size of [999, 1_000_000]) {
      const cuts = await cut(Buffer.concat([ring, secret, trust, large, three]), size)
      expect(cuts.map((each) => ('problem' in each ? each.problem : each.certificate))).toEqual([
        one,
        'secret',
        'too-large',
        three,
      ])
      expect(cuts.at(-1)?.end).toBe(ring.length + secret.length + trust.length + large.length + three.length)
    }
  })

  test.each([1_000, 300_000])(
    'one that was flooded with signatures by others is taken without them, in pieces of %i bytes',
    async (size) => {
      const other = certify(ed25519(4), 'User <two@example.org>')
      const flood = Array.from({ length: 12_000 }, () => other)
      const huge = framePacket(17, Buffer.alloc(100 * 1024)).bytes
      const flooded = Buffer.concat([two, ...flood, huge, ...flood])
      expect(flooded.length).toBeGreaterThan(2 * 1024 * 1024)
      expect(await cut(Buffer.concat([one, flooded, three]), size)).toEqual([
        whole(one, one.length),
        { ...whole(two, one.length + flooded.length), thinned: true },
        whole(three, one.length + flooded.length + three.length),
      ])
    },
  )

  test('what stands before the first is none; what is damaged or cut short ends it', async () => {
    const stray = framePacket(13, Buffer.from('stray')).bytes
    expect(await cut(Buffer.concat([stray, one]))).toEqual([whole(one, stray.length + one.length)])
    const damaged = await cut(Buffer.concat([one, Buffer.from('text'), two]))
    expect(damaged).toEqual([whole(one, one.length), { problem: 'malformed', end: one.length }])
    const short = await cut(Buffer.concat([one, two.subarray(0, 20)]))
    expect(short.map((each) => ('problem' in each ? each.problem : 'whole'))).toEqual(['whole', 'malformed'])
    expect(await cut(Buffer.alloc(0))).toEqual([])
  })

  test('from the end of one on, the rest is read as before', async () => {
    const all = Buffer.concat([one, two, three])
    const [, ...rest] = await cut(all)
    expect(await cut(all.subarray(one.length), 50, one.length)).toEqual(rest)
  })
})

describe('files', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sealpost-import-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function read(content: Buffer | string, start = 0): Promise<Item[]> {
    const path = join(folder, 'file')
    await writeFile(path, content)
    return Array.fromAsync(readItems(path, start))
  }
  const contents = (items: readonly Item[]): (Buffer | string)[] =>
    items.map((each) => ('problem' in each ? each.problem : each.certificate))

  test('binary ones are read on from where they were left', async () => {
    const all = Buffer.concat([one, two])
    const [first, ...rest] = await read(all)
    expect(await read(all, first?.end)).toEqual(rest)
  })

  test('armored ones: several blocks, with text around them', async () => {
    const block = (data: Buffer, checksum: boolean): string =>
      writeArmor('PUBLIC KEY BLOCK', data, { checksum })
    const text = `Hello\n${block(Buffer.concat([one, two]), true)}\nand\r\n${block(three, false).replaceAll('\n', '\r\n')}`
    const items = await read(text)
    expect(contents(items)).toEqual([one, two, three])
    expect(items.every(({ end }) => end === 0)).toBe(true)
  })

  test("GnuPG's keybox", async () => {
    const header = Buffer.alloc(32)
    header.writeUInt32BE(32)
    header[4] = 1
    header.write('KBXf', 8, 'latin1')
    const blob = (type: number, certificate: Buffer): Buffer => {
      const head = Buffer.alloc(40)
      head.writeUInt32BE(head.length + certificate.length + 20)
      head[4] = type
      head.writeUInt32BE(head.length, 8)
      head.writeUInt32BE(certificate.length, 12)
      return Buffer.concat([head, certificate, Buffer.alloc(20)])
    }
    const box = Buffer.concat([header, blob(2, one), blob(3, two), blob(2, three)])
    const items = await read(box)
    expect(contents(items)).toEqual([one, three])
    expect(contents(await read(box, items[0]?.end))).toEqual([three])
    expect(contents(await read(Buffer.concat([box, Buffer.alloc(20)])))).toEqual([one, three, 'malformed'])
  })

  test('documents of mailvelope/keyserver, a line each or as an array, with what was verified', async () => {
    const document = (certificate: Buffer): string =>
      JSON.stringify({
        fingerprint: '00',
        userIds: [
          { name: 'A', email: 'a@example.org', verified: true, nonce: null },
          { name: 'B', email: 'b@example.org', verified: false, nonce: 'x' },
        ],
        publicKeyArmored: writeArmor('PUBLIC KEY BLOCK', certificate, { checksum: true }),
      })
    const lines = [document(one), '{"publicKeyArmored": 1}', 'text', document(two)]
    for (const text of [`${lines.join('\n')}\n`, `[${lines.join(',\n')}]\n`]) {
      const items = await read(text)
      expect(contents(items)).toEqual([one, 'malformed', 'malformed', two])
      expect(items[0]).toMatchObject({ verified: ['a@example.org'] })
      expect(contents(await read(text, items[0]?.end))).toEqual(['malformed', 'malformed', two])
    }
  })

  test('anything else is of no known format', async () => {
    for (const content of ['', 'hello', '\0\0\0\0'])
      expect(contents(await read(content))).toEqual(['unknown-format'])
  })
})
