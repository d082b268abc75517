/** What every bus does, in one process or between several. */
import { EventEmitter, once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { Bus, BusOptions } from '@sealpost/bus'

declare module '@sealpost/bus' {
  interface Topics {
    'test/changed': { readonly id: string }
    'test/other': { readonly id: string }
  }
}

/** Two ends of one bus: in one process the same, over Postgres two. */
export type Open = (stack: AsyncDisposableStack, options: BusOptions) => Promise<[Bus, Bus]>

async function until(events: string[], count: number, grown: EventEmitter): Promise<void> {
  while (events.length < count) await once(grown, 'event')
}

export function busContract(name: string, open: Open): void {
  describe(`Bus (${name})`, () => {
    test('events reach every subscriber of their topic, in order, as copies', async () => {
      await using stack = new AsyncDisposableStack()
      const [one, two] = await open(stack, {})
      const grown = new EventEmitter()
      const events: string[] = []
      const note = (end: string) => (payload: { readonly id: string }) => {
        events.push(`${end}${payload.id}`)
        grown.emit('event')
      }
      one.subscribe('test/changed', note('a'))
      two.subscribe('test/changed', note('b'))
      two.subscribe('test/other', note('x'))
      const payload = { id: '1' }
      await one.publish('test/changed', payload)
      payload.id = 'changed later'
      await one.publish('test/changed', { id: '2' })
      await until(events, 4, grown)
      expect(events.filter((event) => event.startsWith('a'))).toEqual(['a1', 'a2'])
      expect(events.filter((event) => event.startsWith('b'))).toEqual(['b1', 'b2'])
    })

    test('a handler that throws is reported and disturbs nobody; disposing ends a subscription', async () => {
      await using stack = new AsyncDisposableStack()
      const errors: unknown[] = []
      const grown = new EventEmitter()
      const [one, two] = await open(stack, { onError: (error) => errors.push(error) })
      const events: string[] = []
      two.subscribe('test/changed', () => {
        throw new Error('handler')
      })
      two.subscribe('test/changed', async () => Promise.reject(new Error('handler, later')))
      const ended = two.subscribe('test/changed', () => void events.push('ended'))
      ended[Symbol.dispose]()
      two.subscribe('test/changed', ({ id }) => {
        events.push(id)
        grown.emit('event')
      })
      await one.publish('test/changed', { id: '1' })
      await until(events, 1, grown)
      expect(events).toEqual(['1'])
      expect(errors).toHaveLength(2)
    })
  })
}
