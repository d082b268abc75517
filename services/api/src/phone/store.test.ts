import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { postgresPhoneStore } from './store.postgres.ts'
import type { PhoneStore } from './store.ts'

const stack = new AsyncDisposableStack()
let store: PhoneStore
beforeAll(async () => {
  const { url } = stack.use(await createMigratedDatabase())
  store = postgresPhoneStore(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 2 })))
})
afterAll(() => stack.disposeAsync())

test('a code that is not sent is counted for nobody, in whatever order they are', async () => {
  const [first, full, last] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer]
  const count = (...subjects: readonly Buffer[]) => store.countSend(subjects, '2030-05-10', 2)
  const refused = { code: 'PHONE_SENDS' }
  for (let sends = 0; sends < 2; sends++) await count(full)
  for (const other of [first, last]) {
    for (let tries = 0; tries < 3; tries++) await expect(count(other, full)).rejects.toMatchObject(refused)
    for (let sends = 0; sends < 2; sends++) await count(other)
    await expect(count(other)).rejects.toMatchObject(refused)
  }
})
