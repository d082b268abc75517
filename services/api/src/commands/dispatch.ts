/** Runs a command for whoever asks: refuses what they may not, and keeps the audit log. The same for every surface. */
import type { AuditActor, AuditDetails, AuditTarget, BegunAction } from '@sealpost/audit'
import { errorCode } from '@sealpost/errors'
import { HttpProblem } from '@sealpost/http'
import type { ApiEvents } from '../events.ts'
import { findReachableAccount } from '../access/reach.ts'
import { parseAddress } from './account-schema.ts'
import type { Actor, Command, CommandContext } from './command.ts'
import { checkFourEyes } from './four-eyes.ts'

type AnyRequest = Parameters<Command['handle']>[1]

const reject = {
  reach: () => new HttpProblem(403, 'beyond-organisation', 'This is for administrators of the whole server'),
  proof: () => new HttpProblem(403, 'proof-needed', 'Prove yourself anew; that holds for five minutes'),
  reason: () => new HttpProblem(422, 'reason-missing', 'Say why, in the header Sealpost-Reason'),
} as const

/** Throws the refusals of the domain as they are; `toHttpProblem` turns them into problems. */
export async function dispatch(
  command: Command,
  context: CommandContext,
  request: AnyRequest,
  events: Pick<ApiEvents, 'auditFailed'>,
): Promise<unknown> {
  checkReach(command, request.actor)
  checkProof(command, request)
  const actor = auditActor(request.actor)
  if (actor === undefined || command.method === 'GET' || command.unrecorded === true)
    return command.handle(context, request)

  const said = {
    actor,
    target: await targetOf(context, request.actor, request.params),
    details: pick(command.records, request.body),
  }
  await checkFourEyes(command, context, request, said)
  const before = await command.state?.(context, request)
  const { reason, approval } = request
  const details = { ...said.details, ...(approval === undefined ? {} : { approval }) }
  const begun = await context.audit.begin({ ...said, action: command.name, reason, details })
  return record({ command, context, request, begun, before, events })
}

/** Before the body is read, and for every surface. */
export function checkReach(command: Command, actor: Actor): void {
  const bounded = 'organisationId' in actor && actor.organisationId !== undefined
  if (bounded && command.reach !== 'organisation') throw reject.reach()
}

function checkProof({ destructive, proof }: Command, { actor, reason }: AnyRequest): void {
  if (actor.kind !== 'administrator') return
  if ((destructive ?? proof) === true && !actor.proven) throw reject.proof()
  if (destructive === true && reason === undefined) throw reject.reason()
}

/** Undefined: what accounts and strangers do for themselves is no administration. */
function auditActor(actor: Actor): AuditActor | undefined {
  if (actor.kind === 'owner') return { kind: 'owner' }
  if (actor.kind === 'key' || actor.kind === 'administrator')
    return { kind: actor.kind, id: actor.id, organisationId: actor.organisationId }
  return undefined
}

interface Recorded {
  readonly command: Command
  readonly context: CommandContext
  readonly request: AnyRequest
  readonly begun: BegunAction
  readonly before: AuditDetails | undefined
  readonly events: Pick<ApiEvents, 'auditFailed'>
}

/** What was done stays done when the log cannot be written any more: then the entry of its beginning stands alone, and a log line says so. */
async function record({ command, context, request, begun, before, events }: Recorded): Promise<unknown> {
  const orSaid = (error: unknown): void => events.auditFailed(errorCode(error))
  let result: unknown
  try {
    result = await command.handle(context, request)
  } catch (error) {
    await begun.refused(codeOf(error)).catch(orSaid)
    throw error
  }
  const after =
    command.state === undefined ? undefined : await command.state(context, request).catch(() => undefined)
  const details = { ...pick(command.records, result), ...difference(before, after) }
  await begun.done(details, madeBy(command, result)).catch(orSaid)
  return result
}

function codeOf(error: unknown): string {
  return error instanceof HttpProblem ? error.type : errorCode(error)
}

/** What the path names, if it is there for the actor: an account by its id, anything else by what stands there, which is no person's name. */
async function targetOf(
  context: CommandContext,
  actor: Actor,
  params: object,
): Promise<AuditTarget | undefined> {
  const [[name, value] = []] = Object.entries(params) as [string, string][]
  if (name === undefined || value === undefined) return undefined
  if (name !== 'jid') return { kind: name, id: value }
  const account = await findReachableAccount(context, actor, parseAddress(value))
  return account && { kind: 'account', id: account.id }
}

/** What a POST has made, if it has an id and the path named nothing. */
function madeBy({ path, name }: Command, result: unknown): AuditTarget | undefined {
  if (path.includes(':') || typeof result !== 'object' || result === null || !('id' in result))
    return undefined
  return typeof result.id === 'string' ? { kind: name.split('.')[0] ?? name, id: result.id } : undefined
}

function pick(names: readonly string[] = [], from: unknown): AuditDetails {
  if (typeof from !== 'object' || from === null) return {}
  const fields = from as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    names.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]),
  )
}

/** `field: [before, after]` of each that changed. */
function difference(before: AuditDetails | undefined, after: AuditDetails | undefined): AuditDetails {
  if (before === undefined || after === undefined) return {}
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  return {
    changed: Object.fromEntries(changed.map((name) => [name, [before[name] ?? null, after[name] ?? null]])),
  }
}
