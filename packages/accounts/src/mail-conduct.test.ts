import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProcessBus } from '@sealpost/bus'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../test/database.ts'
import { createAccounts, type AccountsDomain } from './accounts.ts'
import { createMemoryAccounts } from './memory.ts'

const DAY_MS = 86_400_000

describe.each(['memory', 'postgres'])('mail of accounts, over %s', (kind) => {
  let accounts: AccountsDomain
  const clock = new VirtualClock()
  const stack = new AsyncDisposableStack()
  const ann = parseJid('ann@example.org')
  const bob = parseJid('bob@example.org')

  beforeAll(async () => {
    const parts = { bus: stack.use(createProcessBus()), clock, random: systemRandom }
    if (kind === 'memory') accounts = stack.use(createMemoryAccounts(parts))
    else {
      const { url } = stack.use(await createMigratedDatabase())
      const db = stack.use(await openDb({ url, role: 'sealpost_account' }))
      accounts = stack.use(createAccounts({ db, ...parts }))
    }
    for (const jid of [ann, bob]) await accounts.create(jid, undefined)
  })
  afterAll(() => stack.disposeAsync())

  const idOf = async (jid = ann): Promise<string> => (await accounts.find(jid))?.id ?? ''

  test('a limit is set, changed and taken back', async () => {
    const { mailConduct } = accounts
    expect(await mailConduct.limit(await idOf())).toBeUndefined()
    for (const limit of [50, 0]) {
      await mailConduct.setLimit(ann, limit)
      expect(await mailConduct.limit(await idOf())).toBe(limit)
    }
    expect(await mailConduct.limit(await idOf(bob))).toBeUndefined()
    await mailConduct.setLimit(ann, undefined)
    expect(await mailConduct.limit(await idOf())).toBeUndefined()
    await expect(mailConduct.setLimit(parseJid('nobody@example.org'), 1)).rejects.toMatchObject({
      code: 'ACCOUNT_UNKNOWN',
    })
  })

  test('what was noticed is listed once, newest first, until somebody has looked or a month is over', async () => {
    const { mailConduct } = accounts
    await mailConduct.notice(await idOf(), 'large-files')
    await mailConduct.notice(await idOf(), 'large-files')
    await clock.advance(DAY_MS)
    await mailConduct.notice(await idOf(bob), 'mailbox-bytes')
    await mailConduct.notice('00000000-0000-4000-8000-000000000000', 'large-files')
    expect((await mailConduct.reviews()).map(({ reason, noticedOn }) => [reason, noticedOn])).toEqual([
      ['mailbox-bytes', '2030-01-02'],
      ['large-files', '2030-01-01'],
    ])
    await clock.advance(30 * DAY_MS)
    expect((await mailConduct.reviews()).map(({ accountId }) => accountId)).toEqual([await idOf(bob)])
    await mailConduct.looked(bob)
    expect(await mailConduct.reviews()).toEqual([])
  })
})
