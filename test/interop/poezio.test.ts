/** Poezio, in presence of profanity. */
import { randomBytes } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { Fixture } from './fixture.ts'
import { expectNothingKept } from './nothing-kept.ts'
import { Poezio } from './poezio.ts'
import { Profanity } from './profanity.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await Fixture.start()
  return () => fixture[Symbol.asyncDispose]()
})

test('without encryption of its own: sign-in with SCRAM bound to tls-unique, roster, subscriptions both ways, presence; an offer of OTR arrives, and what it says in clear is refused', async () => {
  const { port, caFile } = fixture.sealpost
  const [alice, bob] = [fixture.person(), fixture.person()]
  const hers = await Poezio.create({ person: alice, port, caFile })
  await hers.start()
  const his = await Profanity.create({ person: bob, resource: 'profanity', port, caFile })
  await his.start()
  await hers.type(`/add ${bob.jid}`)
  await his.logs(/RECV: <presence[^>]* type="subscribe"/)
  await his.type(`/sub allow ${alice.jid}`)
  await his.type(`/sub request ${alice.jid}`) // adding said already that it may
  await his.logs(/RECV: <presence[^>]* type="subscribed"/)
  await his.logs(new RegExp(`RECV: <presence[^>]* from="${alice.jid}/poezio`))
  await hers.shows(`${bob.jid} (1)`) // there with one resource
  const [there, back] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  await his.type('/otr gen')
  await his.shows('Private key generation complete')
  await his.type(`/otr start ${alice.jid}`)
  await hers.type(`/message ${bob.jid}`)
  await hers.shows('?OTR?v2?') // what asks for a session passes, and is all that it is shown
  await hers.type(there)
  await hers.shows('takes end-to-end encrypted messages only')
  await his.type(`/msg ${alice.jid} ${back}`)
  await his.logs(/RECV: <message.*type="error".*<policy-violation/)
  expect(await his.screen()).not.toContain(there)
  expect(await hers.screen()).not.toContain(back)
  await expectNothingKept(fixture.sealpost, [there, back])
  await hers.quit()
  await his.logs(
    new RegExp(
      `RECV: <presence[^>]* type="unavailable"[^>]*|RECV: <presence[^>]*from="${alice.jid}/poezio[^>]*unavailable`,
    ),
  )
})
