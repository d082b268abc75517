/** What every operation promises, made from the registry: nobody gets in without what it needs, each bad input is refused with a problem, and what is answered fits the schema. */
import { Value } from 'typebox/value'
import { systemRandom } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Command } from '../src/commands/command.ts'
import { commands } from '../src/commands/index.ts'
import { basic, createTestApi, type Answer, type TestApi } from './api.ts'

const ACCOUNT = 'contract@example.org'

let api: TestApi
let powerless: string
beforeAll(async () => {
  api = await createTestApi()
  for (const jid of [ACCOUNT, 'owner@example.org'])
    await api.owner('POST', '/v1/accounts', { jid, password: 'pass-word' })
  powerless = await api.key('crashes:read')
})
afterAll(() => api[Symbol.asyncDispose]())

/** As far as our schemas go. */
interface Schema {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: unknown
}

/** What no schema tells: names of things that are there, or that look right. */
const KNOWN: Readonly<Record<string, unknown>> = {
  jid: ACCOUNT,
  about: ACCOUNT,
  domain: 'example.org',
  events: ['account.*'],
  url: 'https://hooks.example.com/',
}
const FORMATS: Readonly<Record<string, () => string>> = {
  uuid: () => systemRandom.uuid(),
  date: () => '2031-01-01',
  'date-time': () => '2031-01-01T00:00:00.000Z',
  uri: () => 'https://hooks.example.com/',
}

/** Something that fits, with the required properties alone. */
function example(schema: Schema, name = ''): unknown {
  if (KNOWN[name] !== undefined) return KNOWN[name]
  const [member] = schema.anyOf ?? []
  if (member !== undefined) return example(member, name)
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.type === 'string')
    return FORMATS[schema.format ?? '']?.() ?? 'a'.repeat(Math.max(schema.minLength ?? 1, 1))
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1
  if (schema.type === 'boolean') return true
  if (schema.type === 'array')
    return Array.from({ length: schema.minItems ?? 0 }, () => example(schema.items ?? {}))
  return Object.fromEntries(
    (schema.required ?? []).map((key) => [key, example(schema.properties?.[key] ?? {}, key)]),
  )
}

/** Values that do not fit, with why. */
function bad(schema: Schema): [why: string, value: unknown][] {
  const { type, maxLength, maximum, minimum } = schema
  return [
    ...(type === 'object' || schema.properties !== undefined
      ? []
      : [['an object', { x: 1 }] as [string, unknown]]),
    ...(type === 'string' ? [['a number', 7] as [string, unknown]] : []),
    ...(type === 'string' && maxLength !== undefined
      ? [['too long', 'a'.repeat(maxLength + 1)] as [string, unknown]]
      : []),
    ...(type === 'string' && schema.format === 'uuid' ? [['no UUID', 'abc'] as [string, unknown]] : []),
    ...(maximum === undefined ? [] : [['too much', maximum + 1] as [string, unknown]]),
    ...(minimum === undefined ? [] : [['too little', minimum - 1] as [string, unknown]]),
  ]
}

function pathOf({ path, params }: Command): string {
  const schemas = (params as Schema | undefined)?.properties ?? {}
  return path.replaceAll(/:(\w+)/g, (_all, name: string) =>
    encodeURIComponent(String(example(schemas[name] ?? { type: 'string' }, name))),
  )
}

let asked = 0

/** As whoever may: the owner, or an account. */
function ask(
  command: Command,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  if (command.access !== 'account') return api.owner(command.method, path, body, headers)
  asked += 1
  // Behind a proxy, each time from another client: the limits of routes are tested elsewhere.
  const client = `198.51.${String(Math.floor(asked / 250))}.${String(asked % 250)}`
  const proxied = { 'x-forwarded-for': client, 'x-forwarded-proto': 'https' }
  const signed = { ...basic('owner@example.org', 'pass-word'), ...proxied, ...headers }
  return api.call(command.method, path, { headers: signed, body })
}

function expectProblem({ status, headers, text }: Answer, statuses: readonly number[], what: string): void {
  expect(statuses, `${what}: ${text.slice(0, 300)}`).toContain(status)
  expect(headers['content-type'], what).toMatch(/^application\/problem\+json/)
  const { type, title, status: said } = JSON.parse(text) as Record<string, unknown>
  expect([typeof type, typeof title, said], what).toEqual(['string', 'string', status])
}

const isAsked = ({ access }: Command): boolean => access !== 'anyone'
const takesJson = ({ body, upload }: Command): boolean => body !== undefined && upload === undefined
/** Sessions of administrators are the matter of test/administrators.scenario.ts. */
const isReached = ({ access }: Command): boolean => access !== 'administrator'

test('names, and methods with paths, are unique; whoever writes says of what it answers', () => {
  expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length)
  expect(new Set(commands.map(({ method, path }) => `${method} ${path}`)).size).toBe(commands.length)
})

describe('who has not what it needs', () => {
  test.each(commands.filter(isAsked).map((command) => [command.name, command] as const))(
    '%s',
    async (name, command) => {
      const path = pathOf(command)
      expectProblem(await api.call(command.method, path), [401], `${name} by nobody`)
      if (command.access === 'account' || command.access === 'crashes:read') return
      const answer = await api.call(command.method, path, { key: powerless })
      expectProblem(answer, [401, 403], `${name} by a key without the scope`)
    },
  )
})

describe('bad input', () => {
  test.each(
    commands
      .filter((command) => takesJson(command) && isReached(command))
      .map((each) => [each.name, each] as const),
  )('body of %s', async (name, command) => {
    const path = pathOf(command)
    const schema = command.body as Schema
    const good = example(schema) as Record<string, unknown>
    const json = { 'content-type': 'application/json' }
    expectProblem(await ask(command, path, '{"', json), [400], `${name}: half of JSON`)
    expectProblem(await ask(command, path, '[1]', json), [400], `${name}: a list`)
    expectProblem(await ask(command, path, 'x', { 'content-type': 'text/plain' }), [415], `${name}: text`)
    expect(schema.additionalProperties, `${name} refuses unknown properties`).toBe(false)
    expectProblem(await ask(command, path, { ...good, nobody_knows: 1 }), [400], `${name}: unknown property`)
    for (const key of schema.required ?? []) {
      const { [key]: _left, ...rest } = good
      expectProblem(await ask(command, path, rest), [400], `${name} without ${key}`)
    }
    for (const [key, property] of Object.entries(schema.properties ?? {}))
      for (const [why, value] of bad(property))
        expectProblem(
          await ask(command, path, { ...good, [key]: value }),
          [400, 413],
          `${name}: ${key} ${why}`,
        )
  })

  test.each(
    commands
      .filter(({ query }) => query !== undefined)
      .filter(isReached)
      .map((each) => [each.name, each] as const),
  )('query of %s', async (name, command) => {
    const path = pathOf(command)
    expectProblem(await ask(command, `${path}?nobody_knows=1`), [400], `${name}: unknown parameter`)
    for (const [key, property] of Object.entries((command.query as Schema).properties ?? {}))
      for (const [why, value] of bad(property).filter(([, each]) => typeof each !== 'object' && each !== 7))
        expectProblem(await ask(command, `${path}?${key}=${String(value)}`), [400], `${name}: ${key} ${why}`)
  })
})

describe('good input', () => {
  test.each(
    commands
      .filter((command) => isReached(command) && command.upload === undefined)
      .map((each) => [each.name, each] as const),
  )('%s', async (name, command) => {
    const query = Object.entries(
      example((command.query as Schema | undefined) ?? {}) as Record<string, unknown>,
    )
    const search =
      query.length === 0 ? '' : `?${query.map(([key, value]) => `${key}=${String(value)}`).join('&')}`
    const body = takesJson(command) ? example(command.body as Schema) : undefined
    const answer = await ask(command, pathOf(command) + search, body)
    if (answer.status !== command.status) {
      // What is named is not there, or the example is none of its kind: a refusal, never a failure.
      expectProblem(answer, [400, 401, 403, 404, 409, 422, 503], name)
      return
    }
    if (!(answer.headers['content-type'] ?? '').startsWith('application/json')) return
    const errors = Value.Errors(command.response, JSON.parse(answer.text))
    expect([...errors].slice(0, 3), `${name} answers ${answer.text.slice(0, 300)}`).toEqual([])
  })
})
