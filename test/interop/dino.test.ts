/** Dino with OMEMO, written to by profanity. */
import { randomBytes } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { Dino } from './dino.ts'
import { Fixture } from './fixture.ts'
import { expectNothingKept } from './nothing-kept.ts'
import { Profanity } from './profanity.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await Fixture.start()
  return () => fixture[Symbol.asyncDispose]()
})

test('sign-in and published keys; OMEMO messages decrypt, live and after a kill -9 while one waits', async () => {
  const { sealpost } = fixture
  const { port, caFile } = sealpost
  const [alice, bob] = [fixture.person(), fixture.person()]
  await using dino = await Dino.create({ person: bob, port, caFile })
  await dino.start()
  const hers = await Profanity.create({ person: alice, resource: 'profanity', port, caFile })
  await hers.start()
  await hers.type('/omemo gen')
  await hers.logs(/SENT: <iq.*publish node="eu\.siacs\.conversations\.axolotl\.devicelist"/)
  await expect
    .poll(() => sealpost.tablesHolding('eu.siacs.conversations.axolotl.bundles:'), { timeout: 30_000 })
    .not.toEqual([])
  await hers.type(`/msg ${bob.jid}`)
  await hers.type('/omemo start')
  await hers.logs(new RegExp(`RECV: <iq.*from="${bob.jid}".*axolotl\\.bundles`))
  const [live, away] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  await hers.type(live)
  await dino.until(() => dino.received().includes(live), 'the message')
  await expectNothingKept(sealpost, [live])

  await dino.end()
  await hers.type(away)
  await expect.poll(() => sealpost.sealedRows()).toBeGreaterThan(0)
  await sealpost.kill()
  await sealpost.restart()
  await dino.start()
  await dino.until(() => dino.received().includes(away), 'the message that waited')
  expect(dino.received()).toEqual([live, away])
  await expectNothingKept(sealpost, [away])
})
