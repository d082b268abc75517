import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemoryAccounts } from '@sealpost/accounts/memory'
import { createProcessBus } from '@sealpost/bus'
import { HttpProblem } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { createSignIn } from './sign-in.ts'

function createEnv() {
  const clock = new VirtualClock()
  const random = systemRandom
  const accounts = createMemoryAccounts({ bus: createProcessBus(), clock, random })
  const results: string[] = []
  const signIn = createSignIn({
    accounts,
    domains: ['example.org', 'example.net'],
    clock,
    random,
    opens: 'api',
    events: { signIn: (result) => void results.push(result) },
  })
  const check = (credentials: string, client = '192.0.2.1') => signIn.check(Buffer.from(credentials), client)
  return {
    accounts,
    check,
    signIn,
    clock,
    results,
    [Symbol.asyncDispose]: async () => {
      signIn[Symbol.dispose]()
      await accounts[Symbol.asyncDispose]()
    },
  }
}

test('takes a name with or without domain, and a password with colons', async () => {
  await using env = createEnv()
  const ann = await env.accounts.create(parseJid('ann@example.org'), 'a:b')
  await env.accounts.create(parseJid('ann@example.net'), 'other')
  expect((await env.check('ann:a:b'))?.id).toBe(ann.id)
  expect((await env.check('ANN@example.org:a:b'))?.id).toBe(ann.id)
  expect(await env.check('ann@example.net:a:b')).toBeUndefined()
  expect(env.results).toEqual(['ok', 'ok', 'refused'])
})

test('a success costs no attempt, a failure is forgiven after 15 minutes', async () => {
  await using env = createEnv()
  await env.accounts.create(parseJid('ann@example.org'), 'right')
  for (let i = 0; i < 20; i++) expect(await env.check('ann:right')).toBeDefined()
  for (let i = 0; i < 10; i++) expect(await env.check('ann:wrong')).toBeUndefined()
  await expect(env.check('ann:right')).rejects.toMatchObject({ status: 429 })
  expect(await env.check('ann:right', '192.0.2.2')).toBeDefined()
  await env.clock.advance(15 * 60_000)
  expect(await env.check('ann:right')).toBeDefined()
})

test('many clients do not get more than 100 guesses at one name', async () => {
  await using env = createEnv()
  const guesses = Array.from({ length: 110 }, (_, i) => env.check('nobody:x', `2001:db8:0:${String(i)}::1`))
  const outcomes = await Promise.allSettled(guesses)
  expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(10)
  await expect(env.check('nobody:x', '2001:db8:0:ffff::1')).rejects.toMatchObject({ status: 429 })
})

test('more at a time than can wait are told to come again', async () => {
  await using env = createEnv()
  const outcomes = await Promise.allSettled(
    Array.from({ length: 150 }, (_, i) => env.check(`user${String(i)}:x`)),
  )
  const busy = outcomes.filter((each) => each.status === 'rejected')
  expect(busy).toHaveLength(150 - 104)
  for (const { reason } of busy) expect(reason).toMatchObject({ status: 503 })
  expect(await env.check('afterwards:x')).toBeUndefined()
  for (let i = 0; i < 10; i++) expect(await env.check('user149:x')).toBeUndefined() // Being sent away was no guess.
})

test('whatever the bytes, the answer is no or a problem', async () => {
  await using env = createEnv()
  const credentials = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.string({ unit: fc.constantFrom(':', '@', '/', 'a', '\0', 'ü', '\u202e'), maxLength: 30 }),
  )
  await fc.assert(
    fc.asyncProperty(credentials, async (input) => {
      try {
        expect(await env.signIn.check(Buffer.from(input as Uint8Array), 'client')).toBeUndefined()
      } catch (error) {
        expect(error).toBeInstanceOf(HttpProblem)
      }
    }),
    { interruptAfterTimeLimit: 2_000 },
  )
})
