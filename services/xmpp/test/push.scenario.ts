/** XEP-0357: a device that is away is woken by its push service, once, and told nothing; the push service is a component of ours. */
import { openDb, sql } from '@sealpost/db'
import type { Element } from '@sealpost/stanza'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parseJid } from '@sealpost/jid'
import { TestClient } from './client.ts'
import type { TestComponent } from './component.ts'
import { condition } from './friends.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'

const PUSH = 'push.localhost'
const AWAY = 'away.localhost'
/** No spread: devices are woken in the order of their messages. */
const wakeUps = {
  delayMs: 20,
  spreadMs: 0,
  silentMs: 3_000,
  againMs: 400,
  restartSpreadMs: 20,
  retryMs: 1_000, // one device is woken ten times at once, and then once a minute
  triesMax: 10_000,
}
const enableXml = (node: string, jid = PUSH, form = '') =>
  `<enable xmlns='urn:xmpp:push:0' jid='${jid}' node='${node}'>${form}</enable>`
const OPTIONS =
  `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>` +
  `<field var='secret'><value>s3cret</value></field></x>`

let relay: RelayFixture
let push: TestComponent
let sender: TestClient
beforeAll(async () => {
  relay = await startRelay(
    { components: { domains: [PUSH, AWAY], port: 0, networks: { include: () => true }, secretsDir: '' } },
    { wakeUps },
  )
  push = await relay.component(PUSH)
  sender = await relay.client('sender')
  await sender.available()
})
afterAll(() => relay[Symbol.asyncDispose]())
afterEach(() => {
  push.inbox.length = 0
})

/** A device with a queue of its own that is here and has enabled push for a node of its name. */
async function device(name: string, node = name, form = '', resource = 'phone'): Promise<TestClient> {
  await (await relay.client(name, { resource })).close()
  const client = await relay.client(name, { resource })
  const answer = await client.request('set', enableXml(node, PUSH, form))
  expect(answer.attrs['type']).toBe('result')
  await client.available()
  return client
}

const nodeOf = (iq: Element) => iq.elements()[0]?.elements()[0]?.attrs['node']
const woken = (node: string) => push.next((iq) => nodeOf(iq) === node)
let canaries = 0
/** Whatever messages were to cause has come: somebody written to after them was woken. */
async function caught(): Promise<void> {
  const name = `canary${++canaries}`
  await (await device(name)).close()
  await writesTo(name)
  push.answer(await woken(name))
  await push.request('get', `<ping xmlns='urn:xmpp:ping'/>`, 'localhost')
}
const writesTo = async (name: string, xml = omemo(`${name}@localhost`, 'm')) => {
  sender.sends(xml)
  await sender.ping()
}

describe('XEP-0357 §5 and §6: enabling and disabling', () => {
  test('§4.1: the account has the feature', async () => {
    const info = await sender.request(
      'get',
      `<query xmlns='http://jabber.org/protocol/disco#info'/>`,
      sender.bare,
    )
    expect(String(info)).toContain(`var='urn:xmpp:push:0'`)
  })

  test.each([
    [`<enable xmlns='urn:xmpp:push:0' node='n'/>`, 'bad-request'],
    [enableXml('n', '@'), 'jid-malformed'],
    [enableXml('n', 'localhost'), 'not-acceptable'],
    [enableXml('n', 'victim@localhost'), 'not-acceptable'],
    [enableXml('n', 'sender@localhost/phone'), 'not-acceptable'],
    [enableXml('n', 'push.elsewhere.example'), 'remote-server-not-found'],
    [enableXml('n'.repeat(5_000)), 'not-acceptable'],
    [enableXml('n', PUSH, `<x xmlns='jabber:x:data'><field var='a'/></x>`), 'bad-request'],
    [enableXml('n', PUSH, OPTIONS.replace('publish-options', 'node_config')), 'bad-request'],
    [`<disable xmlns='urn:xmpp:push:0'/>`, 'bad-request'],
  ])('%s is refused', async (xml, error) => {
    expect(condition(await sender.request('set', xml))).toBe(error)
  })

  test('nobody enables it for somebody else', async () => {
    await relay.account('victim')
    expect(condition(await sender.request('set', enableXml('n'), 'victim@localhost'))).toBe(
      'service-unavailable',
    )
  })

  test('a device has few push services', async () => {
    const client = await relay.client('many', { resource: 'phone' })
    for (const part of ['a', 'b', 'c'])
      expect((await client.request('set', enableXml('n', `${part}@${PUSH}`))).attrs['type']).toBe('result')
    expect(condition(await client.request('set', enableXml('n', `d@${PUSH}`)))).toBe('resource-constraint')
    await client.request('set', `<disable xmlns='urn:xmpp:push:0' jid='a@${PUSH}'/>`)
    expect((await client.request('set', enableXml('n', `d@${PUSH}`))).attrs['type']).toBe('result')
    await client.close()
  })

  test('§6: a node, or all of a service, is not asked any more', async () => {
    for (const [name, xml] of [
      ['off1', `<disable xmlns='urn:xmpp:push:0' jid='${PUSH}' node='off1'/>`],
      ['off2', `<disable xmlns='urn:xmpp:push:0' jid='${PUSH}'/>`],
    ] as const) {
      const client = await device(name)
      await client.request('set', `<disable xmlns='urn:xmpp:push:0' jid='${PUSH}' node='another'/>`)
      await client.request('set', xml)
      await client.close()
      await writesTo(name)
    }
    await caught()
    expect(push.inbox).toEqual([])
  })

  test('the database does not show which service wakes whom', async () => {
    const client = await device('sealed', 'telling-node', OPTIONS)
    await using db = await openDb({ url: relay.databaseUrl, role: 'sealpost_xmpp' })
    const rows = await db.query<Record<string, unknown>>(sql`select * from xmpp.push`)
    expect(rows.length).toBeGreaterThan(0)
    const found = rows.flatMap((each) => Object.values(each))
    const text = found
      .map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : String(value)))
      .join()
    for (const secret of ['telling-node', PUSH, 's3cret']) expect(text).not.toContain(secret)
    await client.close()
  })
})

describe('XEP-0357 §7: waking', () => {
  test('says nothing but the node and what the service wants to see, once', async () => {
    const client = await device('bob', 'bobs-node', OPTIONS)
    await client.close()
    await writesTo('bob')
    const iq = await woken('bobs-node')
    expect(iq.attrs['from']).toBe('bob@localhost')
    expect(iq.attrs['type']).toBe('set')
    const inner = iq.elements()[0]?.innerXml() ?? ''
    expect(inner).toContain(
      `<publish node='bobs-node'><item><notification xmlns='urn:xmpp:push:0'/></item></publish>`,
    )
    expect(inner).toContain('s3cret')
    expect(String(iq)).not.toContain('sender')
    push.answer(iq)
    await writesTo('bob')
    await writesTo('bob')
    await caught()
    expect(push.inbox).toEqual([])
    const back = await relay.client('bob', { resource: 'phone' })
    await back.available()
    await back.message()
    await back.close()
    await writesTo('bob')
    push.answer(await woken('bobs-node'))
  })

  test('each device of an account is woken, once', async () => {
    const devices = [await device('both', 'both-phone'), await device('both', 'both-desk', '', 'desk')]
    for (const client of devices) await client.close()
    for (let message = 0; message < 3; message++) await writesTo('both')
    for (const node of ['both-phone', 'both-desk']) push.answer(await woken(node))
    await writesTo('both')
    await caught()
    expect(push.inbox).toEqual([])
  })

  test('a session that waits to be resumed is away, however soon after it was resumed', async () => {
    let client = await device('hib')
    const previd = (await client.enableStreamManagement()) ?? ''
    await client.ping()
    await client.drop()
    await writesTo('hib')
    push.answer(await woken('hib'))
    for (let turn = 0; turn < 8; turn++) {
      const again = await TestClient.connect({ port: relay.port })
      await again.authenticate({ port: relay.port, username: 'hib', password: 'secret' })
      expect((await again.resume(previd, client)).name).toBe('resumed')
      await again.message()
      await again.drop()
      await writesTo('hib')
      push.answer(await woken('hib'))
      client = again
    }
  })

  test('a device that is here and acknowledges is not woken; one that is silent is', async () => {
    const client = await device('here')
    await client.enableStreamManagement()
    await writesTo('here')
    await client.message()
    await caught()
    expect(push.inbox).toEqual([])
    client.acknowledging = false
    await writesTo('here')
    push.answer(await woken('here'))
    await client.close()
  })

  test('only what somebody wrote, or a call, wakes', async () => {
    const client = await device('calls')
    await client.close()
    const to = `to='calls@localhost' type='chat'`
    const jmi = (name: string) =>
      `<message ${to} id='j'><${name} xmlns='urn:xmpp:jingle-message:0' id='c1'/></message>`
    for (const xml of [
      `<message ${to}><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
      `<message ${to}><received xmlns='urn:xmpp:receipts' id='x'/></message>`,
      `<message ${to}><displayed xmlns='urn:xmpp:chat-markers:0' id='x'/></message>`,
      omemo('calls@localhost', 'h').replace('<store', '<no-store'),
      jmi('proceed'),
      jmi('retract'),
    ])
      await writesTo('calls', xml)
    await caught()
    expect(push.inbox).toEqual([])
    await writesTo('calls', jmi('propose'))
    push.answer(await woken('calls'))
  })

  test('what a device sends itself does not wake its siblings; what they are sent does', async () => {
    const client = await device('self')
    await client.request('set', `<enable xmlns='urn:xmpp:carbons:2'/>`)
    await client.close()
    const desk = await relay.client('self', { resource: 'desk' })
    await desk.available()
    desk.sends(omemo('sender@localhost', 's1'))
    await desk.ping()
    await caught()
    expect(push.inbox).toEqual([])
    await writesTo('self', omemo('self@localhost/desk', 's2'))
    push.answer(await woken('self'))
    await desk.close()
  })

  test('a blocked sender wakes nobody', async () => {
    const client = await device('blocker')
    await client.request('set', `<block xmlns='urn:xmpp:blocking'><item jid='sender@localhost'/></block>`)
    await client.close()
    await writesTo('blocker')
    await caught()
    expect(push.inbox).toEqual([])
    sender.inbox.length = 0
  })

  test('a device without a queue of its own is woken for the account’s', async () => {
    const client = await relay.client('once', { resource: 'first-time' })
    await client.request('set', enableXml('once'))
    await client.available()
    await client.close()
    await writesTo('once')
    push.answer(await woken('once'))
  })
})

describe('XEP-0357 §7.1 and §8: services that do not want', () => {
  const isEnabled = async (name: string) => {
    const client = await relay.client(name, { resource: 'phone' })
    await client.available()
    await client.close()
    await writesTo(name)
    await caught()
    const iq = push.inbox.find((each) => nodeOf(each) === name)
    if (iq) push.answer(iq)
    return iq !== undefined
  }

  test('an error disables the node', async () => {
    await (await device('gone')).close()
    await writesTo('gone')
    push.refuse(await woken('gone'), 'cancel', 'item-not-found')
    expect(await isEnabled('gone')).toBe(false)
  })

  test('an error that is about now does not: it is tried again', async () => {
    await (await device('busy')).close()
    await writesTo('busy')
    push.refuse(await woken('busy'), 'wait', 'resource-constraint')
    push.answer(await woken('busy'))
  })

  test('a service takes its consent back', async () => {
    await (await device('back')).close()
    push.sends(
      `<message from='${PUSH}' to='back@localhost'><pubsub xmlns='http://jabber.org/protocol/pubsub' node='back'>` +
        `<affiliation jid='back@localhost' affiliation='none'/></pubsub></message>`,
    )
    await push.request('get', `<ping xmlns='urn:xmpp:ping'/>`, 'localhost')
    expect(await isEnabled('back')).toBe(false)
  })

  test('one component cannot take back the consent of another', async () => {
    await (await device('kept')).close()
    await using other = await relay.component(AWAY)
    other.sends(
      `<message from='${AWAY}' to='kept@localhost'><pubsub xmlns='http://jabber.org/protocol/pubsub' node='kept'>` +
        `<affiliation jid='kept@localhost' affiliation='none'/></pubsub></message>`,
    )
    await other.request('get', `<ping xmlns='urn:xmpp:ping'/>`, 'localhost')
    expect(await isEnabled('kept')).toBe(true)
    await other.close()
  })

  test('one that is away is asked when it is back', async () => {
    const client = await relay.client('patient', { resource: 'phone' })
    await client.request('set', enableXml('patient', AWAY))
    await client.available()
    await client.close()
    await writesTo('patient')
    await caught()
    await using other = await relay.component(AWAY)
    const iq = await other.next((each) => nodeOf(each) === 'patient')
    other.answer(iq)
    await other.close()
  })
})

test('registrations end with the account, and with a device that is signed out', async () => {
  await using db = await openDb({ url: relay.databaseUrl, role: 'sealpost_xmpp' })
  const jid = parseJid('leaver@localhost')
  let client = await device('leaver')
  const id = (await relay.accounts.find(jid))?.id ?? ''
  const rows = async () =>
    (await db.query(sql`select 1 from xmpp.push where account_id = ${id}::uuid`)).length
  expect(await rows()).toBe(1)
  const [known] = await relay.relayPort.devices(id)
  await relay.relayPort.signOutDevice(id, known?.id ?? '')
  await client.ended()
  expect(await rows()).toBe(0)
  client = await device('leaver')
  expect(await rows()).toBe(1)
  await relay.accounts.terminate(jid)
  await client.ended()
  await expect.poll(rows).toBe(0)
})

test('after a restart whoever has something waiting is woken once more', async () => {
  await (await device('after')).close()
  await writesTo('after')
  push.answer(await woken('after'))
  await relay.restart()
  push = await relay.component(PUSH)
  const iq = await woken('after')
  push.answer(iq)
  sender = await relay.client('sender')
  await sender.available()
  await writesTo('after')
  await caught()
  expect(push.inbox.filter((each) => nodeOf(each) === 'after')).toEqual([])
})
