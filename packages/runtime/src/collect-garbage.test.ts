import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { collectOld, collectYoung } from './collect-garbage.ts'

/** Survives two collections of the young, and is used no more. */
function abandoned(): WeakRef<object> {
  const old = { of: 'old' }
  collectYoung()
  collectYoung()
  return new WeakRef(old)
}

test('what was in use for long is collected, unless more is in use than told', async () => {
  const ref = abandoned()
  await turn() // a reference that was just made holds until then
  collectOld(0)
  expect(ref.deref()).toEqual({ of: 'old' })
  await turn()
  collectOld(Infinity)
  expect(ref.deref()).toBeUndefined()
})
