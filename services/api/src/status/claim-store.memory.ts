/** Claims in memory: the plain model of the Postgres store. */
import type { Claim, ClaimStore } from './claims.ts'

export function memoryClaims(): ClaimStore {
  const claims = new Map<string, Claim>()
  const erase = (isObsolete: (claim: Claim) => boolean): void => {
    for (const [id, claim] of claims) if (isObsolete(claim)) claims.delete(id)
  }
  const keyOf = ({ subject, month, component }: Claim): string => [subject.id, month, component].join(' ')
  return {
    async insert(claim) {
      if (claims.values().some((other) => keyOf(other) === keyOf(claim))) return false
      claims.set(claim.id, claim)
      return true
    },
    async find(id) {
      return claims.get(id)
    },
    async list({ state, subjectId, after, limit }) {
      const order = ({ filedOn, id }: { filedOn: string; id: string }): string => `${filedOn} ${id}`
      return [...claims.values()]
        .filter((claim) => state === undefined || claim.state === state)
        .filter(({ subject }) => subjectId === undefined || subject.id === subjectId)
        .filter((claim) => after === undefined || order(claim) > order(after))
        .toSorted((a, b) => (order(a) < order(b) ? -1 : 1))
        .slice(0, limit)
    },
    async decide(id, state, credit, decidedOn) {
      const claim = claims.get(id)
      if (claim?.state !== 'open') return false
      claims.set(id, { ...claim, state, credit, decidedOn })
      return true
    },
    async erase(id) {
      erase(({ subject }) => subject.id === id)
    },
    async eraseDecided(before) {
      erase(({ decidedOn }) => decidedOn !== undefined && decidedOn < before)
    },
  }
}
