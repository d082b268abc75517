/** Invites to make an account in memory: for tests and as the plain model of the Postgres store. */
import type { AccountInvite, AccountInviteStore } from './account-invites.ts'
import type { OrganisationStore } from './organisations.ts'
import type { PlanStore } from './plans.ts'
import type { AccountStore } from './store.ts'

export function memoryAccountInviteStore(
  accounts: Pick<AccountStore, 'insert' | 'findById'>,
  plans: Pick<PlanStore, 'list' | 'assign'>,
  organisations: Pick<OrganisationStore, 'find'>,
): AccountInviteStore {
  const invites = new Map<string, { invite: AccountInvite; token: string }>()
  const find = (is: (each: { invite: AccountInvite; token: string }) => boolean, now: number) =>
    invites.values().find((each) => each.invite.expiresAt > now && is(each))?.invite
  const byToken = (tokenHash: Buffer, now: number) =>
    find(({ token }) => token === tokenHash.toString('hex'), now)
  const planExists = async (name: string) => (await plans.list()).some((plan) => plan.name === name)
  return {
    async insert(invite, tokenHash, max, now) {
      for (const [id, each] of invites) if (each.invite.expiresAt <= now) invites.delete(id)
      const others = invites.values().filter((each) => each.invite.organisationId === invite.organisationId)
      if (others.toArray().length >= max) return 'full'
      if (invite.plan !== undefined && !(await planExists(invite.plan))) return 'plan-unknown'
      const { organisationId } = invite
      if (organisationId !== undefined && (await organisations.find(organisationId)) === undefined)
        return 'organisation-unknown'
      invites.set(invite.id, { invite, token: tokenHash.toString('hex') })
      return 'inserted'
    },
    byToken: async (tokenHash, now) => byToken(tokenHash, now),
    byId: async (id, now) => find(({ invite }) => invite.id === id, now),
    list: async ({ after, limit, organisationIds, now }) =>
      [...invites.values()]
        .map(({ invite }) => invite)
        .filter(({ id, expiresAt }) => expiresAt > now && (after === undefined || id > after))
        .filter(({ organisationId: of }) => organisationIds?.some((id) => id === of) ?? true)
        .toSorted((one, other) => (one.id < other.id ? -1 : 1))
        .slice(0, limit),
    remove: async (id) => invites.delete(id),

    async register(tokenHash, now, account, today) {
      const invite = byToken(tokenHash, now)
      if (invite === undefined) return 'gone'
      const used = { ...invite, used: invite.used + 1 }
      invites.set(invite.id, { invite: used, token: tokenHash.toString('hex') })
      if (used.used === used.uses) invites.delete(invite.id)
      const undo = () => invites.set(invite.id, { invite, token: tokenHash.toString('hex') })
      const [result = 'exists'] = await accounts.insert([account], today).catch((error: unknown) => {
        undo()
        throw error
      })
      if (result !== 'created') {
        undo()
        return result
      }
      if (invite.plan !== undefined) await plans.assign(account.id, invite.plan)
      return (await accounts.findById(account.id)) ?? 'gone'
    },
  }
}
