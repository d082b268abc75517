import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { entriesOf, MemoryLog, signer } from './_fixtures.ts'
import {
  formatProof,
  hashCertificate,
  hashVrfOutput,
  keyLogOrigin,
  NO_CERTIFICATE,
  parseProof,
  readEntry,
  signCheckpoint,
  TiledTree,
  TlogError,
  verifyLookup,
  VrfSecretKey,
  vrfInput,
  vrfKeyOf,
  writeEntry,
} from './index.ts'

const vrf = new VrfSecretKey(Buffer.alloc(32, 9))
const origin = keyLogOrigin('log.example/tlog', vrf.publicKey)
const log = signer(origin, 2)
const ADDRESS = 'someone@example.org'
const certificate = Buffer.from('a certificate')

async function prove(index = 3, address = ADDRESS): Promise<string> {
  const tree = new MemoryLog()
  const entry = writeEntry({
    address: hashVrfOutput(vrf.output(vrfInput(ADDRESS))),
    certificate: hashCertificate(certificate),
  })
  for (const each of [...entriesOf(3), entry, ...entriesOf(300, 'more')]) tree.add(each)
  const size = tree.entries.length
  return formatProof({
    extra: vrf.prove(vrfInput(address)),
    index,
    hashes: await new TiledTree(size, tree.read).inclusionProof(index),
    checkpoint: signCheckpoint(
      { origin: log.key.name, size, root: tree.frontier.root() },
      log.key,
      log.secret,
    ),
  })
}

const keys = { log: log.key }

describe('a lookup and its proof', () => {
  test('verify offline, in any case of the address', async () => {
    const proof = await prove()
    for (const address of [ADDRESS, 'SomeOne@Example.ORG'])
      expect(verifyLookup({ proof, address, certificate }, keys)).toMatchObject({
        index: 3,
        checkpoint: { size: 304 },
      })
  })

  test('another certificate, address, place, log or VRF key is found out', async () => {
    const proof = await prove()
    const lookup = { proof, address: ADDRESS, certificate }
    const wrong: [object, object][] = [
      [{ certificate: Buffer.from('another') }, {}],
      [{ certificate: Buffer.alloc(0) }, {}],
      [{ address: 'other@example.org' }, {}],
      [{ proof: await prove(4) }, {}],
      [{ proof: await prove(3, 'other@example.org') }, {}],
      [{ proof: proof.replace(/^extra .*\n/m, '') }, {}],
      [{}, { log: signer(origin, 7).key }],
      [
        {},
        {
          log: signer(keyLogOrigin('log.example/tlog', new VrfSecretKey(Buffer.alloc(32, 8)).publicKey), 2)
            .key,
        },
      ],
      [{}, { log: signer('log.example/tlog', 2).key }],
    ]
    for (const [change, others] of wrong)
      expect(() => verifyLookup({ ...lookup, ...change }, { ...keys, ...others })).toThrow(TlogError)
  })
})

test('the name of a log carries its VRF key', () => {
  expect(vrfKeyOf(origin)).toEqual(vrf.publicKey)
  for (const wrong of ['log.example/tlog', '', `${origin}A`, `${origin}=`])
    expect(() => vrfKeyOf(wrong)).toThrow(TlogError)
  expect(() => keyLogOrigin('log example', vrf.publicKey)).toThrow(TlogError)
})

test('an entry is 64 bytes; of no certificate, the hash of nothing', () => {
  const entry = { address: Buffer.alloc(32, 1), certificate: NO_CERTIFICATE }
  expect(readEntry(writeEntry(entry))).toEqual(entry)
  expect(hashCertificate(new Uint8Array())).toEqual(NO_CERTIFICATE)
  for (const length of [0, 63, 65]) expect(() => readEntry(Buffer.alloc(length))).toThrow(TlogError)
})

describe('C2SP tlog-proof, Format', () => {
  const hash = Buffer.alloc(32).toString('base64')

  test('with and without extra data and hashes', () => {
    for (const extra of [undefined, Buffer.from('x')])
      for (const hashes of [[], [Buffer.alloc(32)]]) {
        const proof = { extra, index: 0, hashes, checkpoint: 'o\n' }
        expect(parseProof(formatProof(proof))).toEqual(proof)
      }
  })

  test.each([
    '',
    'c2sp.org/tlog-proof@v1\n\n',
    'c2sp.org/tlog-proof@v2\nindex 1\n\n',
    'c2sp.org/tlog-proof@v1\nindex 01\n\n',
    'c2sp.org/tlog-proof@v1\nindex 1\nextra AA==\n\n',
    'c2sp.org/tlog-proof@v1\nextra A\nindex 1\n\n',
    `c2sp.org/tlog-proof@v1\nextra ${'A'.repeat(1_400)}\nindex 1\n\n`,
    'c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\n',
    `c2sp.org/tlog-proof@v1\nindex 1\n${hash}`,
    `c2sp.org/tlog-proof@v1\nindex 1\n${`${hash}\n`.repeat(64)}\n`,
  ])('%j is none', (text) => {
    expect(() => parseProof(text)).toThrow(TlogError)
  })

  test('whatever the text, it is read or refused', () => {
    const piece = fc.constantFrom(
      'c2sp.org/tlog-proof@v1\n',
      'index 1\n',
      'extra AA==\n',
      `${hash}\n`,
      '\n',
      'x',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 8 }).map((all) => all.join('')),
        ),
        (text) => {
          try {
            expect(formatProof(parseProof(text))).toBe(text)
          } catch (error) {
            expect(error).toBeInstanceOf(TlogError)
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
