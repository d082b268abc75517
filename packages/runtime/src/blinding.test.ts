import { expect, test } from 'vitest'
import * as fc from 'fast-check'
import { Blinding, clientNetwork } from './blinding.ts'
import { systemRandom } from './random.ts'
import { VirtualClock } from './virtual-clock.ts'

test('a client is an IPv4 address or the /64 of an IPv6 address', () => {
  expect(clientNetwork('192.0.2.1')).toBe('192.0.2.1')
  expect(clientNetwork('::ffff:192.0.2.1')).toBe('192.0.2.1')
  expect(clientNetwork('2001:db8::1')).toBe('2001:db8:0:0')
  expect(clientNetwork('2001:0DB8:0:0:ffff::1')).toBe('2001:db8:0:0')
  expect(clientNetwork('2001:db8:0:1::1')).toBe('2001:db8:0:1')
  expect(clientNetwork('fe80::1%eth0')).toBe('fe80:0:0:0')
  expect(clientNetwork('::1')).toBe('0:0:0:0')
})

test('all spellings of the addresses of a /64 are one client', () => {
  const group = fc.integer({ min: 0, max: 0xffff })
  const groups = (count: number) => fc.array(group, { minLength: count, maxLength: count })
  fc.assert(
    fc.property(groups(4), groups(4), groups(4), (network, one, two) => {
      const spell = (rest: number[]): string =>
        [...network, ...rest].map((value) => value.toString(16)).join(':')
      const padded = [...network, ...two]
        .map((value) => value.toString(16).padStart(4, '0').toUpperCase())
        .join(':')
      expect(clientNetwork(spell(one))).toBe(clientNetwork(spell(two)))
      expect(clientNetwork(padded)).toBe(clientNetwork(spell(one)))
    }),
  )
})

test('what is blinded is the same all day, and unlike everything else', async () => {
  const clock = new VirtualClock()
  let turned = 0
  using blinding = new Blinding(clock, systemRandom, () => turned++)
  const first = blinding.blind('a', '192.0.2.1')
  expect(blinding.blind('a', '192.0.2.1')).toBe(first)
  for (const other of [['a', '192.0.2.2'], ['a1', '92.0.2.1'], ['a192.0.2.1'], ['a', '', '192.0.2.1']])
    expect(blinding.blind(...other)).not.toBe(first)
  await clock.advance(23 * 3_600_000)
  expect([turned, blinding.blind('a', '192.0.2.1')]).toEqual([0, first])
  await clock.advance(3_600_000)
  expect(turned).toBe(1)
  expect(blinding.blind('a', '192.0.2.1')).not.toBe(first)
})
