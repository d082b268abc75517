/** mcabber with OTR: it knows no SCRAM, and signs in by PLAIN with an app password (docs/decisions/0052-plain-for-app-passwords.md). */
import { randomBytes } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { Fixture } from './fixture.ts'
import { Mcabber } from './mcabber.ts'
import { expectNothingKept } from './nothing-kept.ts'
import { Profanity } from './profanity.ts'
import type { Person } from './xmpp-js.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await Fixture.start({ environment: { XMPP_PLAIN: 'app-passwords' } })
  return () => fixture[Symbol.asyncDispose]()
})

/** As the owner of an account makes one on its page. */
async function appPassword({ jid, password }: Person): Promise<{ login: string; password: string }> {
  const authorization = `Basic ${Buffer.from(`${jid}:${password}`).toString('base64')}`
  const answer = await fetch(`https://localhost:${fixture.sealpost.httpsPort}/v1/me/app-passwords`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'mcabber', scopes: ['chat'] }),
  })
  expect(answer.status).toBe(201)
  return (await answer.json()) as { login: string; password: string }
}

async function mcabber(credentials: { login: string; password: string }): Promise<Mcabber> {
  const { port, caFile } = fixture.sealpost
  const client = await Mcabber.create({ ...credentials, port, caFile })
  await client.start()
  return client
}

async function profanity(person: Person): Promise<Profanity> {
  const { port, caFile } = fixture.sealpost
  const client = await Profanity.create({ person, resource: 'profanity', port, caFile })
  await client.start()
  return client
}

test('OTR with profanity: signed in with an app password, a message each way, and nothing is kept', async () => {
  const { sealpost } = fixture
  const [alice, bob] = [fixture.person(), fixture.person()]
  const hers = await mcabber(await appPassword(alice))
  const his = await profanity(bob)
  await hers.traces(/SASL authentication successful/)
  await hers.type(`/add ${bob.jid}`)
  await his.logs(/RECV: <presence[^>]* type="subscribe"/)
  await his.type(`/sub allow ${alice.jid}`)
  await his.type(`/sub request ${alice.jid}`)
  await hers.traces(/wants to subscribe/)
  await hers.type('/event * accept')
  await his.type('/otr gen')
  await his.shows('Private key generation complete')
  await hers.type(`/otr start ${bob.jid}`)
  await his.logs(/RECV: <message.*\?OTR/)
  await his.type(`/msg ${alice.jid}`)
  await his.shows('OTR session started')
  const [there, back] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  await hers.type(`/say_to ${bob.jid} ${there}`)
  await his.shows(there)
  await his.type(back)
  await hers.shows(`#[o] ${bob.jid}`) // unread
  await hers.type('/roster unread_first')
  await hers.type('') // opens it
  await hers.shows(back)
  await his.logs(/SENT: <message.*\?OTR[:|,]/)
  await expectNothingKept(sealpost, [there, back])
})

test('the account’s own password is refused', async () => {
  const { jid, password } = fixture.person()
  const client = await mcabber({ login: jid, password })
  await client.traces(/SASL authentication failed[^]*Authentication failed/)
})
