import type { FastToken, FastTokenStore, TokenOwner, TokenSlot } from './token-store.ts'

interface Row extends FastToken, TokenOwner {
  slot: TokenSlot
  lastCount: number | undefined
}

/** For tests and simulations. `isKnown` says which devices there are. */
export function memoryFastTokenStore(isKnown: (owner: TokenOwner) => boolean = () => true): FastTokenStore {
  let rows: Row[] = []
  const isOf = (owner: TokenOwner) => (row: Row) =>
    row.accountId === owner.accountId && row.identity.equals(owner.identity)
  const drop = (unwanted: (row: Row) => boolean) => {
    rows = rows.filter((row) => !unwanted(row))
  }
  return {
    async ofDevice(owner) {
      return rows
        .filter((row) => isKnown(row) && isOf(owner)(row))
        .map(({ slot, mechanism, seed, expiresOn }) => ({ slot, mechanism, seed, expiresOn }))
    },
    async issue(owner, token) {
      if (!isKnown(owner)) return false
      drop((row) => isOf(owner)(row) && row.slot === 'next')
      rows.push({ ...owner, ...token, slot: 'next', lastCount: undefined })
      return true
    },
    async use(owner, seed, count) {
      const own = rows.filter(isOf(owner))
      const row = own.find((each) => each.seed.equals(seed))
      if (!row || row.slot === 'spent') return false
      if (row.lastCount !== undefined && (count === undefined || count <= row.lastCount)) return false
      row.lastCount = count
      if (row.slot === 'current') return true
      drop((each) => isOf(owner)(each) && each.slot === 'spent')
      for (const each of own) if (each.slot === 'current') each.slot = 'spent'
      row.slot = 'current'
      return true
    },
    async revokeDevice(owner) {
      drop(isOf(owner))
    },
    async revokeAccount(accountId) {
      drop((row) => row.accountId === accountId)
    },
    async expire(today) {
      drop(({ expiresOn }) => expiresOn <= today)
    },
  }
}
