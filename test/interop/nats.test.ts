/** The event bus over Debian's NATS. */
import { EventEmitter, once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNatsBus, type Bus } from '@sealpost/bus'
import { busContract } from '../../packages/bus/test/contract.ts'
import { startNats, type Nats } from './nats.ts'
import { freePort } from './free-port.ts'

let nats: Nats
beforeAll(async () => (nats = await startNats()))
afterAll(() => nats[Symbol.asyncDispose]())

busContract('NATS', async (stack, options) => {
  const end = async (): Promise<Bus> => stack.use(await createNatsBus({ ...nats, ...options }))
  return [await end(), await end()]
})

test('a server that goes and comes back is told by onReset; without it nothing is published', async () => {
  const port = await freePort()
  const events = new EventEmitter()
  const errors: unknown[] = []
  const first = await startNats(port)
  const onConnectionError = (error: unknown): void => void errors.push(error)
  await using bus = await createNatsBus({ ...first, onConnectionError })
  bus.onReset(() => void events.emit('reset'))
  bus.subscribe('test/changed', ({ id }) => void events.emit('event', id))
  const reset = once(events, 'reset')
  await first[Symbol.asyncDispose]()
  await expect(bus.publish('test/changed', { id: 'lost' })).rejects.toMatchObject({ code: 'BUS_AWAY' })
  await using second = await startNats(port, first.token)
  await reset
  expect(second.output()).toContain('Server is ready')
  expect(errors).not.toEqual([])
  const next = once(events, 'event')
  await bus.publish('test/changed', { id: 'after' })
  expect(await next).toEqual(['after'])
})

test('a wrong token, or nobody there, is an error at the start', async () => {
  await expect(createNatsBus({ ...nats, token: 'x' })).rejects.toMatchObject({ code: 'BUS_UNREACHABLE' })
  const url = new URL(`nats://127.0.0.1:${String(await freePort())}`)
  await expect(createNatsBus({ url, token: undefined })).rejects.toMatchObject({ code: 'BUS_UNREACHABLE' })
})

test('an event that is too large is refused', async () => {
  await using bus = await createNatsBus(nats)
  await expect(bus.publish('test/changed', { id: 'x'.repeat(8_000) })).rejects.toMatchObject({
    code: 'BUS_PAYLOAD_TOO_LARGE',
  })
})
