import { expect, test } from 'vitest'
import { Places } from './places.ts'

test('places are bounded for each and in all, and free again when they are disposed', () => {
  const places = new Places({ max: 3, keyMax: 2 })
  const [first, second] = [places.take('a'), places.take('a')]
  expect([first, second, places.take('a')]).toEqual([expect.anything(), expect.anything(), undefined])
  const other = places.take('b')
  expect([other, places.take('c')]).toEqual([expect.anything(), undefined])
  first?.[Symbol.dispose]()
  expect([places.take('c'), places.take('a')]).toEqual([expect.anything(), undefined])
  for (const place of [second, other]) place?.[Symbol.dispose]()
  expect([places.take('a'), places.take('a'), places.take('b')]).toEqual([
    expect.anything(),
    expect.anything(),
    undefined,
  ])
})
