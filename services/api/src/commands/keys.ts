/** Commands about single certificates of the key directory. Nobody can list it: one is found by what one knows of it. */
import { HttpProblem, Type, type Static } from '@sealpost/http'
import type { DirectoryKey, KeySearch } from '@sealpost/ports'
import { defineCommand, type Command } from './command.ts'

const fingerprintSchema = Type.String({
  pattern: '^(?:[0-9A-F]{40}|[0-9A-F]{64})$',
  description: 'Hexadecimal in upper case',
})
const named = Type.Object({ fingerprint: fingerprintSchema })
const daySchema = Type.String({ format: 'date' })

const keySchema = Type.Object({
  fingerprint: fingerprintSchema,
  state: Type.Union(
    [
      Type.Literal('published'),
      Type.Literal('suspended'),
      Type.Literal('unpublished'),
      Type.Literal('revoked'),
      Type.Literal('removed'),
    ],
    {
      description:
        'suspended: hidden with its account; unpublished: shown without any address; removed: taken off, and not taken again',
    },
  ),
  algorithm: Type.Optional(Type.String({ description: 'Absent with the days when nothing of it is here' })),
  created_on: Type.Optional(daySchema),
  expires_on: Type.Optional(daySchema),
  published: Type.Array(Type.String(), { description: 'Addresses that it is shown with' }),
  suspended: Type.Array(Type.String(), { description: 'Addresses that are hidden with their accounts' }),
})

function show({ fingerprint, removed, certificate }: DirectoryKey): Static<typeof keySchema> {
  const { algorithm, createdOn, expiresOn, published = [], suspended = [] } = certificate ?? {}
  return {
    fingerprint,
    state: stateOf(removed, certificate),
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(createdOn === undefined ? {} : { created_on: createdOn }),
    ...(expiresOn === undefined ? {} : { expires_on: expiresOn }),
    published: [...published],
    suspended: [...suspended],
  }
}

function stateOf(
  removed: boolean,
  certificate: DirectoryKey['certificate'],
): Static<typeof keySchema>['state'] {
  if (removed) return 'removed'
  if (certificate?.revoked === true) return 'revoked'
  if ((certificate?.published.length ?? 0) > 0) return 'published'
  return (certificate?.suspended.length ?? 0) > 0 ? 'suspended' : 'unpublished'
}

function print({ fingerprint, state, algorithm = '', published }: Static<typeof keySchema>): string {
  return [fingerprint, state, algorithm, published.join(', ')].filter((part) => part !== '').join('  ')
}

const KINDS: Readonly<Record<number, KeySearch['kind']>> = {
  16: 'key-id',
  40: 'fingerprint',
  64: 'fingerprint',
}

function parseSearch(text: string): KeySearch {
  const hex = /^(?:0x)?([0-9a-f]+)$/i.exec(text.replaceAll(' ', ''))?.[1]
  const kind = hex === undefined ? undefined : KINDS[hex.length]
  if (hex !== undefined && kind !== undefined) return { kind, value: hex.toUpperCase() }
  if (/^[^\s@]+@[^\s@]+$/.test(text)) return { kind: 'address', value: text }
  throw new HttpProblem(
    400,
    'search-malformed',
    'Search for a mail address, a fingerprint or a key id of 16 hexadecimal digits',
  )
}

const find = defineCommand({
  name: 'key.find',
  summary: 'Find certificates of the key directory by one address, fingerprint or long key id',
  method: 'GET',
  path: '/v1/keys',
  access: 'keys:read',
  query: Type.Object(
    {
      search: Type.String({
        minLength: 3,
        maxLength: 320,
        description: 'A mail address, a fingerprint or a long key id',
      }),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: Type.Object({ items: Type.Array(keySchema) }),
  async handle({ keys }, { query: { search } }) {
    return { items: (await keys.find(parseSearch(search.trim()))).map(show) }
  },
  lines: [
    { noun: 'key', verb: 'find', print: ({ items }) => items.map(print).join('\n') || 'Nothing is here' },
  ],
})

const remove = defineCommand({
  name: 'key.remove',
  summary: 'Take a certificate off the key directory; it is not taken again, but for its revocation',
  method: 'POST',
  path: '/v1/keys/:fingerprint/remove',
  access: 'keys:write',
  destructive: true,
  params: named,
  records: ['removed'],
  status: 200,
  response: Type.Object({
    removed: Type.Boolean({ description: 'false: nothing of it was here, and nothing will be taken' }),
  }),
  handle: async ({ keys }, { params }) => ({ removed: await keys.remove(params.fingerprint) }),
  lines: [
    {
      noun: 'key',
      verb: 'remove',
      print: ({ removed }) => (removed ? 'Removed' : 'It is not here, and will not be taken'),
    },
  ],
})

const readmit = defineCommand({
  name: 'key.readmit',
  summary: 'Let a certificate that was taken off be uploaded again',
  method: 'POST',
  path: '/v1/keys/:fingerprint/readmit',
  access: 'keys:write',
  params: named,
  status: 200,
  response: named,
  async handle({ keys }, { params: { fingerprint } }) {
    await keys.readmit(fingerprint)
    return { fingerprint }
  },
  lines: [{ noun: 'key', verb: 'readmit', print: () => 'It may come again' }],
})

export const keyCommands: readonly Command[] = [find, remove, readmit]
