/** Poezio, in presence of profanity. */
import { beforeAll, test } from 'vitest'
import { Fixture } from './fixture.ts'
import { Poezio } from './poezio.ts'
import { Profanity } from './profanity.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await Fixture.start()
  return () => fixture[Symbol.asyncDispose]()
})

test('sign-in with SCRAM bound to tls-unique, roster, subscriptions both ways, presence', async () => {
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
  await hers.quit()
  await his.logs(
    new RegExp(
      `RECV: <presence[^>]* type="unavailable"[^>]*|RECV: <presence[^>]*from="${alice.jid}/poezio[^>]*unavailable`,
    ),
  )
})
