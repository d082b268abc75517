/** Commands about what needs a second pair of eyes. */
import { HttpProblem, Type, type Static } from '@sealpost/http'
import type { ApprovalRow } from '../access/approval-store.ts'
import { administered } from '../access/administered.ts'
import { reaches } from '../access/reach.ts'
import { cutPage } from '../cut-page.ts'
import { idParams } from './administrator-schema.ts'
import { defineCommand, type Actor, type Command, type CommandContext } from './command.ts'
import { LIMIT_DEFAULT, limitSchema, nextSchema, withNext } from './paging.ts'

const stateSchema = Type.Union(
  (['open', 'approved', 'refused', 'used'] as const).map((state) => Type.Literal(state)),
)

const approvalSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  action: Type.String({ description: 'The name of the command' }),
  target: Type.Optional(Type.Object({ kind: Type.String(), id: Type.String() })),
  details: Type.String({
    description: 'JSON: what the command is told, but for secrets and what identifies a person',
  }),
  reason: Type.Optional(Type.String()),
  requester: Type.Object({ kind: Type.String(), id: Type.String({ format: 'uuid' }) }),
  organisation: Type.Optional(Type.String({ format: 'uuid' })),
  state: Type.String({ description: 'open, approved, refused or used' }),
  decided_by: Type.Optional(Type.String({ format: 'uuid' })),
  asked_at: Type.String({ format: 'date-time' }),
  expires_at: Type.String({ format: 'date-time' }),
})

function show(row: ApprovalRow): Static<typeof approvalSchema> {
  const { id, action, target, details, reason, requester, organisationId, state, decidedBy } = row
  return {
    id,
    action,
    ...(target === undefined ? {} : { target: { ...target } }),
    details,
    ...(reason === undefined ? {} : { reason }),
    requester: { ...requester },
    ...(organisationId === undefined ? {} : { organisation: organisationId }),
    state,
    ...(decidedBy === undefined ? {} : { decided_by: decidedBy }),
    asked_at: new Date(row.askedAt).toISOString(),
    expires_at: new Date(row.expiresAt).toISOString(),
  }
}

function print({ id, action, target, state, reason, details }: Static<typeof approvalSchema>): string {
  const what = target === undefined ? action : `${action} ${target.kind} ${target.id}`
  return `${id}  ${state}  ${what}${reason === undefined ? '' : `  (${reason})`}  ${details}`
}

const reject = {
  notAPerson: () => new HttpProblem(403, 'administrator-needed', 'A person decides, not a key'),
  unknown: () => new HttpProblem(404, 'approval-unknown', 'There is no such approval, or not any more'),
} as const

async function findReachable(context: CommandContext, actor: Actor, id: string): Promise<ApprovalRow> {
  const approval = await context.access.approvals.find(id)
  if (approval === undefined || !(await reaches(context, actor, approval.organisationId)))
    throw reject.unknown()
  return approval
}

const listApprovals = defineCommand({
  name: 'approval.list',
  summary: 'List what has been asked for within a day, the newest first',
  method: 'GET',
  path: '/v1/approvals',
  access: 'approvals:read',
  reach: 'organisation',
  query: Type.Object(
    {
      cursor: Type.Optional(Type.String({ format: 'uuid', description: '`next` of the page before' })),
      limit: limitSchema,
      state: Type.Optional(stateSchema),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: Type.Object({
    items: Type.Array(approvalSchema),
    next: nextSchema,
  }),
  async handle(context, { actor, query }) {
    const { cursor: before, limit = LIMIT_DEFAULT, state } = query
    const reached = await administered(context, actor)
    const organisationIds = reached && [...reached]
    const rows = await context.access.approvals.list({ before, limit: limit + 1, state, organisationIds })
    const { items, next } = cutPage(rows, limit, ({ id }) => id)
    return withNext(items.map(show), next)
  },
  lines: [
    {
      noun: 'approval',
      verb: 'list',
      print: ({ items }) => items.map(print).join('\n') || 'Nothing is asked for',
    },
  ],
})

const showApproval = defineCommand({
  name: 'approval.show',
  summary: 'Show what has been asked for',
  method: 'GET',
  path: '/v1/approvals/:id',
  access: 'approvals:read',
  reach: 'organisation',
  params: idParams,
  status: 200,
  response: approvalSchema,
  handle: async (context, { actor, params }) => show(await findReachable(context, actor, params.id)),
  lines: [{ noun: 'approval', verb: 'show', print }],
})

function decision(verb: 'approve' | 'refuse', summary: string): Command {
  return defineCommand({
    name: `approval.${verb}`,
    summary,
    method: 'POST',
    path: `/v1/approvals/:id/${verb}`,
    access: 'approvals:write',
    reach: 'organisation',
    proof: true,
    params: idParams,
    records: ['action'],
    status: 200,
    response: approvalSchema,
    async handle(context, { actor, params }) {
      if (actor.kind === 'key') throw reject.notAPerson()
      await findReachable(context, actor, params.id)
      const by = actor.kind === 'administrator' ? actor.id : undefined
      const state = verb === 'approve' ? 'approved' : 'refused'
      return show(await context.access.approvals.decide(params.id, state, by))
    },
    lines: [{ noun: 'approval', verb, print }],
  })
}

export const approvalCommands: readonly Command[] = [
  listApprovals,
  showApproval,
  decision('approve', 'Approve what another administrator or a key has asked for, who then does it'),
  decision('refuse', 'Refuse it'),
]
