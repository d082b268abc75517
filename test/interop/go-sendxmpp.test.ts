/**
 * go-sendxmpp with OX. Debian's version (0.5.6) cannot do SCRAM: it signs in with PLAIN inside TLS, and it ends itself when it is asked
 * an IQ without `<query/>`.
 */
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

const occurrences = (text: string, part: string): number => text.split(part).length - 1

test('OX: kill -9 while a message waits; it arrives once, decrypts, and is gone', async () => {
  const { sealpost } = fixture
  const [alice, bob] = [fixture.person(), fixture.person()]
  const [sender, recipient] = [await client(alice), await client(bob)]
  await sender.makeKey()
  await recipient.makeKey()
  const [first, second] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  await sender.sendEncrypted(bob.jid, first)
  await sealpost.kill()
  await sealpost.restart()
  const listening = recipient.listen()
  await listening.until(() => listening.output.includes(first), 'the message')
  expect(listening.output).toContain(`[OX] ${alice.jid}: ${first}`)
  await expectNothingKept(sealpost, [alice.jid, first])
  await listening.stop()
  const again = recipient.listen()
  await sender.sendEncrypted(bob.jid, second)
  await again.until(() => again.output.includes(second), 'the second message')
  expect(occurrences(listening.output + again.output, first)).toBe(1)
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
  await plain.until(() => plain.debug.includes('<policy-violation'), 'the refusal')
  const listening = recipient.listen()
  await sender.sendEncrypted(bob.jid, mark)
  await listening.until(() => listening.output.includes(mark), 'the encrypted message behind it')
  expect(listening.output + listening.debug).not.toContain(secret)
  expect(await fixture.sealpost.tablesHolding(secret)).toEqual([])
})
