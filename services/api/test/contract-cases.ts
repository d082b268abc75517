/** Of a schema of the OpenAPI document: something that fits it, and everything that does not, each with where and why. */
import { systemRandom } from '@sealpost/runtime'
import type { Schema as Described } from '../../../scripts/client/document.ts'

/** With the bounds, which the generated client has no use for. */
export interface Schema extends Described {
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
}

/** What fits the patterns, and what no schema tells. */
const KNOWN: Readonly<Record<string, unknown>> = {
  jid: 'nobody@example.org',
  domain: 'example.org',
  events: ['account.*'],
  url: 'https://hooks.example.com/',
  month: '2029-12',
  language: 'en',
  code: '123456',
  fingerprint: 'A'.repeat(40),
  signature: 'a'.repeat(32),
  search: 'nobody@example.org',
}
const FORMATS: Readonly<Record<string, () => string>> = {
  uuid: () => systemRandom.uuid(),
  date: () => '2030-01-03',
  'date-time': () => '2030-01-03T12:00:00.000Z',
  uri: () => 'https://hooks.example.com/',
}

/** Something that fits, with the required properties alone. */
export function example(schema: Schema, name = ''): unknown {
  const [member] = schema.anyOf ?? []
  if (member !== undefined) return example(member, name)
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  if (KNOWN[name] !== undefined) return KNOWN[name]
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

/** `at`: RFC 6901 pointer of what the problem names; the problem may name what is within it, too. */
export interface BadCase {
  readonly why: string
  readonly at: string
  readonly value: unknown
}

const CHOICE_OF_NOBODY = 'no-such-choice'
const PATTERNLESS = ['!', ' ', '\u0000', '0000-99', 'é', '']

/** Values that do not fit; `value` stands in the place of the whole. */
export function badCases(schema: Schema, at = '', good: unknown = example(schema)): BadCase[] {
  const own = ofKind(schema, good).map(([why, value]) => ({ why, at, value }))
  if (schema.properties === undefined) return own
  const whole = good as Record<string, unknown>
  const inside = Object.entries(schema.properties).flatMap(([key, property]) =>
    badCases(property, `${at}/${key}`, example(property, key)).map((each) => ({
      ...each,
      value: { ...whole, [key]: each.value },
    })),
  )
  return [...own, ...withoutRequired(schema, at, whole), ...withUnknown(schema, at, whole), ...inside]
}

function withoutRequired({ required = [] }: Schema, at: string, whole: Record<string, unknown>): BadCase[] {
  return required.map((key) => {
    const { [key]: _left, ...rest } = whole
    return { why: `without ${key}`, at, value: rest }
  })
}

function withUnknown({ additionalProperties }: Schema, at: string, whole: object): BadCase[] {
  return additionalProperties === false
    ? [{ why: 'an unknown property', at, value: { ...whole, nobody_knows: 1 } }]
    : []
}

type Bad = readonly [why: string, value: unknown]

function ofKind(schema: Schema, good: unknown): Bad[] {
  if (schema.enum !== undefined || schema.const !== undefined || schema.anyOf !== undefined)
    return [['no such choice', CHOICE_OF_NOBODY]]
  switch (schema.type ?? 'object') {
    case 'string':
      return ofString(schema)
    case 'integer':
    case 'number':
      return ofNumber(schema)
    case 'boolean':
      return [['neither true nor false', 'perhaps']]
    case 'array':
      return ofArray(schema, good as unknown[])
    default:
      return [['no object', 'x']]
  }
}

function ofString({ pattern, format, minLength = 0, maxLength }: Schema): Bad[] {
  const fits = (text: string): boolean => pattern === undefined || new RegExp(pattern, 'u').test(text)
  const odd = PATTERNLESS.find((text) => !fits(text))
  return [
    ['an object', { x: 1 }],
    ['a number', 7],
    ...(maxLength === undefined ? [] : [['too long', 'a'.repeat(maxLength + 1)] as const]),
    ...(minLength === 0 ? [] : [['too short', 'a'.repeat(minLength - 1)] as const]),
    ...(odd === undefined ? [] : [['not of the pattern', odd] as const]),
    ...(format === undefined ? [] : [[`no ${format}`, 'abc'] as const]),
  ]
}

function ofNumber({ type, minimum, maximum }: Schema): Bad[] {
  return [
    ['no number', 'many'],
    ...(type === 'integer' ? [['a fraction', (minimum ?? 0) + 0.5] as const] : []),
    ...(maximum === undefined ? [] : [['too much', maximum + 1] as const]),
    ...(minimum === undefined ? [] : [['too little', minimum - 1] as const]),
  ]
}

function ofArray({ items = {}, minItems = 0, maxItems }: Schema, good: unknown[]): Bad[] {
  const [one = example(items)] = good
  const wrong = badCases(items, '', one).map(({ why, value }) => [`with ${why}`, [value]] as const)
  return [
    ['no list', { x: 1 }],
    ...(minItems === 0 ? [] : [['too few', []] as const]),
    ...(maxItems === undefined
      ? []
      : [['too many', Array.from({ length: maxItems + 1 }, () => one)] as const]),
    ...wrong,
  ]
}
