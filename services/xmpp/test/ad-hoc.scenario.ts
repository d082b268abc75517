/** XEP-0050: how commands are found, filled in and refused. What they do is the API's; the deployments' tests see it done. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PortError, type AccountCommands, type CommandForm, type CommandValues } from '@sealpost/ports'
import { createSkippableClock } from './_skippable-clock.ts'
import type { Element } from '@sealpost/stanza'
import { condition } from './friends.ts'
import type { TestClient } from './client.ts'
import { noCommands } from './no-commands.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const COMMANDS = 'http://jabber.org/protocol/commands'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const INFO = 'http://jabber.org/protocol/disco#info'
const DATA = 'jabber:x:data'

const rename: CommandForm = {
  name: 'device.rename',
  title: 'Rename a device',
  fields: [
    { name: 'device', kind: 'choice', required: true, label: 'Which', options: ['a', 'b'] },
    { name: 'name', kind: 'text', required: true, label: 'Name', options: [] },
    { name: 'password', kind: 'secret', required: false, label: 'Password', options: [] },
    { name: 'loud', kind: 'flag', required: false, label: 'Loud', options: [] },
  ],
}
const show: CommandForm = { name: 'me.show', title: 'Show your account', fields: [] }

/** An API with two commands, which remembers what it was asked. */
class OfferingApi implements AccountCommands {
  away = false
  administer: AccountCommands['administer'] = (asked) => noCommands.administer(asked)
  readonly runs: [name: string, values: CommandValues][] = []

  async offered() {
    if (this.away) throw new PortError('PORT_UNREACHABLE')
    return [rename, show]
  }

  async form(_accountId: string, name: string) {
    if (this.away) throw new PortError('PORT_UNREACHABLE')
    return [rename, show].find((each) => each.name === name)
  }

  async run(_accountId: string, name: string, values: CommandValues) {
    this.runs.push([name, values])
    return values['name']?.[0] === 'taken'
      ? ({ result: 'refused', text: 'The name is taken' } as const)
      : ({ result: 'done', text: 'Done & <well>' } as const)
  }
}

const api = new OfferingApi()
const clock = createSkippableClock()
let relay: RelayFixture
let client: TestClient
beforeAll(async () => {
  relay = await startRelay({}, {}, { commands: api, ownClock: clock })
  client = await relay.client('alice')
})
afterAll(() => relay[Symbol.asyncDispose]())

const node = (name: string) => `urn:sealpost:command:${name}`

async function command(attributes: string, payload = '', to = 'localhost'): Promise<Element> {
  return client.request('set', `<command xmlns='${COMMANDS}' ${attributes}>${payload}</command>`, to)
}

function form(...fields: [name: string, ...values: string[]][]): string {
  const inner = fields.map(
    ([name, ...values]) =>
      `<field var='${name}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`,
  )
  return `<x xmlns='${DATA}' type='submit'>${inner.join('')}</x>`
}

async function begin(name = 'device.rename'): Promise<string> {
  const answer = await command(`node='${node(name)}'`)
  return answer.child('command', COMMANDS)?.attrs['sessionid'] ?? ''
}

/** The condition of XEP-0050 in an error. */
function detail(answer: Element): string | undefined {
  return answer
    .child('error')
    ?.elements()
    .find(({ ns }) => ns === COMMANDS)?.name
}

describe('XEP-0050', () => {
  test('§2.2, §2.3: commands are items of the server, and a node says what it is', async () => {
    const items = await client.request('get', `<query xmlns='${ITEMS}' node='${COMMANDS}'/>`, 'localhost')
    expect(
      items
        .child('query', ITEMS)
        ?.elements()
        .map(({ attrs }) => attrs),
    ).toEqual([
      { jid: 'localhost', node: 'urn:xmpp:invite#invite', name: 'Invite a contact' },
      { jid: 'localhost', node: node('device.rename'), name: 'Rename a device' },
      { jid: 'localhost', node: node('me.show'), name: 'Show your account' },
    ])
    const info = await client.request(
      'get',
      `<query xmlns='${INFO}' node='${node('me.show')}'/>`,
      'localhost',
    )
    expect(
      info
        .child('query', INFO)
        ?.elements()
        .map(({ attrs }) => attrs['var'] ?? attrs),
    ).toEqual([{ category: 'automation', type: 'command-node', name: 'Show your account' }, COMMANDS, DATA])
    const server = await client.request('get', `<query xmlns='${INFO}'/>`, 'localhost')
    expect(server.toString()).toContain(COMMANDS)
  })

  test('§2.4: a command without fields runs at once; its text comes as a note', async () => {
    const answer = (await command(`node='${node('me.show')}' action='execute'`)).child('command', COMMANDS)
    expect(answer?.attrs).toMatchObject({ status: 'completed', node: node('me.show') })
    expect(answer?.child('note')?.attrs['type']).toBe('info')
    expect(answer?.child('note')?.text()).toBe('Done & <well>')
  })

  test('§2.4: a form is shown, filled in, and runs once', async () => {
    const first = (await command(`node='${node('device.rename')}'`)).child('command', COMMANDS)
    expect(first?.attrs['status']).toBe('executing')
    expect(first?.child('actions')?.toString()).toContain('complete')
    const fields = first?.child('x', DATA)?.childrenNamed('field') ?? []
    expect(fields.map(({ attrs }) => `${String(attrs['var'])} ${String(attrs['type'])}`)).toEqual([
      'device list-single',
      'name text-single',
      'password text-private',
      'loud boolean',
    ])
    expect(fields[0]?.child('required')).toBeDefined()
    expect(fields[0]?.childrenNamed('option').map((option) => option.child('value')?.text())).toEqual([
      'a',
      'b',
    ])
    const sessionid = first?.attrs['sessionid'] ?? ''
    const filled = form(['device', 'a'], ['name', 'Pocket &amp; more'], ['loud', '1'])
    const done = await command(
      `node='${node('device.rename')}' sessionid='${sessionid}' action='complete'`,
      filled,
    )
    expect(done.child('command', COMMANDS)?.attrs['status']).toBe('completed')
    expect(api.runs.at(-1)).toEqual([
      'device.rename',
      { device: ['a'], name: ['Pocket & more'], loud: ['1'] },
    ])
    const again = await command(
      `node='${node('device.rename')}' sessionid='${sessionid}' action='complete'`,
      filled,
    )
    expect(detail(again)).toBe('bad-sessionid')
  })

  test('§2.4.1: what the API refuses is a note of type error', async () => {
    const sessionid = await begin()
    const answer = await command(
      `node='${node('device.rename')}' sessionid='${sessionid}'`,
      form(['name', 'taken']),
    )
    expect(answer.child('command', COMMANDS)?.child('note')?.attrs['type']).toBe('error')
    expect(answer.child('command', COMMANDS)?.child('note')?.text()).toBe('The name is taken')
  })

  test('§2.4: cancelled, and gone', async () => {
    const sessionid = await begin()
    const answer = await command(`node='${node('device.rename')}' sessionid='${sessionid}' action='cancel'`)
    expect(answer.child('command', COMMANDS)?.attrs['status']).toBe('canceled')
    expect(detail(await command(`node='${node('device.rename')}' sessionid='${sessionid}'`))).toBe(
      'bad-sessionid',
    )
  })

  test('§4.4: a stage before or after is refused, and the form stays open', async () => {
    const sessionid = await begin()
    for (const action of ['prev', 'next'])
      expect(
        detail(await command(`node='${node('device.rename')}' sessionid='${sessionid}' action='${action}'`)),
      ).toBe('bad-action')
    const done = await command(
      `node='${node('device.rename')}' sessionid='${sessionid}'`,
      form(['name', 'Still open']),
    )
    expect(done.child('command', COMMANDS)?.attrs['status']).toBe('completed')
    expect(api.runs.at(-1)).toEqual(['device.rename', { name: ['Still open'] }])
  })

  test.each([
    ['an action that is none', `node='${node('me.show')}' action='fly'`, '', 'malformed-action'],
    ['an action without a stage', `node='${node('me.show')}' action='prev'`, '', 'bad-action'],
    ['a session that is none', `node='${node('me.show')}' sessionid='x'`, '', 'bad-sessionid'],
  ])('§4.4: %s', async (_name, attributes, payload, expected) => {
    expect(detail(await command(attributes, payload))).toBe(expected)
  })

  test.each([
    ['no form', ''],
    ['a form to fill in', `<x xmlns='${DATA}' type='form'/>`],
    ['two forms', form() + form()],
    ['a field without a name', `<x xmlns='${DATA}' type='submit'><field/></x>`],
    ['a field twice', form(['name', 'a'], ['name', 'b'])],
    [
      'too many fields',
      form(...Array.from({ length: 101 }, (_, index) => [`f${String(index)}`] as [string])),
    ],
  ])('§4.4: a payload with %s', async (_name, payload) => {
    const sessionid = await begin()
    const before = api.runs.length
    const answer = await command(
      `node='${node('device.rename')}' sessionid='${sessionid}' action='complete'`,
      payload,
    )
    expect(detail(answer)).toBe('bad-payload')
    expect(api.runs.length).toBe(before)
  })

  test('§4.4: an open form expires, and the oldest gives way to an eleventh', async () => {
    const old = await begin()
    clock.skip(600_001)
    const late = await command(`node='${node('device.rename')}' sessionid='${old}'`, form(['name', 'x']))
    expect(detail(late)).toBe('session-expired')
    const open = []
    for (let count = 0; count < 11; count += 1) open.push(await begin())
    const [first, second] = open
    const submit = (id = '') =>
      command(`node='${node('device.rename')}' sessionid='${id}'`, form(['name', 'x']))
    expect(detail(await submit(first))).toBe('bad-sessionid')
    expect((await submit(second)).child('command', COMMANDS)?.attrs['status']).toBe('completed')
  })

  test('unknown nodes, and another session’s form', async () => {
    expect(condition(await command(`node='${node('nothing')}'`))).toBe('item-not-found')
    expect(condition(await command(`node='config'`))).toBe('item-not-found')
    expect(condition(await command('')).trim()).toBe('item-not-found')
    const sessionid = await begin()
    const other = await relay.client('bob')
    const stolen = `<command xmlns='${COMMANDS}' node='${node('device.rename')}' sessionid='${sessionid}'>${form()}</command>`
    expect(detail(await other.request('set', stolen, 'localhost'))).toBe('bad-sessionid')
  })

  test('the API is away: try again', async () => {
    api.away = true
    const answer = await command(`node='${node('me.show')}'`)
    expect(condition(answer)).toBe('internal-server-error')
    expect(answer.child('error')?.attrs['type']).toBe('wait')
    const items = await client.request('get', `<query xmlns='${ITEMS}' node='${COMMANDS}'/>`, 'localhost')
    expect(condition(items)).toBe('internal-server-error')
    api.away = false
  })
})
