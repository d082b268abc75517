/** profanity with OMEMO, OX and OTR. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { Fixture } from './fixture.ts'
import { Gpg } from './gpg.ts'
import { expectNothingKept } from './nothing-kept.ts'
import { Profanity } from './profanity.ts'
import type { Person } from './xmpp-js.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await Fixture.start()
  return () => fixture[Symbol.asyncDispose]()
})

async function client(person: Person, gpg?: Gpg): Promise<Profanity> {
  const { port, caFile } = fixture.sealpost
  const resource = `profanity.${person.username}`
  const gnupg = gpg === undefined ? {} : { gnupgHome: gpg.home }
  const profanity = await Profanity.create({ person, resource, port, caFile, ...gnupg })
  await profanity.start()
  await profanity.logs(/SENT: <auth[^>]* mechanism="SCRAM-SHA-/)
  return profanity
}

/** They become contacts of each other, as people do. */
async function befriend(hers: Profanity, alice: Person, his: Profanity, bob: Person): Promise<void> {
  await hers.type(`/sub request ${bob.jid}`)
  await his.logs(/RECV: <presence[^>]* type="subscribe"/)
  await his.type(`/sub allow ${alice.jid}`)
  await his.type(`/sub request ${alice.jid}`)
  await hers.logs(/RECV: <presence[^>]* type="subscribe"/)
  await hers.type(`/sub allow ${bob.jid}`)
}

/** Each makes its keys and publishes them before they become contacts. */
async function befriended(alice: Person, bob: Person): Promise<[Profanity, Profanity]> {
  const clients: [Profanity, Profanity] = [await client(alice), await client(bob)]
  for (const each of clients) {
    await each.type('/omemo gen')
    await each.shows('OMEMO crytographic materials generated')
    await each.logs(/SENT: <iq.*publish node="eu\.siacs\.conversations\.axolotl\.devicelist"/)
  }
  await befriend(clients[0], alice, clients[1], bob)
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
  await expect.poll(() => sealpost.sealedRows()).toBeGreaterThan(0)
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

/** A key ring with a key for OX, and what `/ox announce` takes. */
async function oxKey(person: Person): Promise<{ gpg: Gpg; fingerprint: string; file: string }> {
  const gpg = await Gpg.create({})
  onTestFinished(() => gpg[Symbol.asyncDispose]())
  const fingerprint = await gpg.makeKey(`xmpp:${person.jid}`)
  const file = join(gpg.home, 'announce.gpg')
  await gpg.run('--output', file, '--export-options', 'export-minimal', '--export', fingerprint)
  return { gpg, fingerprint, file }
}

test('OX: keys are announced, found and requested; kill -9 while a message waits; it arrives once, decrypts, and is gone', async () => {
  const { sealpost } = fixture
  const [alice, bob] = [fixture.person(), fixture.person()]
  const [herKey, hisKey] = [await oxKey(alice), await oxKey(bob)]
  const [hers, his] = [await client(alice, herKey.gpg), await client(bob, hisKey.gpg)]
  await befriend(hers, alice, his, bob)
  for (const [profanity, key] of [
    [hers, herKey],
    [his, hisKey],
  ] as const) {
    await profanity.type(`/ox announce ${key.file}`)
    await profanity.logs(/SENT: <iq.*publish node="urn:xmpp:openpgp:0:public-keys"/)
  }
  const [live, away] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  for (const [profanity, own, contact, other] of [
    [hers, herKey, bob, hisKey],
    [his, hisKey, alice, herKey],
  ] as const) {
    await profanity.type(`/ox discover ${contact.jid}`)
    await profanity.shows(other.fingerprint)
    await profanity.type(`/ox request ${contact.jid} ${other.fingerprint}`)
    await profanity.shows('Public Key imported')
    await own.gpg.run('--quick-lsign-key', other.fingerprint)
  }
  await hers.type(`/msg ${bob.jid}`)
  await hers.type('/ox start')
  await hers.shows('OX encryption enabled')
  await hers.type(live)
  await his.logs(/RECV: <message.*<openpgp/)
  await his.type(`/msg ${alice.jid}`)
  await his.shows(live)
  await expectNothingKept(sealpost)
  await his.quit()
  await hers.type(away)
  await expect.poll(() => sealpost.sealedRows()).toBeGreaterThan(0)
  await sealpost.kill()
  await sealpost.restart()
  await his.start()
  await his.type(`/msg ${alice.jid}`)
  await his.shows(away)
  expect(occurrences(await his.screen(), away)).toBe(1)
  await expectNothingKept(sealpost, [away])
})

test('OTR: a session is agreed on through the relay, messages decrypt both ways, and nothing is kept', async () => {
  const { sealpost } = fixture
  const [alice, bob] = [fixture.person(), fixture.person()]
  const [hers, his] = [await client(alice), await client(bob)]
  await befriend(hers, alice, his, bob)
  for (const each of [hers, his]) {
    await each.type('/otr gen')
    await each.shows('Private key generation complete')
  }
  await hers.type(`/otr start ${bob.jid}`)
  await his.logs(/RECV: <message.*\?OTR/)
  await his.type(`/msg ${alice.jid}`)
  for (const each of [hers, his]) await each.shows('OTR session started')
  const [there, back] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  await hers.type(there)
  await his.shows(there)
  await his.type(back)
  await hers.shows(back)
  await hers.logs(/SENT: <message.*\?OTR[:|,]/)
  await expectNothingKept(sealpost, [there, back])
})
