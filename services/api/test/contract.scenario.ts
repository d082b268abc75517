/**
 * What every operation promises, made from the OpenAPI document: nobody gets in without what it needs, each bad input is refused with an RFC 9457 problem that says
 * where, and good input succeeds with what the document says. Which role may is the matter of roles.scenario.ts.
 */
import { Secret } from '@sealpost/config'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiDocument } from '../../../scripts/client/document.ts'
import { commands } from '../src/commands/index.ts'
import { somewhere, TestAdministrator } from './administrator.ts'
import { BILLING_SECRET, createTestApi, type Answer, type TestApi } from './api.ts'
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
  type Described,
  type Values,
} from './contract-checks.ts'
import { BEYOND, INPUTS, type Input } from './contract-inputs.ts'
import { ContractWorld, TODAY, type TestAccount } from './contract-world.ts'
import { JumpingClock } from './jumping-clock.ts'

/** Who may, which the document says in words alone. */
const accessOf = new Map(commands.map(({ name, access }) => [name, access] as const))
const document = await apiDocument()
// Those of keys and mail are asked in contract-own.scenario.ts.
const operations = operationsOf(document).filter(({ operationId }) => operationId !== undefined)
const named = (which: readonly Described[]) => which.map((each) => [each.id, each] as const)

let api: TestApi
let world: ContractWorld
let powerless: string
let account: TestAccount
let administrator: TestAdministrator
/** Of the account: cheaper than a password, where nothing comes of it anyway. */
let signedIn: Pick<TestAccount, 'headers'>
beforeAll(async () => {
  const clock = new JumpingClock(Date.parse(`${TODAY}T12:00:00Z`))
  const phoneGateway = { url: 'https://127.0.0.1:9/', secret: Secret.of(BILLING_SECRET) }
  api = await createTestApi({ clock, affiliates: true, config: { phoneGateway } })
  world = new ContractWorld(api, clock)
  account = await world.account()
  administrator = await world.administrator()
  signedIn = await world.signedIn()
  powerless = await api.key('crashes:read')
})
afterAll(() => api[Symbol.asyncDispose]())

/** As whoever may: the owner on the host, an account, an administrator, or nobody; each time from elsewhere, since limits of routes are tested elsewhere. */
function ask(operation: Described, url: string, body?: unknown, { by, type }: Input = {}): Promise<Answer> {
  const { id, method } = operation
  const access = accessOf.get(id)
  const headers = type === undefined ? {} : { 'content-type': type }
  const who = by ?? { account, administrator }[String(access)]
  if (who instanceof TestAdministrator) return who.call(method, url, body, { ...headers, ...somewhere() })
  if (who !== undefined)
    return api.call(method, url, { body, headers: { ...who.headers, ...headers, ...somewhere() } })
  if (access === 'anyone') return api.call(method, url, { body, headers: { ...headers, ...somewhere() } })
  return api.owner(method, url, body, headers)
}

const cheaply = (id: string): Input => (accessOf.get(id) === 'account' ? { by: signedIn } : {})
test('the document has every operation once; each that has an input, or none, is there', () => {
  expect(operations.map(({ id }) => id).toSorted()).toEqual(commands.map(({ name }) => name).toSorted())
  const known = new Set(operations.map(({ id }) => id))
  for (const id of [...Object.keys(INPUTS), ...Object.keys(BEYOND)]) expect(known, id).toContain(id)
})

describe('who has not what it needs', () => {
  test.each(named(operations.filter(({ id }) => accessOf.get(id) !== 'anyone')))(
    '%s',
    async (id, operation) => {
      const url = urlOf(operation, example(parametersOf(operation, 'path')) as Values, {})
      expectProblem(await api.call(operation.method, url), [401], `${id} by nobody`)
      const access = accessOf.get(id)
      if (access === 'account' || access === 'crashes:read') return
      const answer = await api.call(operation.method, url, { key: powerless })
      expectProblem(answer, [401, 403], `${id} by a key without the scope`)
    },
  )
})

describe('bad input', () => {
  test.each(named(operations.filter((operation) => operation.template.includes('{'))))(
    'path of %s',
    async (id, operation) => {
      const schema = parametersOf(operation, 'path')
      const body = bodyOf(operation)
      await atOnce(badCases(schema), async (bad) => {
        const path = bad.value as Values
        if (bad.at === '' || !isWritten(path, schema) || Object.values(path).includes('')) return // Another path.
        const answer = await ask(operation, urlOf(operation, path, {}), body && example(body), cheaply(id))
        expectMismatch(answer, 'params', bad, id)
      })
    },
  )

  test.each(
    named(operations.filter(({ parameters = [] }) => parameters.some((each) => each.in === 'query'))),
  )('query of %s', async (id, operation) => {
    const schema = parametersOf(operation, 'query')
    const path = example(parametersOf(operation, 'path')) as Values
    for (const bad of badCases(schema)) {
      if (!isWritten(bad.value, schema)) continue
      const answer = await ask(operation, urlOf(operation, path, bad.value))
      expectMismatch(answer, 'querystring', bad, id)
    }
  })

  test.each(named(operations.filter((operation) => bodyOf(operation) !== undefined)))(
    'body of %s',
    async (id, operation) => {
      const schema = bodyOf(operation) ?? {}
      const path = example(parametersOf(operation, 'path')) as Values
      const url = urlOf(operation, path, example(parametersOf(operation, 'query')) as Values)
      const json = { ...cheaply(id), type: 'application/json' }
      expectProblem(await ask(operation, url, '{"', json), [400], `${id}: half of JSON`)
      expectProblem(await ask(operation, url, '[1]', json), [400], `${id}: a list`)
      expectProblem(await ask(operation, url, 'x', { type: 'text/plain' }), [415], `${id}: text`)
      expect(schema.additionalProperties, `${id} refuses unknown properties`).toBe(false)
      await atOnce(badCases(schema), async (bad) => {
        const answer = await ask(operation, url, JSON.stringify(bad.value), json)
        if (answer.status === 413) expectProblem(answer, [413], `${id}: ${bad.at} ${bad.why}`)
        else expectMismatch(answer, 'body', bad, id)
      })
    },
  )
})

describe('good input', () => {
  test.each(named(operations.filter(({ id }) => BEYOND[id] === undefined)))('%s', async (id, operation) => {
    const input: Input = (await INPUTS[id]?.(world)) ?? {}
    const path = { ...(example(parametersOf(operation, 'path')) as Values), ...input.path }
    const query = { ...(example(parametersOf(operation, 'query')) as Values), ...input.query }
    const schema = bodyOf(operation)
    const body = input.body ?? (schema && example(schema))
    const answer = await ask(operation, urlOf(operation, path, query), body, input)
    expectSuccess(answer, operation)
  })
})
