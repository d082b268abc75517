/** Whose administrators, keys and approvals somebody reaches: of their organisation and all below it, or of the server and all organisations. */
import type { Actor, CommandContext } from '../commands/command.ts'
import { organisationOf } from './reach.ts'

type Context = Pick<CommandContext, 'accounts'>

/** Undefined: all, and those of the server. */
export async function administered(
  { accounts }: Context,
  actor: Actor,
): Promise<ReadonlySet<string> | undefined> {
  const bound = organisationOf(actor)
  return bound === undefined ? undefined : accounts.organisations.within(bound)
}
