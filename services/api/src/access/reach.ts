/** How far those reach who may act within one organisation only: to what belongs to it and to all below it. Beyond, nothing exists for them. */
import { AccountError, OrganisationError, type Account, type Organisation } from '@sealpost/accounts'
import type { Jid } from '@sealpost/jid'
import type { Actor, CommandContext } from '../commands/command.ts'

type Context = Pick<CommandContext, 'accounts'>

/** The organisation that bounds the actor; undefined: they act on the whole server. */
export function organisationOf(actor: Actor): string | undefined {
  return 'organisationId' in actor ? actor.organisationId : undefined
}

/** Whether the actor reaches what belongs to this organisation; undefined: to nobody but the server. */
export async function reaches(
  { accounts }: Context,
  actor: Actor,
  organisationId: string | undefined,
): Promise<boolean> {
  const bound = organisationOf(actor)
  if (bound === undefined) return true
  if (organisationId === undefined) return false
  const organisation = await accounts.organisations.find(organisationId)
  return organisation?.path.includes(bound) === true
}

/** Undefined where there is no such account, or not for this actor. */
export async function findReachableAccount(
  context: Context,
  actor: Actor,
  jid: Jid,
): Promise<Account | undefined> {
  const account = await context.accounts.find(jid)
  return account && (await reaches(context, actor, account.organisationId)) ? account : undefined
}

/** Throws ACCOUNT_UNKNOWN, also for one beyond the actor's organisation. */
export async function reachableAccount(context: Context, actor: Actor, jid: Jid): Promise<Account> {
  const account = await findReachableAccount(context, actor, jid)
  if (account === undefined) throw new AccountError('ACCOUNT_UNKNOWN')
  return account
}

/** Of the organisation asked for, or of the actor's own, and of all below it; undefined: there is no bound. Throws ORGANISATION_UNKNOWN. */
export async function organisationIdsOf(
  context: Context,
  actor: Actor,
  wanted: string | undefined,
): Promise<string[] | undefined> {
  const id = wanted ?? organisationOf(actor)
  if (id === undefined) return undefined
  await reachableOrganisation(context, actor, id)
  return [...(await context.accounts.organisations.within(id))]
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
