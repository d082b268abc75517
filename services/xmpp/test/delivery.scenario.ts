import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'

let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

describe('delivery', () => {
  test('a message between two who are here arrives with the sender stamped', async () => {
    const alice = await relay.client('alice')
    const bob = await relay.client('bob')
    await alice.available()
    await bob.available()
    alice.sends(omemo(bob.bare, 'm1'))
    const message = await bob.message()
    expect(message.attrs).toMatchObject({ id: 'm1', from: alice.jid, to: bob.bare, type: 'chat' })
  })

  test('a message waits for one who is away, arrives once with its delay, and is gone', async () => {
    const alice = await relay.client('alice')
    await relay.account('carol')
    await alice.enableStreamManagement()
    alice.sends(omemo('carol@localhost', 'm2'))
    await alice.safeUpTo(1)
    const carol = await relay.client('carol')
    await carol.enableStreamManagement()
    await carol.available()
    const message = await carol.message()
    expect(message.attrs['id']).toBe('m2')
    expect(message.child('delay', 'urn:xmpp:delay')?.attrs['from']).toBe('localhost')
    await carol.ping()
    await carol.close()
    const again = await relay.client('carol')
    await again.available()
    await again.receivesNothing()
  })

  test('plaintext is refused with policy-violation', async () => {
    const alice = await relay.client('alice')
    alice.sends(`<message to='bob@localhost' type='chat' id='p1'><body>hello</body></message>`)
    await alice.receives(
      `<message type='error' id='p1' {any}><error type='modify'><policy-violation {any}/>{any}</error></message>`,
    )
  })
})
