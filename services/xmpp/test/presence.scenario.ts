import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { arrive, befriend, condition, isPresence, settle } from './friends.ts'
import type { TestClient } from './client.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

let made = 0

/** Accounts of their own for one test, arrived. */
async function cast<N extends string>(...names: readonly N[]): Promise<Record<N, TestClient>> {
  made++
  const people = {} as Record<N, TestClient>
  for (const name of names) {
    people[name] = await relay.client(`${name}${made}`, { resource: 'one' })
    await arrive(people[name])
  }
  return people
}

async function another(client: TestClient, resource: string): Promise<TestClient> {
  return relay.client(client.bare.split('@')[0] ?? '', { resource })
}

async function refusal(client: TestClient): Promise<string> {
  return condition(await client.next((each) => each.name === 'presence' && each.attrs['type'] === 'error'))
}

describe('RFC 6121 §4: presence', () => {
  test('§4.2: initial presence reaches contacts and own resources, which answer in kind', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    const phone = await another(alice, 'phone')
    phone.sends(`<presence><show>chat</show><priority>3</priority></presence>`)
    const shown = (to: string) =>
      `<presence from='${phone.jid}' to='${to}'><show>chat</show><priority>3</priority></presence>`
    await phone.receives(shown(phone.jid))
    await alice.receives(shown(alice.jid))
    await bob.receives(shown(bob.jid))
    await phone.receives(`<presence from='${alice.jid}' to='${phone.jid}'/>`)
    await phone.receives(`<presence from='${bob.jid}' to='${phone.jid}'/>`)
    await settle(phone, alice, bob)
  })

  test('§4.4: an update is broadcast, and does not ask again for what is known', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    alice.sends(`<presence><show>away</show><x xmlns='urn:x'>&lt;a/&gt;</x></presence>`)
    const content = `<show>away</show><x xmlns='urn:x'>&lt;a/&gt;</x>`
    await bob.receives(`<presence from='${alice.jid}' to='${bob.jid}'>${content}</presence>`)
    await alice.receives(`<presence from='${alice.jid}' to='${alice.jid}'>${content}</presence>`)
    await alice.receivesNothing()
  })

  test('§4.5: unavailable reaches contacts and own resources once', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    const phone = await another(alice, 'phone')
    await phone.available()
    await settle(alice, bob, phone)
    phone.sends(`<presence type='unavailable'><status>gone home</status></presence>`)
    const shown = (to: string) =>
      `<presence type='unavailable' from='${phone.jid}' to='${to}'><status>gone home</status></presence>`
    await bob.receives(shown(bob.jid))
    await alice.receives(shown(alice.jid))
    await phone.close()
    await bob.receivesNothing()
  })

  test.each(['close', 'drop'] as const)('§4.5.2: a session that ends by %s is seen to leave', async (how) => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    await alice[how]()
    await bob.receives(`<presence type='unavailable' from='${alice.jid}' to='${bob.jid}'/>`)
  })

  test('XEP-0198 §5: the presence of a hibernated session stays', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    await alice.enableStreamManagement()
    await alice.drop()
    await bob.receivesNothing()
    const late = await another(bob, 'late')
    await late.available()
    await late.next((each) => isPresence(each, undefined, alice.jid))
  })

  test('strangers see nothing, and get no answer to a probe', async () => {
    const { alice, eve } = await cast('alice', 'eve')
    eve.sends(`<presence type='probe' to='${alice.bare}'/>`)
    eve.sends(`<presence type='probe' to='nobody@localhost'/>`)
    alice.sends('<presence><show>away</show></presence>')
    await alice.ping()
    await eve.receivesNothing()
  })

  test('§4.3: a subscriber may probe', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    alice.sends(`<presence type='probe' to='${bob.bare}'/>`)
    await alice.receives(`<presence from='${bob.jid}' to='${alice.jid}'/>`)
    await bob.close()
    await alice.next((each) => isPresence(each, 'unavailable', bob.jid))
    alice.sends(`<presence type='probe' to='${bob.bare}'/>`)
    await alice.receives(`<presence type='unavailable' from='${bob.bare}' to='${alice.jid}'/>`)
  })

  test('§4.7.2.3: the priority decides who gets messages; bad ones are refused and change nothing', async () => {
    const { alice } = await cast('alice')
    for (const bad of ['128', '-129', 'x', '']) {
      alice.sends(`<presence><priority>${bad}</priority></presence>`)
      expect(await refusal(alice)).toBe('bad-request')
    }
    alice.sends('<presence><priority>-128</priority></presence>')
    await alice.next((each) => isPresence(each, undefined, alice.jid))
  })

  test('presence that is too big is refused', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    alice.sends(`<presence><status>${'x'.repeat(20_000)}</status></presence>`)
    expect(await refusal(alice)).toBe('policy-violation')
    await bob.receivesNothing()
  })

  test('a storm of presence is refused after a burst, and leaving never is', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    for (let index = 0; index < 300; index++) alice.sends('<presence/>')
    await alice.ping()
    const refused = alice.inbox.filter((each) => each.attrs['type'] === 'error')
    expect(refused.length).toBeGreaterThan(150)
    expect(refused.map(condition)).toContain('resource-constraint')
    alice.sends(`<presence type='unavailable'/>`)
    await bob.next((each) => isPresence(each, 'unavailable', alice.jid))
  })
})

describe('RFC 6121 §4.6: directed presence', () => {
  test('reaches one resource, or all of a bare JID, and is taken back when the session ends', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    const phone = await another(bob, 'phone')
    await phone.available()
    await settle(alice, bob, phone)
    alice.sends(`<presence to='${phone.jid}'><show>chat</show></presence>`)
    await phone.receives(`<presence from='${alice.jid}' to='${phone.jid}'><show>chat</show></presence>`)
    await bob.receivesNothing()
    alice.sends(`<presence to='${bob.bare}'/>`)
    for (const each of [bob, phone]) await each.receives(`<presence from='${alice.jid}' to='${bob.bare}'/>`)
    alice.sends('<presence><show>away</show></presence>') // §4.6.3: updates do not go there
    await alice.ping()
    await bob.receivesNothing()
    await alice.drop()
    await phone.receives(`<presence type='unavailable' from='${alice.jid}' to='${phone.jid}'/>`)
    for (const each of [bob, phone]) {
      await each.receives(`<presence type='unavailable' from='${alice.jid}' to='${bob.bare}'/>`)
    }
  })

  test('is possible without initial presence, and can be taken back by hand', async () => {
    const { bob } = await cast('bob')
    const shy = await relay.client(`shy${made}`)
    shy.sends(`<presence to='${bob.jid}'/>`)
    await bob.receives(`<presence from='${shy.jid}' to='${bob.jid}'/>`)
    shy.sends(`<presence type='unavailable' to='${bob.jid}'/>`)
    await bob.receives(`<presence type='unavailable' from='${shy.jid}' to='${bob.jid}'/>`)
    await shy.close()
    await bob.receivesNothing()
  })

  test('goes to a bounded number of addresses', async () => {
    const { alice } = await cast('alice')
    for (let index = 0; index < 64; index++) alice.sends(`<presence to='n${index}@localhost'/>`)
    await alice.receivesNothing()
    alice.sends(`<presence to='n64@localhost'/>`)
    expect(await refusal(alice)).toBe('resource-constraint')
    alice.sends(`<presence to='n0@localhost'/>`)
    alice.sends(`<presence to='n1@localhost' type='unavailable'/>`)
    alice.sends(`<presence to='n64@localhost'/>`)
    await alice.receivesNothing()
  })

  test('to a subscriber it goes out once more at the end only as the broadcast', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    alice.sends(`<presence to='${bob.jid}'><show>dnd</show></presence>`)
    await bob.next((each) => isPresence(each, undefined, alice.jid))
    await alice.close()
    await bob.next((each) => isPresence(each, 'unavailable', alice.jid))
    await bob.receivesNothing()
  })

  test('to another domain it is refused', async () => {
    const { alice } = await cast('alice')
    alice.sends(`<presence to='room@elsewhere.example/nick'/>`)
    expect(await refusal(alice)).toBe('remote-server-not-found')
  })
})
