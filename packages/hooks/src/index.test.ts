import { expect, test } from 'vitest'
import { Priority, createHooks } from './index.ts'

interface Table {
  ask: (event: { trace: string[] }) => string
  tell: (event: { trace: string[] }) => void
}

const step =
  (name: string) =>
  ({ trace }: { trace: string[] }): undefined =>
    void trace.push(name)

test('handlers run by priority, then in the order of registration', () => {
  const hooks = createHooks<Table>()
  hooks.hook('tell', step('fallback'), Priority.fallback)
  hooks.hook('tell', step('normal 1'))
  hooks.hook('tell', step('filter'), Priority.filter)
  hooks.hook('tell', step('normal 2'))
  hooks.hook('tell', step('deliver'), Priority.deliver)
  hooks.hook('tell', step('policy'), Priority.policy)
  const trace: string[] = []
  expect(hooks.fire('tell', { trace })).toBeUndefined()
  expect(trace).toEqual(['filter', 'policy', 'normal 1', 'normal 2', 'deliver', 'fallback'])
})

test('the first answer ends the chain, synchronously', () => {
  const hooks = createHooks<Table>()
  hooks.hook('ask', () => 'late', Priority.fallback)
  hooks.hook('ask', () => 'early', Priority.filter)
  expect(hooks.fire('ask', { trace: [] })).toBe('early')
})

test('a promise makes the rest of the chain wait', async () => {
  const hooks = createHooks<Table>()
  const trace: string[] = []
  hooks.hook('ask', async () => {
    await Promise.resolve()
    trace.push('first')
    return undefined
  })
  hooks.hook('ask', step('second'))
  hooks.hook('ask', async () => Promise.resolve('answer'))
  hooks.hook('ask', step('never'))
  const result = hooks.fire('ask', { trace })
  expect(trace).toEqual([])
  expect(await result).toBe('answer')
  expect(trace).toEqual(['first', 'second'])
})

test('exceptions reach the caller, thrown or rejected', async () => {
  const hooks = createHooks<Table>()
  const failing = hooks.hook('ask', () => {
    throw new Error('now')
  })
  expect(() => hooks.fire('ask', { trace: [] })).toThrow('now')
  failing[Symbol.dispose]()
  hooks.hook('ask', async () => Promise.reject(new Error('later')))
  await expect(hooks.fire('ask', { trace: [] })).rejects.toThrow('later')
})

test('disposing takes one handler away, even the same function hooked twice, and spares a chain under way', () => {
  const hooks = createHooks<Table>()
  const again = step('twice')
  const first = hooks.hook('tell', again)
  hooks.hook('tell', again)
  const selfRemoving = hooks.hook('tell', ({ trace }) => {
    selfRemoving[Symbol.dispose]()
    trace.push('once')
  })
  hooks.hook('tell', step('last'))
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  const trace: string[] = []
  void hooks.fire('tell', { trace })
  expect(trace).toEqual(['twice', 'once', 'last'])
  trace.length = 0
  void hooks.fire('tell', { trace })
  expect(trace).toEqual(['twice', 'last'])
})

test('has() tells whether anyone listens', () => {
  const hooks = createHooks<Table>()
  expect(hooks.has('ask')).toBe(false)
  const handler = hooks.hook('ask', () => 'x')
  expect(hooks.has('ask')).toBe(true)
  handler[Symbol.dispose]()
  expect(hooks.has('ask')).toBe(false)
  expect(hooks.fire('ask', { trace: [] })).toBeUndefined()
})
