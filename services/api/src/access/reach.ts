/** How far those reach who may act within one organisation only: to what belongs to it and to all below it. Beyond, nothing exists for them. */
import { AccountError, OrganisationError, type Account, type Organisation } from '@sealpost/accounts'
import type { Jid } from '@sealpost/jid'
import type { Actor, CommandContext } from '../commands/command.ts'

type Context = Pick<CommandContext, 'accounts'>

/** The organisation that bounds the actor; undefined: they act on the whole server. */
export function organisationOf(actor: Actor): string | undefined {
  return 'organisationId' in actor ? actor.organisationId : undefined
}

/** Undefined where there is no such account, or not for this actor. */
export async function findReachableAccount(
  { accounts }: Context,
  actor: Actor,
  jid: Jid,
): Promise<Account | undefined> {
  const account = await accounts.find(jid)
  const bound = organisationOf(actor)
  if (account === undefined || bound === undefined) return account
  if (account.organisationId === undefined) return undefined
  const organisation = await accounts.organisations.find(account.organisationId)
  return organisation?.path.includes(bound) === true ? account : undefined
}

/** Throws ACCOUNT_UNKNOWN, also for one beyond the actor's organisation. */
export async function reachableAccount(context: Context, actor: Actor, jid: Jid): Promise<Account> {
  const account = await findReachableAccount(context, actor, jid)
  if (account === undefined) throw new AccountError('ACCOUNT_UNKNOWN')
  return account
}

/** Throws ORGANISATION_UNKNOWN, also for one that is neither the actor's own nor below it. */
export async function reachableOrganisation(
  { accounts }: Context,
  actor: Actor,
  id: string,
): Promise<Organisation> {
  const organisation = await accounts.organisations.find(id)
  const bound = organisationOf(actor)
  if (organisation === undefined || (bound !== undefined && !organisation.path.includes(bound)))
    throw new OrganisationError('ORGANISATION_UNKNOWN')
  return organisation
}
