/** As contract.scenario.ts, of the operations of accounts that the services of keys and mail carry out: the document has them, the registry of commands has not. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { certify, ed25519, userId } from '../../../packages/openpgp/test/maker.ts'
import { apiDocument } from '../../../scripts/client/document.ts'
import { armor, serveKeys } from '../../keys/test/keys.ts'
import { openWholeRelay, PASSWORD, type WholeRelay } from '../../smtp/test/whole-relay.ts'
import { somewhere } from './administrator.ts'
import { badCases, example } from './contract-cases.ts'
import {
  atOnce,
  bodyOf,
  expectMismatch,
  expectProblem,
  expectSuccess,
  isWritten,
  operationsOf,
  parametersOf,
  urlOf,
  type Answered,
  type Described,
  type Values,
} from './contract-checks.ts'

const operations = operationsOf(await apiDocument()).filter(({ operationId }) => operationId === undefined)
const named = (which: readonly Described[]) => which.map((each) => [each.id, each] as const)
const basic = (name: string, password = PASSWORD): string =>
  `Basic ${Buffer.from(`${name}@localhost:${password}`).toString('base64')}`
const LIST = 'news.alice.example'
const ADDRESS = 'friend@elsewhere.example'

const stack = new AsyncDisposableStack()
let relay: WholeRelay
let keysOrigin: string
beforeAll(async () => {
  relay = stack.use(await openWholeRelay())
  keysOrigin = stack.use(await serveKeys(relay.platform, {}, 100_000)).http
  for (const name of ['alice', 'bob', 'carol']) await relay.account(name)
  await relay.accounts.suspend((await relay.account('dave')).jid, 'other')
})
afterAll(() => stack.disposeAsync())

interface Asked {
  readonly authorization?: string
  readonly type?: string
}

async function ask(
  { method, template }: Described,
  url: string,
  body?: string,
  { authorization = basic('alice'), type = 'application/json' }: Asked = {},
): Promise<Answered> {
  const ofKeys = template.startsWith('/v1/me/keys')
  const headers = {
    ...(ofKeys ? somewhere() : {}), // limits of routes are tested elsewhere
    ...(authorization === '' ? {} : { authorization }),
    ...(body === undefined ? {} : { 'content-type': type }),
  }
  const init = { method, headers, ...(body === undefined ? {} : { body }) }
  const answer = await (ofKeys ? fetch(keysOrigin + url, init) : relay.fetch(url, undefined, init))
  return {
    status: answer.status,
    headers: Object.fromEntries(answer.headers),
    text: await answer.text(),
  }
}

const exampleOf = (operation: Described): string =>
  urlOf(operation, example(parametersOf(operation, 'path')) as Values, {})
const bodyFor = (operation: Described): string | undefined => {
  const schema = bodyOf(operation)
  return schema && JSON.stringify(example(schema))
}

/** Beside what is made from the document; made as its user makes it. */
const INPUTS: Readonly<Record<string, () => Promise<{ path?: Values; body?: unknown }>>> = {
  'GET /v1/mail/{id}': async () => ({ path: { id: await waitingMail() } }),
  'DELETE /v1/mail/{id}': async () => ({ path: { id: await waitingMail() } }),
  'PUT /v1/me/lists/{list}': async () => ({ path: { list: await Promise.resolve(LIST) } }),
  'DELETE /v1/me/lists/{list}': async () => ({ path: { list: await made() } }),
  'POST /v1/me/lists/{list}/members': async () => ({
    path: { list: await made() },
    body: { address: ADDRESS },
  }),
  'GET /v1/me/lists/{list}/members/{address}': async () => ({ path: await member() }),
  'DELETE /v1/me/lists/{list}/members/{address}': async () => ({ path: await member() }),
  'POST /v1/me/keys': async () => ({ body: { keytext: await Promise.resolve(certificate().keytext) } }),
  'PUT /v1/me/keys/{fingerprint}/published': async () => ({ path: { fingerprint: await uploaded(false) } }),
  'DELETE /v1/me/keys/{fingerprint}/published': async () => ({
    path: { fingerprint: await uploaded(true) },
  }),
  'DELETE /v1/me/keys/{fingerprint}': async () => ({ path: { fingerprint: await uploaded(true) } }),
}

const operation = (id: string): Described => {
  const found = operations.find((each) => each.id === id)
  if (found === undefined) throw new Error(`There is no ${id}`)
  return found
}

async function done(id: string, url: string, body?: unknown): Promise<void> {
  const answer = await ask(operation(id), url, body === undefined ? undefined : JSON.stringify(body))
  expect(answer.status, `${id}: ${answer.text}`).toBeLessThan(300)
}

async function waitingMail(): Promise<string> {
  using client = await relay.connect('mx')
  for (const line of ['MAIL FROM:<a@elsewhere.example>', 'RCPT TO:<alice@localhost>', 'DATA'])
    await client.ask(line)
  await client.ask('From: a@elsewhere.example\r\n\r\nhello\r\n.')
  const first = async (): Promise<string> => {
    const { text } = await ask(operation('GET /v1/mail'), '/v1/mail')
    const [mail] = (JSON.parse(text) as { items: { id: string }[] }).items
    if (mail === undefined) throw new Error('Nothing waits')
    return mail.id
  }
  return vi.waitFor(first, { timeout: 30_000, interval: 10 })
}

async function made(): Promise<string> {
  await done('PUT /v1/me/lists/{list}', `/v1/me/lists/${LIST}`)
  return LIST
}

/** Asked once, since a list may not ask many. */
let asked: Promise<void> | undefined
async function member(): Promise<Values> {
  const list = await made()
  const [address, path] = [ADDRESS, `/v1/me/lists/${list}/members`]
  await (asked ??= done('POST /v1/me/lists/{list}/members', path, { address }))
  return { list, address }
}

let seed = 0
function certificate(): { fingerprint: string; keytext: string } {
  seed += 1
  const [primary, address] = [ed25519(seed), 'alice@localhost']
  const packets = [primary.key.packet.bytes, userId(address), certify(primary, address)]
  return {
    fingerprint: primary.key.fingerprint.toString('hex').toUpperCase(),
    keytext: armor(Buffer.concat(packets)),
  }
}

async function uploaded(publish: boolean): Promise<string> {
  const { fingerprint, keytext } = certificate()
  await done('POST /v1/me/keys', '/v1/me/keys', { keytext, publish })
  return fingerprint
}

test('each that has an input is in the document', () => {
  const known = new Set(operations.map(({ id }) => id))
  expect(known.size).toBeGreaterThan(15)
  for (const id of Object.keys(INPUTS)) expect(known, id).toContain(id)
})

describe('who has not what it needs', () => {
  test.each(named(operations))('%s', async (id, each) => {
    const [url, body] = [exampleOf(each), bodyFor(each)]
    for (const [who, authorization] of [
      ['nobody', ''],
      ['a key of an administrator', 'Bearer sp_0123456789'],
    ] as const)
      expectProblem(await ask(each, url, body, { authorization }), [401], `${id} by ${who}`)
    const guess = await ask(each, url, body, { authorization: basic('bob', 'wrong') })
    expectProblem(guess, [401, 429], `${id} by a wrong password`) // 429: so many wrong ones
    expectProblem(await ask(each, url, body, { authorization: basic('dave') }), [403], `${id}: suspended`)
  })
})

describe('of somebody else there is nothing', () => {
  test.each(named(operations.filter(({ template, method }) => template.includes('{') && method !== 'PUT')))(
    '%s',
    async (id, each) => {
      const { path, body } = (await INPUTS[id]?.()) ?? {}
      const url = urlOf(each, path ?? {}, {})
      const text = body === undefined ? undefined : JSON.stringify(body)
      const answer = await ask(each, url, text, { authorization: basic('carol') })
      expectProblem(answer, [404], `${id} by another`)
    },
  )
})

describe('bad input', () => {
  test.each(named(operations.filter(({ template }) => template.includes('{'))))(
    'path of %s',
    async (id, each) => {
      const schema = parametersOf(each, 'path')
      await atOnce(badCases(schema), async (bad) => {
        const path = bad.value as Values
        if (bad.at === '' || !isWritten(path, schema) || Object.values(path).includes('')) return // Another path.
        expectMismatch(await ask(each, urlOf(each, path, {}), bodyFor(each)), 'params', bad, id)
      })
    },
  )

  test.each(
    named(
      operations.filter(({ parameters = [] }) => parameters.some((parameter) => parameter.in === 'query')),
    ),
  )('query of %s', async (id, each) => {
    const schema = parametersOf(each, 'query')
    await atOnce(badCases(schema), async (bad) => {
      if (!isWritten(bad.value, schema)) return
      expectMismatch(await ask(each, urlOf(each, {}, bad.value)), 'querystring', bad, id)
    })
  })

  test.each(named(operations.filter((each) => bodyOf(each) !== undefined)))(
    'body of %s',
    async (id, each) => {
      const [url, schema] = [exampleOf(each), bodyOf(each) ?? {}]
      expectProblem(await ask(each, url, '{"'), [400], `${id}: half of JSON`)
      expectProblem(await ask(each, url, '[1]'), [400], `${id}: a list`)
      expectProblem(await ask(each, url, 'x', { type: 'text/plain' }), [415], `${id}: text`)
      expect(schema.additionalProperties, `${id} refuses unknown properties`).toBe(false)
      await atOnce(badCases(schema), async (bad) =>
        expectMismatch(await ask(each, url, JSON.stringify(bad.value)), 'body', bad, id),
      )
    },
  )
})

describe('good input', () => {
  test.each(named(operations))('%s', async (id, each) => {
    const { path, body } = (await INPUTS[id]?.()) ?? {}
    const url = urlOf(each, { ...(example(parametersOf(each, 'path')) as Values), ...path }, {})
    const text = body === undefined ? bodyFor(each) : JSON.stringify(body)
    expectSuccess(await ask(each, url, text), each)
  })
})
