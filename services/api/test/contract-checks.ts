/** What operations of the OpenAPI document say of themselves, and what every answer has to be. */
import { Value } from 'typebox/value'
import { expect } from 'vitest'
import type { ApiDocument, Operation } from '../../../scripts/client/document.ts'
import type { BadCase, Schema } from './contract-cases.ts'

export interface Described extends Operation {
  readonly method: string
  readonly template: string
  readonly id: string
}

/** By its operationId, or by method and path where it has none. */
export function operationsOf({ paths }: ApiDocument): Described[] {
  return Object.entries(paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([verb, operation]): Described => {
      const method = verb.toUpperCase()
      return { ...operation, id: operation.operationId ?? `${method} ${template}`, method, template }
    }),
  )
}

export const bodyOf = ({ requestBody }: Described): Schema | undefined =>
  requestBody?.content['application/json']?.schema
/** Of what is in the path, or in the query. */
export function parametersOf({ parameters = [] }: Described, where: 'path' | 'query'): Schema {
  const own = parameters.filter((each) => each.in === where)
  return {
    properties: Object.fromEntries(own.map(({ name, schema }) => [name, schema])),
    required: own.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: where === 'query' && own.length > 0 ? false : undefined,
  } as Schema
}

export type Values = Readonly<Record<string, unknown>>
export function urlOf({ template }: Described, path: Values, query: Values): string {
  const filled = template.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(String(path[name])),
  )
  const search = Object.entries(query).map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
  return search.length === 0 ? filled : `${filled}?${search.join('&')}`
}

/** Whether a URL can say it: there, everything is text. */
export function isWritten(values: unknown, { properties = {} }: Schema): values is Values {
  if (typeof values !== 'object' || values === null) return false
  return Object.entries(values).every(
    ([key, value]) =>
      typeof value !== 'object' && (properties[key]?.type !== 'string' || typeof value === 'string'),
  )
}

/** All at once: mostly they wait. */
export const atOnce = async (
  cases: readonly BadCase[],
  check: (bad: BadCase) => Promise<void>,
): Promise<void> => {
  await Promise.all(cases.map(check))
}

/** As far as a check reads it. */
export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

interface Problem {
  readonly type: string
  readonly in?: string
  readonly errors?: readonly { readonly pointer: string }[]
}

export function expectProblem(
  { status, headers, text }: Answered,
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
export function expectMismatch(answer: Answered, place: string, { why, at }: BadCase, id: string): void {
  const what = `${id}: ${place} ${at} ${why}`
  const problem = expectProblem(answer, [400], what)
  expect([problem.type, problem.in], what).toEqual(['urn:sealpost:problem:validation', place])
  const pointers = (problem.errors ?? []).map(({ pointer }) => pointer)
  expect(
    pointers.some((pointer) => pointer.startsWith(`#${at}`)),
    `${what}: ${pointers.join(' ')}`,
  ).toBe(true)
}

/** With the status and the schema that the document has for success. */
export function expectSuccess({ status, headers, text }: Answered, { id, responses }: Described): void {
  const [success = ''] = Object.keys(responses).filter((each) => /^[23]/.test(each))
  expect(String(status), `${id}: ${text.slice(0, 300)}`).toBe(success)
  const schema = responses[success]?.content?.['application/json']?.schema
  if (schema === undefined || !String(headers['content-type']).startsWith('application/json')) return
  const errors = [...Value.Errors(schema, JSON.parse(text))]
  expect(errors.slice(0, 3), `${id} answers ${text.slice(0, 300)}`).toEqual([])
}
