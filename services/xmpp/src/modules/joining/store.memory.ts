/** Links to become a contact in memory, for tests. */
import type { ContactInvite, ContactInviteStore } from './store.ts'

export function memoryContactInviteStore(): ContactInviteStore {
  const invites = new Map<string, ContactInvite>()
  const keyOf = (hash: Buffer): string => hash.toString('hex')
  const open = (hash: Buffer, now: number): ContactInvite | undefined => {
    const invite = invites.get(keyOf(hash))
    return invite !== undefined && invite.expiresAt > now ? invite : undefined
  }
  const of = (accountId: string): ContactInvite[] =>
    [...invites.values()].filter((invite) => invite.accountId === accountId)
  return {
    async insert(invite, max, now) {
      for (const [key, { expiresAt }] of invites) if (expiresAt <= now) invites.delete(key)
      if (of(invite.accountId).length >= max) return false
      invites.set(keyOf(invite.tokenHash), invite)
      return true
    },
    find: async (hash, now) => open(hash, now)?.accountId,
    take: async (hash, now) => open(hash, now) !== undefined && invites.delete(keyOf(hash)),
    async ofAccount(accountId, now) {
      const ends = of(accountId).map(({ expiresAt }) => expiresAt)
      return ends.filter((expiresAt) => expiresAt > now).toSorted((a, b) => a - b)
    },
    async erase(accountId) {
      for (const { tokenHash } of of(accountId)) invites.delete(keyOf(tokenHash))
    },
  }
}
