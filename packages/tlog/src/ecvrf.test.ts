import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { vector } from './_fixtures.ts'
import { TlogError, verifyVrf, vrfOutput, VrfSecretKey } from './index.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')

const examples = vector('ecvrf.txt')
  .toString()
  .split('\n\n')
  .map(
    (block) =>
      new Map([...block.matchAll(/^(\w+) ?([0-9a-f]*)$/gm)].map(([, name, hex]) => [name, hex ?? ''])),
  )
  .filter((fields) => fields.has('sk'))

const example = (at: number): { key: VrfSecretKey; alpha: Buffer; pi: Buffer; beta: Buffer } => {
  const field = (name: string): Buffer => bytes(examples[at]?.get(name) ?? '')
  return { key: new VrfSecretKey(field('sk')), alpha: field('alpha'), pi: field('pi'), beta: field('beta') }
}

describe('RFC 9381 §5', () => {
  test.each([0, 1, 2])('§B.3: example %# of the suite', (at) => {
    expect(examples).toHaveLength(3)
    const { key, alpha, pi, beta } = example(at)
    expect(key.publicKey.toString('hex')).toBe(examples[at]?.get('pk'))
    expect(key.prove(alpha)).toEqual(pi)
    expect(key.output(alpha)).toEqual(beta)
    expect(vrfOutput(pi)).toEqual(beta)
    expect(verifyVrf(key.publicKey, alpha, pi)).toEqual(beta)
  })

  test('§3.1: a proof is of one key, one input and one output', () => {
    const { key, alpha, pi } = example(1)
    expect(() => verifyVrf(key.publicKey, Buffer.from('other'), pi)).toThrow(TlogError)
    expect(() => verifyVrf(example(0).key.publicKey, alpha, pi)).toThrow(TlogError)
    for (let at = 0; at < pi.length; at += 1) {
      const changed = Buffer.from(pi)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(() => verifyVrf(key.publicKey, alpha, changed)).toThrow(TlogError)
    }
  })

  test('§5.4.4: s beyond the order of the group is refused, though it means the same', () => {
    const { key, alpha, pi } = example(1)
    const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n
    const s = BigInt(`0x${Buffer.from(pi.subarray(48).toReversed()).toString('hex')}`) + order
    const changed = Buffer.concat([pi.subarray(0, 48), bytes(s.toString(16).padStart(64, '0')).toReversed()])
    expect(() => verifyVrf(key.publicKey, alpha, changed)).toThrow(TlogError)
  })

  test('§5.4.5: keys of small order are refused', () => {
    const small = [
      `01${'00'.repeat(31)}`,
      `ec${'ff'.repeat(30)}7f`,
      '00'.repeat(32),
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    ]
    for (const key of small)
      expect(() => verifyVrf(bytes(key), Buffer.alloc(0), example(0).pi)).toThrow(TlogError)
  })

  test('whatever the input, its proof verifies; whatever the proof, it is refused', () => {
    const { key } = example(0)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (input) => {
        expect(verifyVrf(key.publicKey, input, key.prove(input))).toEqual(key.output(input))
      }),
      { numRuns: 20 },
    )
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 33 }),
        fc.uint8Array({ minLength: 78, maxLength: 82 }),
        (other, proof) => {
          for (const publicKey of [other, key.publicKey])
            expect(() => verifyVrf(publicKey, Buffer.from('x'), proof)).toThrow(TlogError)
        },
      ),
      { numRuns: 200 },
    )
  })
})
