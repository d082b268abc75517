/** Sessions and challenges in memory: the plain model of the Postgres store. */
import type { MemoryState } from './store.memory.ts'
import type { ChallengePurpose, ChallengeRow, SessionRow, SessionStore } from './store.ts'

export function memorySessionStore({ administrators, sessions }: MemoryState): SessionStore {
  const challenges = new Map<string, ChallengeRow>()
  const change = (id: string, changed: Partial<SessionRow>): void => {
    const known = sessions.get(id)
    if (known !== undefined) sessions.set(id, { ...known, row: { ...known.row, ...changed } })
  }
  return {
    async insertSession(row, tokenHash) {
      sessions.set(row.id, { tokenHash: tokenHash.toString('hex'), row })
    },
    async session(tokenHash) {
      const session = sessions.values().find((each) => each.tokenHash === tokenHash.toString('hex'))?.row
      const administrator = session && administrators.get(session.administratorId)
      return session && administrator && { session, administrator }
    },
    touchSession: async (id, seenAt) => change(id, { seenAt }),
    proveSession: async (id, provedAt) => change(id, { provedAt }),
    sessions: async (administratorId) =>
      [...sessions.values()]
        .map(({ row }) => row)
        .filter((row) => row.administratorId === administratorId)
        .toSorted((one, other) => other.startedAt - one.startedAt),
    async endSession(administratorId, id) {
      return sessions.get(id)?.row.administratorId === administratorId && sessions.delete(id)
    },
    async eraseSessions(startedBefore, notSeenSince) {
      for (const [id, { row }] of sessions)
        if (row.startedAt <= startedBefore || row.seenAt <= notSeenSince) sessions.delete(id)
    },
    async insertChallenge(challenge, max, now) {
      for (const [key, { expiresAt }] of challenges) if (expiresAt <= now) challenges.delete(key)
      const alike = [...challenges.values()].filter(({ purpose }) => purpose === challenge.purpose)
      if (alike.length >= max) return false
      challenges.set(challenge.challengeHash.toString('hex'), challenge)
      return true
    },
    async takeChallenge(challengeHash: Buffer, purpose: ChallengePurpose, now: number) {
      const key = challengeHash.toString('hex')
      const found = challenges.get(key)
      if (found?.purpose !== purpose || found.expiresAt <= now) return undefined
      challenges.delete(key)
      return found
    },
  }
}
