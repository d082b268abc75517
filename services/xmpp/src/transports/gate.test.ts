import { expect, test } from 'vitest'
import { Gate } from './gate.ts'

test('one too many sends the oldest away; who has left does not count', () => {
  const gate = new Gate<{ readonly name: string }>(2)
  const visitor = (name: string) => ({ name })
  const [a, b, c, d] = [visitor('a'), visitor('b'), visitor('c'), visitor('d')]
  expect([gate.enter(a), gate.enter(b)]).toEqual([undefined, undefined])
  expect(gate.enter(c)).toBe(a)
  gate.leave(b)
  gate.leave(a)
  expect(gate.enter(d)).toBeUndefined()
  expect(gate.enter(a)).toBe(c)
})
