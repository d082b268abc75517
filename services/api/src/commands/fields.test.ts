import { expect, test } from 'vitest'
import { Type } from '@sealpost/http'
import { defineCommand } from './command.ts'
import { fieldsOf, fill } from './fields.ts'

const rest = {
  method: 'POST',
  path: '/v1/x',
  access: 'account',
  status: 200,
  response: Type.Object({}),
} as const
const command = defineCommand({
  ...rest,
  name: 'x.y',
  summary: 'Do',
  params: Type.Object({ jid: Type.String() }),
  query: Type.Object({ limit: Type.Optional(Type.Integer()) }),
  body: Type.Object({
    password: Type.String({ description: 'Yours' }),
    size: Type.Optional(Type.Union([Type.Literal('small'), Type.Literal('large')])),
    kind: Type.Optional(Type.Literal('only')),
    tags: Type.Optional(Type.Array(Type.Union([Type.Literal('a'), Type.Literal('b')]))),
    loud: Type.Optional(Type.Boolean()),
    nested: Type.Optional(Type.Object({})),
  }),
  handle: async () => ({}),
})

test('each property of params, query and body is a field; what no form can hold is left out', () => {
  expect(
    fieldsOf(command)?.map(({ name, kind, required, options }) => [name, kind, required, options]),
  ).toEqual([
    ['jid', 'address', true, []],
    ['limit', 'number', false, []],
    ['password', 'secret', true, []],
    ['size', 'choice', false, ['small', 'large']],
    ['kind', 'choice', false, ['only']],
    ['tags', 'choices', false, ['a', 'b']],
    ['loud', 'flag', false, []],
  ])
  expect(fieldsOf(command)?.[2]?.label).toBe('password: Yours')
})

test('a command that needs a file or a list of things has no form', () => {
  const upload = { types: ['text/csv'], description: '' } as const
  expect(fieldsOf({ ...command, upload })).toBeUndefined()
  const body = Type.Object({ things: Type.Array(Type.Object({})) })
  expect(fieldsOf({ ...command, body })).toBeUndefined()
})

test('what was filled in goes to its place with its type; what is empty or unknown was not given', () => {
  const values = {
    jid: ['a@b'],
    limit: ['12'],
    password: ['s'],
    size: [''],
    tags: ['a', 'b'],
    loud: ['true'],
    other: ['x'],
    kind: [],
  }
  expect(fill(command, values)).toEqual({
    params: { jid: 'a@b' },
    query: { limit: 12 },
    body: { password: 's', tags: ['a', 'b'], loud: true },
  })
  expect(fill(command, { limit: ['many'] }).query).toEqual({ limit: 'many' })
})
