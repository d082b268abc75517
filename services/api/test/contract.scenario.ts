/**
 * What every operation promises, made from the OpenAPI document: nobody gets in without what it needs, each bad input is refused with an RFC 9457 problem that says
 * where, and good input succeeds with what the document says. Which role may is the matter of roles.scenario.ts.
 */
import { Secret } from '@sealpost/config'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiDocument, type Operation } from '../../../scripts/client/document.ts'
import { commands } from '../src/commands/index.ts'
import { somewhere, TestAdministrator } from './administrator.ts'
import { BILLING_SECRET, createTestApi, type Answer, type TestApi } from './api.ts'
import { badCases, example, type BadCase, type Schema } from './contract-cases.ts'
import { BEYOND, INPUTS, type Input } from './contract-inputs.ts'
import { ContractWorld, TODAY, type TestAccount } from './contract-world.ts'
import { JumpingClock } from './jumping-clock.ts'

interface Described extends Operation {
  readonly method: string
  readonly template: string
  readonly id: string
}

/** Who may, which the document says in words alone. */
const accessOf = new Map(commands.map(({ name, access }) => [name, access] as const))
const document = await apiDocument()
const operations = Object.entries(document.paths)
  .flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]): Described => ({
      ...operation,
      id: operation.operationId ?? '',
      method: method.toUpperCase(),
      template,
    })),
  )
  // Those of keys and mail are asked where they are: services/keys/test, services/smtp/test.
  .filter(({ id }) => accessOf.has(id))
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

const bodyOf = ({ requestBody }: Described): Schema | undefined =>
  requestBody?.content['application/json']?.schema
/** Of what is in the path, or in the query. */
function parametersOf({ parameters = [] }: Described, where: 'path' | 'query'): Schema {
  const own = parameters.filter((each) => each.in === where)
  return {
    properties: Object.fromEntries(own.map(({ name, schema }) => [name, schema])),
    required: own.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: where === 'query' && own.length > 0 ? false : undefined,
  } as Schema
}

type Values = Readonly<Record<string, unknown>>
function urlOf({ template }: Described, path: Values, query: Values): string {
  const filled = template.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(String(path[name])),
  )
  const search = Object.entries(query).map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
  return search.length === 0 ? filled : `${filled}?${search.join('&')}`
}

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
/** All at once: mostly they wait. */
const atOnce = async (cases: readonly BadCase[], check: (bad: BadCase) => Promise<void>): Promise<void> => {
  await Promise.all(cases.map(check))
}

interface Problem {
  readonly type: string
  readonly in?: string
  readonly errors?: readonly { readonly pointer: string }[]
}

function expectProblem(
  { status, headers, text }: Answer,
  statuses: readonly number[],
  what: string,
): Problem {
  expect(statuses, `${what}: ${text.slice(0, 300)}`).toContain(status)
  expect(headers['content-type'], what).toMatch(/^application\/problem\+json/)
  const problem = JSON.parse(text) as Problem & { title: unknown; status: unknown }
  expect([typeof problem.type, typeof problem.title, problem.status], what).toEqual([
    'string',
    'string',
    status,
  ])
  return problem
}

/** That the schema was what refused it, and that the problem says where. */
function expectMismatch(answer: Answer, place: string, { why, at }: BadCase, id: string): void {
  const what = `${id}: ${place} ${at} ${why}`
  const problem = expectProblem(answer, [400], what)
  expect([problem.type, problem.in], what).toEqual(['urn:sealpost:problem:validation', place])
  const pointers = (problem.errors ?? []).map(({ pointer }) => pointer)
  expect(
    pointers.some((pointer) => pointer.startsWith(`#${at}`)),
    `${what}: ${pointers.join(' ')}`,
  ).toBe(true)
}

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

/** Whether a URL can say it: there, everything is text. */
function isWritten(values: unknown, { properties = {} }: Schema): values is Values {
  if (typeof values !== 'object' || values === null) return false
  return Object.entries(values).every(
    ([key, value]) =>
      typeof value !== 'object' && (properties[key]?.type !== 'string' || typeof value === 'string'),
  )
}

describe('good input', () => {
  test.each(named(operations.filter(({ id }) => BEYOND[id] === undefined)))('%s', async (id, operation) => {
    const input: Input = (await INPUTS[id]?.(world)) ?? {}
    const path = { ...(example(parametersOf(operation, 'path')) as Values), ...input.path }
    const query = { ...(example(parametersOf(operation, 'query')) as Values), ...input.query }
    const schema = bodyOf(operation)
    const body = input.body ?? (schema && example(schema))
    const answer = await ask(operation, urlOf(operation, path, query), body, input)
    const [status = ''] = Object.keys(operation.responses).filter((each) => /^[23]/.test(each))
    expect(String(answer.status), `${id}: ${answer.text.slice(0, 300)}`).toBe(status)
    const answered = operation.responses[status]?.content?.['application/json']?.schema
    if (answered === undefined || !(answer.headers['content-type'] ?? '').startsWith('application/json'))
      return
    const errors = [...Value.Errors(answered, JSON.parse(answer.text))]
    expect(errors.slice(0, 3), `${id} answers ${answer.text.slice(0, 300)}`).toEqual([])
  })
})
