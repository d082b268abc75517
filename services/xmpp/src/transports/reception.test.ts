import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { Reception, type ReceptionLimits } from './reception.ts'

/** Each turn of its event loop takes 50 ms. */
class BusyClock extends VirtualClock {
  override turn(task: () => void): void {
    this.after(50, task)
  }
}

function open(limits: Partial<ReceptionLimits> = {}, clock = new VirtualClock()) {
  const wide = {
    max: 100,
    clientMax: 100,
    clientRate: { burst: 100, perSecond: 100 },
    perTurn: 100,
    slowTurnMs: 20,
  }
  const reception = new Reception<{ name: string }>({ ...wide, ...limits }, clock, systemRandom)
  const begun: string[] = []
  const visitors = new Map<string, { name: string }>()
  return {
    clock,
    reception,
    begun,
    enter: (name: string, client?: string) => {
      const visitor = { name }
      visitors.set(name, visitor)
      return reception.enter(visitor, client, () => begun.push(name))?.name
    },
    advance: (name: string) => reception.advance(visitors.get(name) ?? { name }),
    leave: (name: string) => reception.leave(visitors.get(name) ?? { name }),
    [Symbol.dispose]: () => reception[Symbol.dispose](),
  }
}

const names = (count: number, prefix = 'v') =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

test('one too many sends the oldest away; who has left does not count', () => {
  using door = open({ max: 2 })
  expect([door.enter('a'), door.enter('b'), door.enter('c')]).toEqual([undefined, undefined, 'a'])
  door.leave('b')
  door.leave('a')
  expect([door.enter('d'), door.enter('e'), door.reception.size]).toEqual([undefined, 'c', 2])
})

test('who gets further counts as the newest; who has left does not come back by it', () => {
  using door = open({ max: 2 })
  door.enter('a')
  door.enter('b')
  door.advance('a')
  expect(door.enter('c')).toBe('b')
  door.advance('b')
  expect([door.enter('d'), door.reception.size]).toEqual(['a', 2])
})

test('few begin in one turn of the event loop, in the order of their arrival', async () => {
  using door = open({ perTurn: 3 })
  for (const name of names(7)) door.enter(name)
  expect(door.begun).toEqual([])
  door.leave('v1')
  const lengths: number[] = []
  for (let turn = 0; turn < 3; turn++) door.clock.after(0, () => lengths.push(door.begun.length))
  await door.clock.advance(0)
  expect(lengths[0]).toBe(3)
  expect(door.begun).toEqual(['v0', 'v2', 'v3', 'v4', 'v5', 'v6'])
})

test('who comes faster than the rate of a client waits; others do not', async () => {
  using door = open({ clientRate: { burst: 2, perSecond: 10 } })
  for (const name of names(5)) expect(door.enter(name, '192.0.2.1')).toBeUndefined()
  for (const name of names(2, 'w')) door.enter(name, '192.0.2.2')
  for (const name of names(3, 'shared')) door.enter(name)
  await door.clock.advance(0)
  expect(door.begun).toEqual(['v0', 'v1', 'w0', 'w1', 'shared0', 'shared1', 'shared2'])
  door.leave('v3')
  await door.clock.advance(101)
  expect(door.begun.slice(7)).toEqual(['v2'])
  await door.clock.advance(101)
  expect(door.begun.slice(7)).toEqual(['v2', 'v4'])
  await door.clock.advance(10_000)
  for (const name of names(3, 'x')) door.enter(name, '192.0.2.1')
  await door.clock.advance(0)
  expect(door.begun.slice(9)).toEqual(['x0', 'x1'])
})

test('a client has so many inside, its whole /64 counted; one more is refused, and stays outside', () => {
  using door = open({ clientMax: 2 })
  expect([
    door.enter('a', '2001:db8::1'),
    door.enter('b', '2001:db8::2'),
    door.enter('c', '2001:db8::3'),
  ]).toEqual([undefined, undefined, 'c'])
  expect([door.enter('d', '2001:db8:0:1::1'), door.reception.size]).toEqual([undefined, 3])
  door.leave('c')
  expect(door.enter('e', '2001:db8::3')).toBe('e')
  door.leave('a')
  expect(door.enter('f', '2001:db8::3')).toBeUndefined()
})

test('who leaves and comes again does not come faster for it', async () => {
  using door = open({ clientRate: { burst: 1, perSecond: 1 } })
  for (const name of names(50)) {
    door.enter(name, '192.0.2.1')
    door.leave(name)
  }
  door.enter('last', '192.0.2.1')
  await door.clock.advance(990)
  expect(door.begun).toEqual([])
  await door.clock.advance(20)
  expect(door.begun).toEqual(['last'])
})

test('addresses are forgotten daily, those inside still counted until they leave', async () => {
  using door = open({ clientMax: 1, clientRate: { burst: 1, perSecond: 1 / 1_000_000 } })
  door.enter('a', '192.0.2.1')
  await door.clock.advance(24 * 3_600_000)
  expect(door.enter('b', '192.0.2.1')).toBeUndefined()
  await door.clock.advance(0)
  door.leave('a')
  expect(door.enter('c', '192.0.2.1')).toBe('c')
  door.leave('b')
  await door.clock.advance(24 * 3_600_000)
  expect(door.enter('c', '192.0.2.1')).toBeUndefined()
  await door.clock.advance(0)
  expect(door.begun).toEqual(['a', 'b', 'c'])
})

test('one begins at a time while turns take long', async () => {
  using door = open({}, new BusyClock())
  for (const name of names(4)) door.enter(name)
  await door.clock.advance(50)
  expect(door.begun).toEqual(['v0'])
  await door.clock.advance(100)
  expect(door.begun).toEqual(['v0', 'v1', 'v2'])
})
