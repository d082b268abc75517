/** Four eyes: what one asks for waits until another has approved it. On the host nobody is waited for. */
import type { AuditActor, AuditDetails, AuditTarget } from '@sealpost/audit'
import { HttpProblem } from '@sealpost/http'
import type { Requester } from '../access/approvals.ts'
import { organisationOf } from '../access/reach.ts'
import type { Actor, Command, CommandContext, FourEyesRequest } from './command.ts'

type AnyRequest = Parameters<Command['handle']>[1]

/** What the audit log says of the request. */
export interface Said {
  readonly actor: AuditActor
  readonly target: AuditTarget | undefined
  readonly details: AuditDetails
}

/** Uses an approval up where one is needed. Throws 403 `approval-needed` with the id of the one that was asked for, and the AccessErrors of Approvals. */
export async function checkFourEyes(
  command: Command,
  context: CommandContext,
  request: AnyRequest,
  { actor, target, details }: Said,
): Promise<void> {
  const requester = requesterOf(request.actor)
  if (requester === undefined || !(await isNeeded(command, context, request))) return
  const { params, query, body, reason, approval: given } = request
  const asked = { action: command.name, params, query, body }
  const { approvals } = context.access
  if (given !== undefined) {
    await approvals.use(given, requester, asked)
    return
  }
  const shown = { target, details: JSON.stringify(details), reason }
  const { approval, isNew } = await approvals.ask(requester, asked, shown)
  if (isNew) {
    const about = { kind: 'approval', id: approval.id }
    await context.audit.note({
      actor,
      action: 'approval.ask',
      target: about,
      reason,
      details: { action: command.name },
    })
  }
  throw new HttpProblem(403, 'approval-needed', 'Another administrator has to approve that first', {
    approval: approval.id,
    expires_at: new Date(approval.expiresAt).toISOString(),
  })
}

async function isNeeded(
  { fourEyes }: Command,
  context: CommandContext,
  request: AnyRequest,
): Promise<boolean> {
  return typeof fourEyes === 'function' ? fourEyes(context, request) : fourEyes === true
}

/** Undefined: who asks on the host. */
function requesterOf(actor: Actor): Requester | undefined {
  if (actor.kind !== 'administrator' && actor.kind !== 'key') return undefined
  const { kind, id, organisationId } = actor
  return { kind, id, organisationId, askedBy: actor.kind === 'key' ? actor.madeBy : id }
}

/** For `fourEyes`: once there are two who could approve for one another. */
export function whenSeveral(
  { access }: CommandContext,
  { actor }: Pick<FourEyesRequest<never, never, never>, 'actor'>,
): Promise<boolean> {
  return access.administrators.areSeveral(organisationOf(actor))
}
