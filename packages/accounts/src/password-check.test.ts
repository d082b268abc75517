import { createProcessBus } from '@sealpost/bus'
import { OperationalError } from '@sealpost/errors'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { deriveVerifier } from '@sealpost/sasl'
import { describe, expect, test } from 'vitest'
import { accountsOver } from './accounts.ts'
import { deriveVerifiers, isForeignVerifier } from './credentials.ts'
import { createPasswordCheck } from './password-check.ts'
import { memoryStores } from './store.memory.ts'

const ANN = parseJid('ann@example.org')

test('passwords that could not be checked, the database being away, are no guesses', async () => {
  const clock = new VirtualClock()
  await using accounts = accountsOver({
    ...memoryStores(),
    bus: createProcessBus(),
    clock,
    random: systemRandom,
  })
  await accounts.create(ANN, 'right')
  let isAway = true
  const reached = {
    verifierOrDecoy: (...asked: Parameters<typeof accounts.verifierOrDecoy>) =>
      isAway
        ? Promise.reject(new OperationalError('DB_UNAVAILABLE', 'away'))
        : accounts.verifierOrDecoy(...asked),
    foreignVerifier: (jid: typeof ANN) => accounts.foreignVerifier(jid),
    adoptPassword: (id: string, password: string) => accounts.adoptPassword(id, password),
    touch: (id: string) => accounts.touch(id),
  }
  using passwords = createPasswordCheck({
    accounts: reached,
    clock,
    random: systemRandom,
    opens: undefined,
  })
  const check = async (password: string): Promise<string> =>
    (await passwords.check(ANN, password, '192.0.2.1')).result
  for (let count = 0; count < 20; count++)
    await expect(check('right')).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' })
  isAway = false
  expect(await check('right')).toBe('right')
  for (let count = 0; count < 10; count++) expect(await check('wrong')).toBe('wrong')
  expect(await check('right')).toBe('limited')
})

describe('a verifier that another server made', () => {
  async function imported() {
    const clock = new VirtualClock()
    const stores = memoryStores()
    const accounts = accountsOver({ ...stores, bus: createProcessBus(), clock, random: systemRandom })
    const passwords = createPasswordCheck({ accounts, clock, random: systemRandom, opens: undefined })
    const { id } = await accounts.create(ANN, undefined)
    const salt = Buffer.from('0b1f9a2c-7f6e-4c5d-9e8f-3a2b1c0d9e8f')
    const verifier = await deriveVerifier('old', 'SHA-1', { salt, iterations: 4096 })
    expect(await accounts.unclaimed(ANN)).toBe(id)
    expect(await accounts.setForeignVerifier(id, verifier)).toBe(true)
    const check = async (password: string): Promise<string> =>
      (await passwords.check(ANN, password, '192.0.2.1')).result
    const dispose = async () => {
      passwords[Symbol.dispose]()
      await accounts[Symbol.asyncDispose]()
    }
    return { accounts, id, verifier, check, [Symbol.asyncDispose]: dispose }
  }

  test('opens with its password, which becomes verifiers of our own', async () => {
    await using env = await imported()
    const { accounts, check } = env
    expect(await accounts.unclaimed(ANN)).toBeUndefined()
    expect((await accounts.verifierOrDecoy(ANN, 'SHA-1')).account).toBeUndefined() // not shown in an exchange
    expect(await check('wrong')).toBe('wrong')
    expect(await check('old')).toBe('right')
    expect(await accounts.foreignVerifier(ANN)).toBeUndefined()
    for (const hash of ['SHA-256', 'SHA-1'] as const)
      expect((await accounts.verifier(ANN, hash))?.verifier).toMatchObject({ hash, iterations: 10_000 })
    expect(await check('old')).toBe('right')
    expect(await check('wrong')).toBe('wrong')
    expect(await accounts.setForeignVerifier(env.id, env.verifier)).toBe(false)
  })

  test('is over once another password is chosen', async () => {
    await using env = await imported()
    const { accounts, check, id } = env
    const { token } = await accounts.invites.createPassword(id)
    await accounts.invites.redeemPassword(token, await deriveVerifiers('new', systemRandom))
    expect(await accounts.adoptPassword(id, 'old')).toBe(false)
    expect(await check('old')).toBe('wrong')
    expect(await check('new')).toBe('right')
  })

  test('is kept within bounds only: no weaker than is allowed, no more work than ours', async () => {
    const sound = await deriveVerifier('x', 'SHA-1', { salt: Buffer.alloc(16), iterations: 4096 })
    expect(isForeignVerifier(sound)).toBe(true)
    expect(isForeignVerifier({ ...sound, iterations: 10_000, salt: Buffer.alloc(64) })).toBe(true)
    const bad = [
      { iterations: 4095 },
      { iterations: 10_001 },
      { iterations: 5000.5 },
      { iterations: NaN },
      { salt: Buffer.alloc(0) },
      { salt: Buffer.alloc(65) },
      { storedKey: Buffer.alloc(32) },
      { serverKey: Buffer.alloc(19) },
    ]
    for (const change of bad) expect(isForeignVerifier({ ...sound, ...change })).toBe(false)
  })
})
