import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fifo } from './fifo.ts'

test('behaves as an array does', () => {
  const operations = fc.array(fc.oneof(fc.nat({ max: 5_000 }), fc.constant('shift' as const)), {
    maxLength: 5_000,
    size: 'max',
  })
  fc.assert(
    fc.property(operations, (list) => {
      const fifo = new Fifo<number>()
      const model: number[] = []
      for (const operation of list) {
        if (operation === 'shift') expect(fifo.shift()).toBe(model.shift())
        else {
          model.push(operation)
          fifo.push(operation)
        }
        expect(fifo.length).toBe(model.length)
        expect(fifo.peek()).toBe(model[0])
      }
      expect([...fifo]).toEqual(model)
    }),
    { interruptAfterTimeLimit: 2_000 },
  )
})

test('a long queue gives back in order, and room as it goes', () => {
  const fifo = new Fifo<number>()
  for (let n = 0; n < 100_000; n++) fifo.push(n)
  for (let n = 0; n < 100_000; n++) expect(fifo.shift()).toBe(n)
  expect(fifo.shift()).toBeUndefined()
})
