/** Gajim with OMEMO, in conversation with profanity. */
import { randomBytes } from 'node:crypto'
import { xml } from '@xmpp/client'
import { beforeAll, expect, test } from 'vitest'
import { Fixture } from './fixture.ts'
import { Gajim } from './gajim.ts'
import { expectNothingKept } from './nothing-kept.ts'
import { Profanity } from './profanity.ts'
import type { Person } from './xmpp-js.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await Fixture.start()
  return () => fixture[Symbol.asyncDispose]()
})

/** Each sees the presence of the other from the first sign-in on, as after a move from another client, which left no device behind. */
async function befriend(one: Person, other: Person): Promise<void> {
  const devices = [
    await fixture.online(fixture.device(one, 'old', true)),
    await fixture.online(fixture.device(other, 'old', true)),
  ]
  for (const [index, device] of devices.entries()) {
    const to = index === 0 ? other.jid : one.jid
    for (const type of ['subscribed', 'subscribe']) await device.client.send(xml('presence', { to, type }))
  }
  for (const device of devices) {
    await device.ping()
    await device.leave()
  }
}

test('OMEMO both ways, and after a kill -9 while a message waits', async () => {
  const { sealpost } = fixture
  const { port, caFile } = sealpost
  const [alice, bob] = [fixture.person(), fixture.person()]
  await befriend(alice, bob)
  const hers = await Profanity.create({ person: alice, resource: 'profanity', port, caFile })
  await hers.start()
  await hers.type('/omemo gen')
  await hers.logs(/SENT: <iq.*publish node="eu\.siacs\.conversations\.axolotl\.devicelist"/)
  await using gajim = await Gajim.create({ person: bob, contact: alice.jid, port, caFile })
  gajim.start()
  await hers.logs(new RegExp(`RECV: <message.*from="${bob.jid}".*axolotl\\.devicelist`))
  await hers.type(`/msg ${bob.jid}`)
  await hers.type('/omemo start')
  await hers.logs(new RegExp(`RECV: <iq.*from="${bob.jid}".*axolotl\\.bundles`))
  const [there, back, away] = Array.from({ length: 3 }, () => randomBytes(8).toString('hex'))
  await hers.type(there ?? '')
  await gajim.until(() => gajim.received().includes(there ?? ''), 'the message')
  await gajim.until(() => gajim.send(alice.jid, back ?? ''), 'sending')
  await hers.shows(back ?? '')
  await expectNothingKept(sealpost, [there ?? '', back ?? ''])

  await gajim.end()
  await hers.type(away ?? '')
  await expect.poll(() => sealpost.sealedRows()).toBeGreaterThan(0)
  await sealpost.kill()
  await sealpost.restart()
  gajim.start()
  await gajim.until(() => gajim.received().includes(away ?? ''), 'the message that waited')
  expect(gajim.received()).toEqual([there, away])
  await expectNothingKept(sealpost, [away ?? ''])
})
