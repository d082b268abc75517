/** XEP-0133: who finds the commands of administration, how they are filled in and refused. What they do is the API's; the deployments' tests see it done. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AccountCommands, type KeyedCommand, type KeyedOutcome, PortError } from '@sealpost/ports'
import type { Element } from '@sealpost/stanza'
import { createSkippableClock } from './_skippable-clock.ts'
import type { TestClient } from './client.ts'
import { condition } from './friends.ts'
import { noCommands } from './no-commands.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const COMMANDS = 'http://jabber.org/protocol/commands'
const ADMIN = 'http://jabber.org/protocol/admin'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const INFO = 'http://jabber.org/protocol/disco#info'
const DATA = 'jabber:x:data'
const KEY = 'the key'

/** An API that knows one key and a few accounts, and remembers what it was asked. */
class KeyedApi implements Pick<AccountCommands, 'administer'> {
  away = false
  counted: number | undefined = 7
  readonly asked: Omit<KeyedCommand, 'key'>[] = []

  async administer({ key, ...asked }: KeyedCommand): Promise<KeyedOutcome> {
    if (this.away) throw new PortError('PORT_UNREACHABLE')
    if (key !== KEY) return { result: 'refused', status: 401, text: 'Unknown key' }
    this.asked.push(asked)
    const jid = asked.params?.['jid'] ?? asked.body?.['jid']
    if (jid === 'nobody@localhost') return { result: 'refused', status: 404, text: 'There is nobody' }
    if (jid === 'alice@localhost' && asked.name === 'account.create')
      return { result: 'refused', status: 409, text: 'Taken' }
    if (asked.name === 'account.terminate' && jid === 'alice@localhost')
      return { result: 'refused', status: 403, text: 'No scope' }
    if (jid === '@') return { result: 'refused', status: 400, text: 'No address' }
    return { result: 'done', answer: this.#answerTo(asked.name, jid) }
  }

  #answerTo(name: string, jid: unknown): unknown {
    if (name === 'account.create')
      return { jid, enrolment: { url: 'https://localhost/enrol/x', expires_at: '2031-01-01T00:00:00Z' } }
    if (name === 'account.show') return { jid, state: 'active', created_on: '2030-01-01' }
    if (name === 'queue.show') return { items: [{ messages: 2 }, { messages: 3 }] }
    const figure = (series: string, now: number | undefined) => ({ name: series, now })
    if (name === 'statistics.overview')
      return {
        items: [
          figure('accounts.active', this.counted),
          figure('accounts.suspended', 2),
          figure('chat.online', 4),
        ],
      }
    return { jid }
  }
}

const api = new KeyedApi()
const commands: AccountCommands = { ...noCommands, administer: (asked) => api.administer(asked) }
const clock = createSkippableClock()
let relay: RelayFixture
let admin: TestClient
beforeAll(async () => {
  const options = { administrators: ['admin@localhost', 'busy@localhost', 'guesser@localhost'] }
  const few = { burst: 3, perSecond: 1e-6 }
  const plenty = { burst: 1_000, perSecond: 1 }
  const guesses = { nameAndClient: plenty, client: plenty, name: few }
  relay = await startRelay(options, { guesses }, { commands, ownClock: clock })
  admin = await relay.client('admin')
})
afterAll(() => relay[Symbol.asyncDispose]())

type Values = Readonly<Record<string, string | readonly string[]>>

function form(values: Values): string {
  const fields = Object.entries(values).map(([name, given]) => {
    const inner = [given].flat().map((value) => `<value>${value}</value>`)
    return `<field var='${name}'>${inner.join('')}</field>`
  })
  return `<x xmlns='${DATA}' type='submit'>${fields.join('')}</x>`
}

const node = (name: string) => `${ADMIN}#${name}`

async function command(name: string, attributes = '', payload = '', client = admin): Promise<Element> {
  const xml = `<command xmlns='${COMMANDS}' node='${node(name)}' ${attributes}>${payload}</command>`
  return client.request('set', xml, 'localhost')
}

/** From the form to what came of it. */
async function run(name: string, values: Values, client = admin): Promise<Element> {
  const first = (await command(name, '', '', client)).child('command', COMMANDS)
  const sessionid = first?.attrs['sessionid'] ?? ''
  return command(name, `sessionid='${sessionid}' action='complete'`, form(values), client)
}

const key = { FORM_TYPE: ADMIN, 'api-key': KEY }
const noteOf = (answer: Element) => answer.child('command', COMMANDS)?.child('note')
const resultOf = (answer: Element): Record<string, string | undefined> => {
  const fields = answer.child('command', COMMANDS)?.child('x', DATA)?.childrenNamed('field') ?? []
  return Object.fromEntries(fields.map((field) => [field.attrs['var'] ?? '', field.child('value')?.text()]))
}
const listed = async (client: TestClient) => {
  const items = await client.request('get', `<query xmlns='${ITEMS}' node='${COMMANDS}'/>`, 'localhost')
  const nodes = items
    .child('query', ITEMS)
    ?.elements()
    .map(({ attrs }) => attrs['node'] ?? '')
  return (nodes ?? []).filter((each) => each.startsWith(ADMIN))
}

describe('XEP-0133', () => {
  test('§3: administrators find the commands; to everybody else there are none', async () => {
    expect(await listed(admin)).toEqual(
      [
        'add-user',
        'delete-user',
        'disable-user',
        'reenable-user',
        'end-user-session',
        'user-stats',
        'get-registered-users-num',
        'get-disabled-users-num',
        'get-online-users-num',
      ].map(node),
    )
    const other = await relay.client('alice')
    expect(await listed(other)).toEqual([])
    const before = api.asked.length
    for (const name of ['add-user', 'get-registered-users-num', 'restart', 'get-user-roster'])
      expect(condition(await command(name, '', '', other)), name).toBe('item-not-found')
    const info = await other.request(
      'get',
      `<query xmlns='${INFO}' node='${node('add-user')}'/>`,
      'localhost',
    )
    expect(condition(info)).toBe('item-not-found')
    expect(api.asked.length).toBe(before)
  })

  test('an app password of an administrator opens none of them', async () => {
    const { accounts } = relay
    const [account] = (await accounts.list({ limit: 10, search: 'admin' })).items
    const wanted = { name: 'Phone', scopes: ['chat'] as const, verifiers: undefined }
    const { login, password = '' } = await accounts.appPasswords.create(account?.id ?? '', wanted)
    const client = await relay.client('admin', { username: login.local, password })
    expect(await listed(client)).toEqual([])
    expect(condition(await command('add-user', '', '', client))).toBe('forbidden')
  })

  test('§4: a form has its type, what it is about, and the key, which is not shown', async () => {
    const first = (await command('delete-user')).child('command', COMMANDS)
    expect(first?.attrs['status']).toBe('executing')
    const fields = first?.child('x', DATA)?.childrenNamed('field') ?? []
    expect(fields.map(({ attrs }) => `${String(attrs['var'])} ${String(attrs['type'])}`)).toEqual([
      'FORM_TYPE hidden',
      'accountjids jid-multi',
      'api-key text-private',
    ])
    expect(fields[0]?.child('value')?.text()).toBe(ADMIN)
  })

  test('§4.1: a user is added without a password, by a link', async () => {
    const answer = await run('add-user', { ...key, accountjid: ' new@localhost ' })
    expect(resultOf(answer)).toEqual({
      FORM_TYPE: ADMIN,
      accountjid: 'new@localhost',
      enrolment: 'https://localhost/enrol/x',
      expires: '2031-01-01T00:00:00Z',
    })
    expect(api.asked.at(-1)).toEqual({ name: 'account.create', body: { jid: 'new@localhost' } })
  })

  test.each([
    ['delete-user', 'account.terminate'],
    ['disable-user', 'account.suspend'],
    ['reenable-user', 'account.restore'],
    ['end-user-session', 'account.sign-out'],
  ])('§4: %s, of several', async (name, asked) => {
    const answer = await run(name, { ...key, accountjids: ['one@localhost', 'two@localhost'] })
    expect(noteOf(answer)?.attrs['type']).toBe('info')
    expect(api.asked.slice(-2)).toEqual(
      ['one@localhost', 'two@localhost'].map((jid) => ({ name: asked, params: { jid }, body: {} })),
    )
  })

  test('what was done before one is refused is told', async () => {
    const before = api.asked.length
    const accountjids = ['one@localhost', 'nobody@localhost', 'two@localhost']
    const note = noteOf(await run('disable-user', { ...key, accountjids }))
    expect(note?.attrs['type']).toBe('error')
    expect(note?.text()).toBe('Done for the first 1 of 3: There is nobody')
    expect(api.asked.length).toBe(before + 2)
  })

  test('§4.10: what is known of a user, and nothing of contacts, addresses, resources', async () => {
    expect(resultOf(await run('user-stats', { ...key, accountjid: 'one@localhost' }))).toEqual({
      FORM_TYPE: ADMIN,
      accountjid: 'one@localhost',
      state: 'active',
      created: '2030-01-01',
      waiting: '5',
    })
  })

  test('§4.13 to §4.15: numbers', async () => {
    expect(resultOf(await run('get-registered-users-num', key))['registeredusersnum']).toBe('9')
    expect(resultOf(await run('get-disabled-users-num', key))['disabledusersnum']).toBe('2')
    expect(resultOf(await run('get-online-users-num', key))['onlineusersnum']).toBe('4')
    api.counted = undefined
    expect(condition(await run('get-registered-users-num', key))).toBe('resource-constraint')
    api.counted = 7
  })

  test.each([
    ['a name that is taken', 'add-user', { accountjid: 'alice@localhost' }, 'conflict'],
    ['nobody', 'user-stats', { accountjid: 'nobody@localhost' }, 'item-not-found'],
    ['a key without the scope', 'delete-user', { accountjids: 'alice@localhost' }, 'forbidden'],
    ['no address', 'disable-user', { accountjids: '@' }, 'not-acceptable'],
    ['no account', 'disable-user', {}, 'bad-request'],
    ['an empty account', 'disable-user', { accountjids: ['', ' '] }, 'bad-request'],
    ['two accounts for one', 'add-user', { accountjid: ['a@localhost', 'b@localhost'] }, 'bad-request'],
    [
      'too many accounts',
      'disable-user',
      { accountjids: Array.from({ length: 21 }, (_, index) => `a${String(index)}@localhost`) },
      'not-acceptable',
    ],
    ['no key', 'user-stats', { accountjid: 'one@localhost', 'api-key': '' }, 'bad-request'],
    ['a giant key', 'user-stats', { accountjid: 'one@localhost', 'api-key': 'k'.repeat(257) }, 'bad-request'],
    ['another form', 'user-stats', { accountjid: 'one@localhost', FORM_TYPE: 'urn:other' }, 'bad-request'],
  ])('§5: %s', async (_name, name, values, expected) => {
    expect(condition(await run(name, { ...key, ...values }))).toBe(expected)
  })

  test('§5: what is not here is not supported, and what nobody may have is not allowed', async () => {
    for (const name of ['restart', 'shutdown', 'announce', 'get-online-users-list', 'edit-admin'])
      expect(condition(await command(name)), name).toBe('feature-not-implemented')
    for (const name of ['get-user-password', 'get-user-roster'])
      expect(condition(await command(name)), name).toBe('not-allowed')
    expect(condition(await command('unheard-of'))).toBe('item-not-found')
  })

  test('wrong keys are counted, right ones are not; then none is tried', async () => {
    const guesser = await relay.client('guesser')
    const values = (shown: string) => ({ ...key, 'api-key': shown, accountjid: 'one@localhost' })
    for (let tries = 0; tries < 3; tries++)
      expect(condition(await run('user-stats', values('wrong'), guesser))).toBe('not-authorized')
    const before = api.asked.length
    expect(condition(await run('user-stats', values(KEY), guesser))).toBe('resource-constraint')
    expect(api.asked.length).toBe(before)
    expect(resultOf(await run('user-stats', values(KEY)))['state']).toBe('active') // another administrator
  })

  test('commands are bounded', async () => {
    const busy = await relay.client('busy')
    const accountjids = Array.from({ length: 20 }, (_, index) => `a${String(index)}@localhost`)
    for (let round = 0; round < 3; round++)
      expect(noteOf(await run('disable-user', { ...key, accountjids }, busy))?.attrs['type']).toBe('info')
    expect(condition(await run('disable-user', { ...key, accountjids }, busy))).toBe('resource-constraint')
    clock.skip(2_000)
    const accountjid = 'one@localhost'
    const note = noteOf(await run('disable-user', { ...key, accountjids: [accountjid] }, busy))
    expect(note?.attrs['type']).toBe('info')
  })

  test('the API is away: try again, and no key was wrong', async () => {
    api.away = true
    for (let tries = 0; tries < 5; tries++)
      expect(condition(await run('user-stats', { ...key, accountjid: 'one@localhost' }))).toBe(
        'internal-server-error',
      )
    api.away = false
    expect(resultOf(await run('user-stats', { ...key, accountjid: 'one@localhost' }))['state']).toBe('active')
  })

  test('nothing of it is logged', () => {
    for (const word of [KEY, 'one@localhost', 'enrol']) expect(relay.logged()).not.toContain(word)
  })
})

test('without XMPP_ADMINISTRATORS there are no such commands', async () => {
  await using none = await startRelay({}, {}, { commands })
  const client = await none.client('admin')
  expect(await listed(client)).toEqual([])
  expect(condition(await command('restart', '', '', client))).toBe('item-not-found')
})
