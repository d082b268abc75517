import { expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { postgresSenderStore } from './sender-store.postgres.ts'

const DAY_MS = 86_400_000
const NOW = Date.UTC(2030, 0, 1)

test('spam of a sender whom an administrator has blocked for longer does not shorten that', async () => {
  await using stack = new AsyncDisposableStack()
  const { url } = stack.use(await createMigratedDatabase())
  const store = postgresSenderStore(stack.use(await openDb({ url, role: 'sealpost_smtp', poolSize: 1 })))
  const [sender, other] = [systemRandom.bytes(32), systemRandom.bytes(32)]
  await store.block(sender, NOW, NOW + 30 * DAY_MS)
  for (let mail = 0; mail < 6; mail++)
    await store.count(sender, 'spam', { nowMs: NOW, blockMs: DAY_MS, spamMin: 3 })
  const isBlocked = async (days: number) =>
    (await store.reputation([sender, other], NOW + days * DAY_MS)).blocked
  expect([await isBlocked(2), await isBlocked(29), await isBlocked(31)]).toEqual([true, true, false])
})
