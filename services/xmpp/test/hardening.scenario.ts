/** R25: what a hostile client sends over an established session. It costs a bounded time and memory, and reaches nobody. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestClient } from './client.ts'
import { condition } from './friends.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'

const KiB = 1024
const MiB = 1024 * KiB

let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

describe('R25: a forged sender', () => {
  const forged = [
    ['of somebody else', 'bob@localhost'],
    ['of somebody else, with a resource', 'bob@localhost/phone'],
    ['of another resource of its own', 'mallory@localhost/other'],
    ['of the server', 'localhost'],
    ['of another domain', 'mallory@example.org'],
    ['that is none', '@'],
    ['that is empty', ''],
  ] as const
  const stanzas = [
    [
      'message',
      (from: string) => omemo('bob@localhost', 'm').replace('<message ', `<message from='${from}' `),
    ],
    ['presence', (from: string) => `<presence from='${from}'/>`],
    ['subscription', (from: string) => `<presence type='subscribed' to='bob@localhost' from='${from}'/>`],
    ['iq', (from: string) => `<iq type='get' id='q' from='${from}'><ping xmlns='urn:xmpp:ping'/></iq>`],
    ['answer', (from: string) => `<iq type='result' id='q' to='bob@localhost/phone' from='${from}'/>`],
  ] as const

  test.each(forged)('%s: invalid-from, and it reaches nobody', async (_what, from) => {
    const bob = await relay.client('bob', { resource: 'phone' })
    await bob.available()
    for (const [what, stanza] of stanzas) {
      const mallory = await relay.client('mallory', { resource: 'own' })
      const previd = await mallory.enableStreamManagement()
      mallory.sendRaw(stanza(from) + omemo('bob@localhost', 'after'))
      expect(`${what}: ${await mallory.streamError()}`).toBe(`${what}: invalid-from`)
      await mallory.ended()
      const again = await TestClient.connect({ port: relay.port })
      await again.authenticate({ port: relay.port, username: 'mallory', password: 'secret' })
      expect((await again.resume(previd ?? '', mallory)).name).toBe('resumed') // the account is not its stream
      await again.close()
    }
    await bob.receivesNothing()
    await bob.close()
  })

  test('its own address, bare or full, in any case, is stamped with the full one', async () => {
    const bob = await relay.client('bob', { resource: 'phone' })
    await bob.available()
    const mallory = await relay.client('mallory', { resource: 'own' })
    for (const from of ['mallory@localhost', 'MALLORY@LOCALHOST', 'mallory@localhost/own']) {
      mallory.sendRaw(omemo(bob.bare, 'm').replace('<message ', `<message from='${from}' `))
      expect((await bob.message()).attrs['from']).toBe('mallory@localhost/own')
    }
    await mallory.close()
    await bob.close()
  })
})

/** Each fits the 256 KiB of a stanza, or says so. */
const bombs: readonly (readonly [string, () => string, string])[] = [
  [
    'deep',
    () => `<iq id='b' type='get'>${'<a>'.repeat(40_000)}${'</a>'.repeat(40_000)}</iq>`,
    'policy-violation',
  ],
  ['deep, without an end', () => '<a>'.repeat(100_000), 'policy-violation'],
  ['wide', () => `<iq id='b' type='get'>${'<a/>'.repeat(60_000)}</iq>`, 'policy-violation'],
  [
    'wide, with a namespace each',
    () => `<iq id='b'>${`<a xmlns='u'/>`.repeat(17_000)}</iq>`,
    'policy-violation',
  ],
  ['one attribute without end', () => `<iq id='${'a'.repeat(4 * MiB)}`, 'policy-violation'],
  ['a text without end', () => `<message><body>${'a'.repeat(4 * MiB)}`, 'policy-violation'],
  ['a name without end', () => `<${'a'.repeat(4 * MiB)}`, 'policy-violation'],
  [
    'many attributes',
    () => `<iq id='b' ${Array.from({ length: 10_000 }, (_, index) => `a${index}=''`).join(' ')}/>`,
    'policy-violation',
  ],
  [
    'many namespaces',
    () => `<iq id='b' ${Array.from({ length: 5_000 }, (_, index) => `xmlns:a${index}='urn:a'`).join(' ')}/>`,
    'policy-violation',
  ],
  ['an attribute twice', () => `<iq id='b' id='c'/>`, 'not-well-formed'],
  ['an entity that nobody declared', () => `<iq id='b'>${'&lol9;'.repeat(1_000)}</iq>`, 'restricted-xml'],
  [
    'entities declared inside',
    () => `<!DOCTYPE iq [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><iq id='b'>&b;</iq>`,
    'restricted-xml',
  ],
  ['an external entity', () => `<!DOCTYPE iq SYSTEM 'file:///etc/passwd'><iq/>`, 'restricted-xml'],
  ['a character reference to nothing', () => `<iq id='&#0;'/>`, 'not-well-formed'],
  ['CDATA without end', () => `<message><body><![CDATA[${'a'.repeat(4 * MiB)}`, 'policy-violation'],
]

describe('R25: bombs', () => {
  test.each(bombs)(
    '%s: the stream ends at once, in bounded memory',
    { timeout: 60_000 },
    async (_what, make, expected) => {
      const bystander = await relay.client('bystander')
      const warm = await relay.client('mallory')
      await warm.close()
      const xml = make()
      const before = process.memoryUsage.rss()
      const started = performance.now()
      for (let round = 0; round < 5; round++) {
        const mallory = await relay.client('mallory')
        mallory.sendRaw(xml)
        expect(await mallory.streamError()).toBe(expected)
        await mallory.ended()
        await bystander.ping()
      }
      expect(performance.now() - started).toBeLessThan(50_000)
      // What the client had written and the server did not take is in it: 5 times.
      expect(process.memoryUsage.rss() - before).toBeLessThan(48 * MiB + 10 * xml.length)
      await bystander.close()
    },
  )

  test.each([
    [
      'a huge attribute',
      () => `<iq id='b' type='get'><q xmlns='urn:q' a='${'a'.repeat(250_000)}'/></iq>`,
      'service-unavailable',
    ],
    [
      'a huge namespace',
      () => `<iq id='b' type='get'><q xmlns='urn:${'q'.repeat(250_000)}'/></iq>`,
      'service-unavailable',
    ],
    [
      'many character references',
      () => `<iq id='b' type='get'><q xmlns='urn:q'>${'&#x41;'.repeat(40_000)}</q></iq>`,
      'service-unavailable',
    ],
  ])(
    '%s, within the bounds of a stanza: one error, and the event loop goes on',
    async (_what, make, expected) => {
      const mallory = await relay.client('mallory')
      const xml = make()
      expect(xml.length).toBeLessThan(262_144)
      const before = process.memoryUsage.rss()
      const started = performance.now()
      for (let round = 0; round < 20; round++) {
        mallory.sendRaw(xml)
        const answer = await mallory.next(({ name }) => name === 'iq')
        expect(condition(answer)).toBe(expected)
      }
      expect((performance.now() - started) / 20).toBeLessThan(500)
      expect(process.memoryUsage.rss() - before).toBeLessThan(128 * MiB)
      await mallory.close()
    },
  )

  test(
    'many tiny stanzas: each is answered, nobody waits long, and little is held',
    { timeout: 60_000 },
    async () => {
      const COUNT = 15_000
      const mallory = await relay.client('mallory')
      const bystander = await relay.client('bystander')
      const before = process.memoryUsage.rss()
      mallory.sendRaw('<iq/>'.repeat(COUNT))
      let longest = 0
      let waiting = true
      const answered = (async () => {
        for (let count = 0; count < COUNT; count++) await mallory.next(({ name }) => name === 'iq', 30_000)
        waiting = false
      })()
      const isWaiting = () => waiting
      while (isWaiting()) {
        const asked = performance.now()
        await bystander.ping()
        longest = Math.max(longest, performance.now() - asked)
      }
      await answered
      process.stdout.write(`${COUNT} empty requests: nobody waited longer than ${longest.toFixed(0)} ms\n`)
      expect(longest).toBeLessThan(15_000)
      expect(process.memoryUsage.rss() - before).toBeLessThan(192 * MiB)
      await mallory.close()
      await bystander.close()
    },
  )
})

describe('R25: what only a server may say', () => {
  const SID = 'urn:xmpp:sid:0'
  const forward = (from: string) =>
    `<forwarded xmlns='urn:xmpp:forward:0'>${omemo('bob@localhost', 'inner').replace(
      '<message ',
      `<message xmlns='jabber:client' from='${from}' `,
    )}</forwarded>`
  const send = async (inner: string) => {
    const bob = await relay.client('bob', { resource: 'phone' })
    await bob.available()
    const mallory = await relay.client('mallory', { resource: 'own' })
    mallory.sendRaw(omemo('bob@localhost', 'outer').replace('<store ', `${inner}<store `))
    const received = await bob.message()
    await mallory.close()
    await bob.close()
    return received
  }

  test.each(['localhost', 'bob@localhost', 'mallory@localhost', 'elsewhere.example'])(
    'a stanza-id by %s is taken off (XEP-0359 §6)',
    async (by) => {
      const received = await send(
        `<stanza-id xmlns='${SID}' id='x' by='${by}'/><origin-id xmlns='${SID}' id='o'/>`,
      )
      expect(received.child('stanza-id', SID)).toBeUndefined()
      expect(received.child('origin-id', SID)?.attrs['id']).toBe('o')
    },
  )

  test.each(['localhost', 'bob@localhost'])('a delay from %s is taken off (XEP-0203 §4)', async (from) => {
    const received = await send(`<delay xmlns='urn:xmpp:delay' from='${from}' stamp='2020-01-01T00:00:00Z'/>`)
    expect(received.child('delay', 'urn:xmpp:delay')).toBeUndefined()
  })

  test.each([
    [
      'carbon',
      'urn:xmpp:carbons:2',
      (kind: string) => `<${kind} xmlns='urn:xmpp:carbons:2'>${forward('bob@localhost/other')}</${kind}>`,
    ],
    [
      'result of MAM',
      'urn:xmpp:mam:2',
      () => `<result xmlns='urn:xmpp:mam:2' id='1'>${forward('carol@localhost')}</result>`,
    ],
  ] as const)('a forged %s does not come through', async (_what, namespace, make) => {
    for (const kind of ['received', 'sent']) {
      const received = await send(make(kind))
      expect(received.attrs).toMatchObject({ id: 'outer', from: 'mallory@localhost/own' })
      expect(received.elements().filter(({ ns }) => ns === namespace || ns === 'urn:xmpp:forward:0')).toEqual(
        [],
      )
    }
  })

  test('a carbon alone, without ciphertext beside it, is refused', async () => {
    const bob = await relay.client('bob', { resource: 'phone' })
    await bob.available()
    const mallory = await relay.client('mallory', { resource: 'own' })
    mallory.sendRaw(
      `<message to='bob@localhost' id='c'><received xmlns='urn:xmpp:carbons:2'>${forward('bob@localhost/other')}</received></message>`,
    )
    expect(condition(await mallory.message())).toBe('policy-violation')
    await bob.receivesNothing()
    await mallory.close()
    await bob.close()
  })
})
