/** Commands about the keys that sign our mail (RFC 6376): what belongs in DNS, and the next ones. */
import { Type, type Static } from '@sealpost/http'
import type { DkimKeyListing } from '@sealpost/ports'
import { defineCommand } from './command.ts'
import { ownDomain, printRecord } from './mail-reports.ts'

const keySchema = Type.Object({
  selector: Type.String(),
  algorithm: Type.Union([Type.Literal('rsa'), Type.Literal('ed25519')]),
  state: Type.Union([Type.Literal('next'), Type.Literal('active'), Type.Literal('retired')], {
    description: 'next signs once DNS has its record; retired: leave the record published while it is listed',
  }),
  since: Type.String({ format: 'date', description: 'A day in UTC' }),
  name: Type.String({ description: 'Where the TXT record belongs' }),
  record: Type.String({ description: 'What it says' }),
  published: Type.Union(
    [Type.Literal('yes'), Type.Literal('no'), Type.Literal('other'), Type.Literal('unknown')],
    { description: 'Whether DNS has it; other: it has another one; unknown: nobody answers' },
  ),
})
const keysSchema = Type.Object({ items: Type.Array(keySchema) })
const params = Type.Object({ domain: Type.String({ minLength: 1, maxLength: 253 }) })

function answer(keys: readonly DkimKeyListing[]): Static<typeof keysSchema> {
  return { items: [...keys] }
}

function print({ items }: Static<typeof keysSchema>): string {
  return items
    .map(
      ({ algorithm, state, since, published, name, record }) =>
        `${state} since ${since}  ${algorithm}  in DNS: ${published}\n${printRecord(name, record)}`,
    )
    .join('\n')
}

export const listDkimKeys = defineCommand({
  name: 'dkim.list',
  summary: 'List the DKIM keys of a domain with the records that belong in DNS',
  method: 'GET',
  path: '/v1/domains/:domain/dkim',
  access: 'domains:read',
  params,
  status: 200,
  response: keysSchema,
  handle: async (context, request) =>
    answer(await context.dkim.list(ownDomain(context, request.params.domain))),
  lines: [{ noun: 'dkim', verb: 'list', print }],
})

export const rotateDkimKeys = defineCommand({
  name: 'dkim.rotate',
  summary: 'Make the next DKIM keys of a domain; they sign once DNS has their records',
  method: 'POST',
  path: '/v1/domains/:domain/dkim',
  access: 'domains:write',
  params,
  status: 200,
  response: keysSchema,
  handle: async (context, request) =>
    answer(await context.dkim.rotate(ownDomain(context, request.params.domain))),
  lines: [{ noun: 'dkim', verb: 'rotate', print }],
})
