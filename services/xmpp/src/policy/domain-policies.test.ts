import type { DomainPolicy } from '@sealpost/accounts'
import { createProcessBus } from '@sealpost/bus'
import { VirtualClock } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { DomainPolicies, type MessagePolicy } from './domain-policies.ts'

const SERVER: MessagePolicy = { e2ee: 'required', storage: 'sealed', messageTtlSeconds: 1000 }
const NOTHING: DomainPolicy = {
  e2ee: undefined,
  storage: undefined,
  messageTtlSeconds: undefined,
  mailPgp: undefined,
}

class World {
  readonly bus = createProcessBus()
  readonly clock = new VirtualClock()
  readonly decided = new Map<string, DomainPolicy>()
  readonly errors: unknown[] = []
  failing = false
  reads = 0

  open(): Promise<DomainPolicies> {
    return DomainPolicies.open({
      server: SERVER,
      bus: this.bus,
      clock: this.clock,
      onError: (error) => this.errors.push(error),
      domains: {
        policies: async () => {
          this.reads++
          const policies = new Map(this.decided)
          await new Promise((resolve) => setImmediate(resolve))
          if (this.failing) throw new Error('the database is away')
          return policies
        },
      },
    })
  }

  async decide(domain: string, policy: Partial<DomainPolicy>): Promise<void> {
    this.decided.set(domain, { ...NOTHING, ...policy })
    await this.bus.publish('domain/changed', { domain })
  }
}

test('what nobody decided is as the server is set; a domain never lengthens the server’s time', async () => {
  const world = new World()
  world.decided.set('a.example', { ...NOTHING, e2ee: 'off' })
  world.decided.set('b.example', { ...NOTHING, messageTtlSeconds: 5000, storage: 'none' })
  using policies = await world.open()
  expect(policies.of('c.example')).toEqual(SERVER)
  expect(policies.of('a.example')).toEqual({ ...SERVER, e2ee: 'off' })
  expect(policies.of('b.example')).toEqual({ ...SERVER, storage: 'none' })
})

test('between two domains the stricter holds, whichever sends', async () => {
  const world = new World()
  world.decided.set('off.example', { ...NOTHING, e2ee: 'off', messageTtlSeconds: 10 })
  world.decided.set('some.example', { ...NOTHING, e2ee: 'optional', storage: 'none' })
  using policies = await world.open()
  const both = { e2ee: 'optional', storage: 'none', messageTtlSeconds: 10 }
  expect(policies.between('off.example', 'some.example')).toEqual(both)
  expect(policies.between('some.example', 'off.example')).toEqual(both)
  expect(policies.between('off.example', 'else.example').e2ee).toBe('required')
  expect(policies.between('off.example', 'off.example').e2ee).toBe('off')
})

test('a change is followed, one during a read as well; a thousand changes are few reads', async () => {
  const world = new World()
  using policies = await world.open()
  await world.decide('a.example', { e2ee: 'off' })
  await world.decide('a.example', { e2ee: 'optional' })
  await expect.poll(() => policies.of('a.example').e2ee).toBe('optional')
  const before = world.reads
  await Promise.all(
    Array.from({ length: 1000 }, (_, n) => world.decide('a.example', { messageTtlSeconds: n + 1 })),
  )
  await expect.poll(() => policies.of('a.example').messageTtlSeconds).toBe(1000)
  expect(world.reads - before).toBeLessThan(10)
})

test('while it cannot be read, what was read last holds, and it is tried again', async () => {
  const world = new World()
  using policies = await world.open()
  world.failing = true
  await world.decide('a.example', { storage: 'none' })
  await expect.poll(() => world.errors.length).toBe(1)
  expect(policies.of('a.example').storage).toBe('sealed')
  await world.clock.advance(500)
  await expect.poll(() => world.errors.length).toBe(2)
  world.failing = false
  await world.clock.advance(500)
  await expect.poll(() => policies.of('a.example').storage).toBe('none')
})

test('a start that cannot read them fails', async () => {
  const world = new World()
  world.failing = true
  await expect(world.open()).rejects.toThrow('away')
})

test('after its end nothing is read any more', async () => {
  const world = new World()
  const policies = await world.open()
  policies[Symbol.dispose]()
  await world.decide('a.example', { storage: 'none' })
  expect(world.reads).toBe(1)
})
