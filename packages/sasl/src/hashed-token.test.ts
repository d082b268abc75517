import { createHmac, randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  hashedTokenProof,
  isHashedTokenProof,
  offerHash,
  readHashedToken,
  SaslError,
  scramClient,
  scramServer,
  deriveVerifier,
  writeHashedToken,
} from './index.ts'

const NONE = Buffer.alloc(0)

describe('hashed tokens (draft-schmaus-kitten-sasl-ht)', () => {
  it('proves possession in both directions, bound to the channel', () => {
    const token = randomBytes(32).toString('base64url')
    const binding = randomBytes(32)
    const { username, proof } = readHashedToken(writeHashedToken('ünïcode', token, binding))
    expect(username).toBe('ünïcode')
    expect(isHashedTokenProof(proof, token, binding)).toBe(true)
    expect(isHashedTokenProof(proof, token, NONE)).toBe(false)
    expect(isHashedTokenProof(proof, `${token}x`, binding)).toBe(false)
    expect(isHashedTokenProof(hashedTokenProof(token, 'Responder', binding), token, binding)).toBe(false)
    const expected = createHmac('sha256', token)
      .update(Buffer.concat([Buffer.from('Responder'), binding]))
      .digest()
    expect(hashedTokenProof(token, 'Responder', binding)).toEqual(expected)
  })

  it('reads its own messages and refuses all others', () => {
    const proof = randomBytes(32)
    const bad = [
      Buffer.alloc(0),
      Buffer.from('alice'),
      Buffer.concat([Buffer.from('\0'), proof]),
      Buffer.concat([Buffer.from('alice\0'), proof.subarray(1)]),
      Buffer.concat([Buffer.from('alice\0'), proof, NONE, Buffer.from('x')]),
      Buffer.concat([Buffer.from([0xff, 0]), proof]),
      Buffer.concat([Buffer.from(`${'a'.repeat(2048)}\0`), proof]),
    ]
    for (const message of bad) expect(() => readHashedToken(message)).toThrow(SaslError)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          const { username, proof: read } = readHashedToken(Buffer.from(bytes))
          expect(Buffer.concat([Buffer.from(`${username}\0`), read])).toEqual(Buffer.from(bytes))
        } catch (error) {
          expect(error).toBeInstanceOf(SaslError)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('downgrade protection (XEP-0474, XEP-0515)', () => {
  const offer = {
    mechanisms: ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'],
    bindings: ['tls-server-end-point', 'tls-exporter'],
  }

  it('is the published example, whatever the order', () => {
    expect(offerHash('SHA-1', offer)).toBe('G6k/rBLDqgOhRRaCuuatSDFkJ08=')
    const turned = { mechanisms: offer.mechanisms.toReversed(), bindings: offer.bindings.toReversed() }
    expect(offerHash('SHA-1', turned)).toBe(offerHash('SHA-1', offer))
    expect(offerHash('SHA-1', { ...offer, bindings: undefined })).not.toBe(offerHash('SHA-1', offer))
  })

  it('lets a client find out that the list was shortened, or that the TLS of the server is another', async () => {
    const verifier = await deriveVerifier('pencil', 'SHA-256', { salt: randomBytes(16), iterations: 4096 })
    const run = async (seen: typeof offer, tlsVersion = '0304') => {
      const server = scramServer({
        hash: 'SHA-256',
        plus: false,
        serverSupportsPlus: true,
        channelBinding: () => undefined,
        lookup: () => Promise.resolve(verifier),
        random: randomBytes,
        offer,
        tlsVersion: '0304',
      })
      const client = scramClient({
        hash: 'SHA-256',
        plus: false,
        username: 'user',
        password: 'pencil',
        random: randomBytes,
        offer: seen,
        tlsVersion,
      })
      const final = await client.final(await server.first(Buffer.from(client.first())))
      client.verify(server.final(Buffer.from(final)))
    }
    await run(offer)
    await expect(run({ ...offer, mechanisms: ['SCRAM-SHA-1'] })).rejects.toThrow(SaslError)
    await expect(run(offer, '0303')).rejects.toThrow(SaslError)
  })
})
