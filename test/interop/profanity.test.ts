/** profanity with OMEMO. */
import { randomBytes } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { Fixture } from './fixture.ts'
import { expectNothingKept } from './nothing-kept.ts'
import { Profanity } from './profanity.ts'
import type { Person } from './xmpp-js.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await Fixture.start()
  return () => fixture[Symbol.asyncDispose]()
})

async function client(person: Person): Promise<Profanity> {
  const { port, caFile } = fixture.sealpost
  const profanity = await Profanity.create({ person, resource: `profanity.${person.username}`, port, caFile })
  await profanity.start()
  await profanity.logs(/SENT: <auth[^>]* mechanism="SCRAM-SHA-/)
  return profanity
}

/** Each makes its keys and publishes them; then they become contacts of each other, as people do. */
async function befriended(alice: Person, bob: Person): Promise<[Profanity, Profanity]> {
  const clients: [Profanity, Profanity] = [await client(alice), await client(bob)]
  for (const each of clients) {
    await each.type('/omemo gen')
    await each.shows('OMEMO crytographic materials generated')
    await each.logs(/SENT: <iq.*publish node="eu\.siacs\.conversations\.axolotl\.devicelist"/)
  }
  const [hers, his] = clients
  await hers.type(`/sub request ${bob.jid}`)
  await his.logs(/RECV: <presence[^>]* type="subscribe"/)
  await his.type(`/sub allow ${alice.jid}`)
  await his.type(`/sub request ${alice.jid}`)
  await hers.logs(/RECV: <presence[^>]* type="subscribe"/)
  await hers.type(`/sub allow ${bob.jid}`)
  return clients
}

const occurrences = (text: string, part: string): number => text.split(part).length - 1

test('OMEMO: kill -9 while a message waits; it arrives once, decrypts, and is gone', async () => {
  const { sealpost } = fixture
  const [alice, bob] = [fixture.person(), fixture.person()]
  const [hers, his] = await befriended(alice, bob)
  const [live, away] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  await hers.type(`/msg ${bob.jid}`)
  await hers.type('/omemo start')
  await hers.logs(new RegExp(`RECV: <iq.*from="${bob.jid}".*axolotl\\.bundles`))
  await hers.type(live)
  await his.logs(/RECV: <message.*<encrypted/)
  await his.type(`/msg ${alice.jid}`)
  await his.shows(live)
  await expectNothingKept(sealpost) // acknowledged: the row that is waited for below is that of the next message
  await his.quit()
  await hers.type(away)
  await hers.logs(/SENT: <message.*<encrypted/)
  await expect.poll(() => sealpost.sealedRows(), { timeout: 10_000 }).toBeGreaterThan(0)
  await sealpost.kill()
  await sealpost.restart()
  await his.start()
  await his.type(`/msg ${alice.jid}`)
  await his.shows(away)
  expect(occurrences(await his.screen(), away)).toBe(1)
  await expectNothingKept(sealpost, [away])
})

test('plaintext is refused with policy-violation', async () => {
  const [alice, bob] = [fixture.person(), fixture.person()]
  const hers = await client(alice)
  const secret = randomBytes(8).toString('hex')
  await hers.type(`/msg ${bob.jid}`)
  await hers.type(secret)
  await hers.logs(/RECV: <message.*type="error".*<policy-violation/)
  expect(await fixture.sealpost.tablesHolding(secret)).toEqual([])
})
