/** How far those who administer one organisation see of who administers. */
import type { Actor, CommandContext } from '../commands/command.ts'

export function organisationOf(actor: Actor): string | undefined {
  return 'organisationId' in actor ? actor.organisationId : undefined
}

/** The organisations whose administrators, keys and approvals the actor reaches; undefined: all, and those of the server. */
export async function administered(
  _context: Pick<CommandContext, 'accounts'>,
  actor: Actor,
): Promise<ReadonlySet<string> | undefined> {
  const bound = organisationOf(actor)
  return bound === undefined ? undefined : new Set([bound])
}

/** Whether one of these is among what the actor reaches; undefined is the server. */
export async function isAdministered(
  context: Pick<CommandContext, 'accounts'>,
  actor: Actor,
  organisationId: string | undefined,
): Promise<boolean> {
  const reached = await administered(context, actor)
  return reached === undefined || (organisationId !== undefined && reached.has(organisationId))
}
