/** go-sendxmpp with OX: signs in by SASL2 with SCRAM bound to the TLS channel, then with tokens (FAST). */
import { randomBytes } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { Fixture } from './fixture.ts'
import { GoSendxmpp } from './go-sendxmpp.ts'
import { expectNothingKept } from './nothing-kept.ts'
import type { Person } from './xmpp-js.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await Fixture.start()
  return () => fixture[Symbol.asyncDispose]()
})

async function client(person: Person): Promise<GoSendxmpp> {
  const { port, caFile } = fixture.sealpost
  return GoSendxmpp.create({ person, port, caFile })
}

/** The first sign-in of an installation proves the password, every other one shows a token that the first was given (XEP-0484). */
const FIRST = 'SCRAM-SHA-256-PLUS'
const LATER = 'HT-SHA-256-EXPR'

test('OX: kill -9 while a message waits; it arrives once, decrypts, and is gone', async () => {
  const { sealpost } = fixture
  const [alice, bob] = [fixture.person(), fixture.person()]
  const [sender, recipient] = [await client(alice), await client(bob)]
  expect((await sender.makeKey()).mechanism).toBe(FIRST)
  expect((await recipient.makeKey()).mechanism).toBe(FIRST)
  const [first, second] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  expect((await sender.sendEncrypted(bob.jid, first)).mechanism).toBe(LATER)
  await expect.poll(() => sealpost.sealedRows()).toBeGreaterThan(0)
  await sealpost.kill()
  await sealpost.restart()
  const listening = recipient.listen()
  await listening.until(() => listening.messages.length > 0, 'the message')
  expect(listening.mechanism).toBe(LATER)
  expect(listening.messages).toEqual([expect.stringContaining(`[OX] ${alice.jid}: ${first}`)])
  await expectNothingKept(sealpost, [alice.jid, first])
  await listening.stop()
  const again = recipient.listen()
  await sender.sendEncrypted(bob.jid, second)
  await again.until(() => again.messages.length > 0, 'the second message')
  expect([...listening.messages, ...again.messages]).toEqual([
    expect.stringContaining(first),
    expect.stringContaining(second),
  ])
  await expectNothingKept(sealpost, [second])
})

test('plaintext is refused with policy-violation and reaches nobody', async () => {
  const [alice, bob] = [fixture.person(), fixture.person()]
  const [sender, recipient] = [await client(alice), await client(bob)]
  await sender.makeKey()
  await recipient.makeKey()
  const [secret, mark] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  const plain = sender.interactive(bob.jid)
  plain.write(`${secret}\n`)
  await plain.until(
    () => /^RECV: .*<message[^>]* type='error'.*<policy-violation/m.test(plain.printed),
    'the refusal',
  )
  const listening = recipient.listen()
  await sender.sendEncrypted(bob.jid, mark)
  await listening.until(() => listening.messages.length > 0, 'the encrypted message behind it')
  expect(listening.messages).toEqual([expect.stringContaining(mark)])
  expect(listening.printed).not.toContain(secret)
  expect(await fixture.sealpost.tablesHolding(secret)).toEqual([])
})
