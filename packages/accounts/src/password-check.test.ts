import { createProcessBus } from '@sealpost/bus'
import { OperationalError } from '@sealpost/errors'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { accountsOver } from './accounts.ts'
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
