/** Commands about the audit log. Nobody can change it; who administers one organisation sees what was done in its name. */
import type { AuditEntry, AuditQuery } from '@sealpost/audit'
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { cutPage } from '../cut-page.ts'
import { defineCommand, type Actor } from './command.ts'
import { LIMIT_DEFAULT, limitSchema, nextSchema, withNext } from './paging.ts'
import { daySchema } from './rights-schema.ts'

const EXPORT_LIMIT = 1_000

const word = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 1_100, description }))

const entrySchema = Type.Object({
  seq: Type.Integer({ description: 'From 1, without gaps' }),
  at: Type.String({ format: 'date-time' }),
  actor: Type.Object({
    kind: Type.Union([
      Type.Literal('owner'),
      Type.Literal('administrator'),
      Type.Literal('key'),
      Type.Literal('system'),
    ]),
    id: Type.Optional(Type.String()),
    organisation: Type.Optional(Type.String()),
  }),
  action: Type.String({ description: 'The name of the command' }),
  target: Type.Optional(Type.Object({ kind: Type.String(), id: Type.String() })),
  reason: Type.Optional(Type.String()),
  phase: Type.Union([Type.Literal('begun'), Type.Literal('done'), Type.Literal('refused')]),
  begun: Type.Optional(Type.Integer({ description: 'The entry that this one ends' })),
  details: Type.String({ description: 'JSON: what was asked, or what changed' }),
  previous_hash: Type.String(),
  hash: Type.String({ description: 'SHA-256, in hex' }),
})

function show(entry: AuditEntry): Static<typeof entrySchema> {
  const { actor, target, reason, begun } = entry
  return {
    seq: entry.seq,
    at: new Date(entry.at).toISOString(),
    actor: {
      kind: actor.kind,
      ...(actor.id === undefined ? {} : { id: actor.id }),
      ...(actor.organisationId === undefined ? {} : { organisation: actor.organisationId }),
    },
    action: entry.action,
    ...(target === undefined ? {} : { target: { ...target } }),
    ...(reason === undefined ? {} : { reason }),
    phase: entry.phase,
    ...(begun === undefined ? {} : { begun }),
    details: entry.details,
    previous_hash: entry.previousHash.toString('hex'),
    hash: entry.hash.toString('hex'),
  }
}

const pageSchema = Type.Object({
  items: Type.Array(entrySchema),
  next: nextSchema,
})

const filters = {
  action: word('Name of a command'),
  actor: word('Id of an administrator or key'),
  target: word('Id of an account or of another thing, or a name such as that of a domain'),
  from: Type.Optional(Type.String({ ...daySchema, description: 'First day (UTC)' })),
  until: Type.Optional(Type.String({ ...daySchema, description: 'Day (UTC) after the last' })),
}
const filterSchema = Type.Object(filters)

function toQuery(actor: Actor, query: Static<typeof filterSchema>): Omit<AuditQuery, 'limit'> {
  return {
    action: query.action,
    actorId: query.actor,
    targetId: query.target,
    organisationId: 'organisationId' in actor ? actor.organisationId : undefined,
    from: query.from === undefined ? undefined : Date.parse(query.from),
    until: query.until === undefined ? undefined : Date.parse(query.until),
  }
}

function parseCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  if (/^[1-9]\d{0,14}$/.test(cursor)) return Number(cursor)
  throw new HttpProblem(400, 'cursor-malformed', 'The cursor is not one of ours')
}

export const listAudit = defineCommand({
  name: 'audit.list',
  summary: 'List what administrators did, the newest first',
  method: 'GET',
  path: '/v1/audit',
  access: 'audit:read',
  reach: 'organisation',
  query: Type.Object(
    {
      ...filters,
      cursor: Type.Optional(Type.String({ maxLength: 16 })),
      limit: limitSchema,
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: pageSchema,
  async handle({ audit }, { actor, query }) {
    const { limit = LIMIT_DEFAULT } = query
    const before = parseCursor(query.cursor)
    const found = await audit.find({ ...toQuery(actor, query), before, limit: limit + 1 })
    const { items, next } = cutPage(found, limit, ({ seq }) => String(seq))
    return withNext(items.map(show), next)
  },
  lines: [{ noun: 'audit', verb: 'list', print: ({ items }) => items.map(print).join('\n') || 'No entries' }],
})

function print({
  seq,
  at,
  actor,
  action,
  target,
  phase,
  reason,
  details,
}: Static<typeof entrySchema>): string {
  const who = actor.id === undefined ? actor.kind : `${actor.kind} ${actor.id}`
  const what = target === undefined ? '' : `  ${target.kind} ${target.id}`
  return `${String(seq)}  ${at}  ${who}  ${action}${what}  ${phase}${reason === undefined ? '' : `  (${reason})`}  ${details}`
}

export const exportAudit = defineCommand({
  name: 'audit.export',
  summary: 'Export the audit log in the order of the chain, up to 1,000 entries at a time',
  method: 'GET',
  path: '/v1/audit/export',
  access: 'audit:read',
  query: Type.Object(
    { after: Type.Optional(Type.Integer({ minimum: 0, description: 'seq of the last entry you have' })) },
    { additionalProperties: false },
  ),
  status: 200,
  response: Type.Object({ items: Type.Array(entrySchema) }),
  async handle({ audit }, { query }) {
    return { items: (await audit.after(query.after ?? 0, EXPORT_LIMIT)).map(show) }
  },
  lines: [
    {
      noun: 'audit',
      verb: 'export',
      print: ({ items }) => items.map((entry) => JSON.stringify(entry)).join('\n'),
    },
  ],
})

const verdictSchema = Type.Object({
  entries: Type.Integer(),
  head: Type.String({ description: 'Hash of the newest entry' }),
  heads_compared: Type.Integer({ description: 'Hashes noted in the data directory, outside the database' }),
  broken: Type.Optional(
    Type.Integer({ description: 'The first entry that is missing, changed or out of place' }),
  ),
})

export const verifyAudit = defineCommand({
  name: 'audit.verify',
  summary: 'Recompute the chain of the audit log and compare it with the hashes noted outside the database',
  method: 'GET',
  path: '/v1/audit/verdict',
  access: 'audit:read',
  query: Type.Object(
    {
      seq: Type.Optional(Type.Integer({ minimum: 1, description: 'An entry whose hash you have noted' })),
      hash: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'That hash' })),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: verdictSchema,
  requestsPerMinute: 10,
  async handle({ audit, auditHeads }, { query: { seq, hash } }) {
    if ((seq === undefined) !== (hash === undefined))
      throw new HttpProblem(400, 'head-incomplete', 'seq and hash are given together')
    const heads = await auditHeads.read()
    if (seq !== undefined && hash !== undefined) heads.push({ seq, hash })
    const { entries, head, broken } = await audit.verify(heads)
    return { entries, head, heads_compared: heads.length, ...(broken === undefined ? {} : { broken }) }
  },
  lines: [{ noun: 'audit', verb: 'verify', print: printVerdict }],
})

function printVerdict({
  entries,
  head,
  heads_compared: heads,
  broken,
}: Static<typeof verdictSchema>): string {
  if (broken !== undefined)
    return `BROKEN at entry ${String(broken)}: it is missing, changed or out of place. Compare with an export or a backup.`
  return `${String(entries)} entries are as they were written (compared with ${String(heads)} noted hashes)\n${String(entries)} ${head}`
}
