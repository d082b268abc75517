/** Administrators and their proofs in memory: the plain model of the Postgres store. */
import { AccessError } from './access-error.ts'
import { isOfOrganisation, type Role } from './roles.ts'
import {
  nameKey,
  type AccessStore,
  type AdministratorRow,
  type Enrolled,
  type PasskeyRow,
  type SessionRow,
  type TotpRow,
} from './store.ts'

/** Shared with the store of sessions: removal ends those. */
export interface MemoryState {
  readonly administrators: Map<string, AdministratorRow>
  readonly passkeys: Map<string, { administratorId: string; row: PasskeyRow }>
  readonly totps: Map<string, TotpRow>
  /** `administrator hash` */
  readonly codes: Set<string>
  readonly sessions: Map<string, { tokenHash: string; row: SessionRow }>
}

export function memoryState(): MemoryState {
  return {
    administrators: new Map(),
    passkeys: new Map(),
    totps: new Map(),
    codes: new Set(),
    sessions: new Map(),
  }
}

const MAX = 4

export function memoryAccessStore(state: MemoryState): AccessStore {
  return { ...administrators(state), ...ownPasskeys(state), ...ownCodes(state) }
}

function administrators(state: MemoryState) {
  const known = (id: string): AdministratorRow => {
    const row = state.administrators.get(id)
    if (row === undefined) throw new AccessError('ADMINISTRATOR_UNKNOWN')
    return row
  }
  const take = (row: AdministratorRow): void => {
    const others = [...state.administrators.values()].filter(({ id }) => id !== row.id)
    const alike = others.filter((each) => mayApprove(each.role) && each.organisationId === row.organisationId)
    if (mayApprove(row.role) && alike.length >= MAX) throw new AccessError('ADMINISTRATORS_FULL')
    if (others.some(({ name }) => nameKey(name) === nameKey(row.name))) throw new AccessError('NAME_TAKEN')
    state.administrators.set(row.id, row)
  }
  const checkOwnerRemains = (id: string): void => {
    const owners = [...state.administrators.values()].filter(({ role }) => role === 'owner')
    if (owners.every((owner) => owner.id === id) && owners.length > 0) throw new AccessError('LAST_OWNER')
  }
  const forget = (id: string): void => {
    state.administrators.delete(id)
    forgetProofs(state, id)
  }
  return {
    async insert(row: AdministratorRow, enrolled: Enrolled) {
      take(row)
      insertProofs(state, row.id, enrolled)
    },
    async enrolAnew(id: string, name: string, enrolled: Enrolled) {
      take({ ...known(id), name })
      forgetProofs(state, id)
      insertProofs(state, id, enrolled)
    },
    find: async (id: string) => state.administrators.get(id),
    list: async ({ after = '', limit, organisationIds }: Parameters<AccessStore['list']>[0]) =>
      [...state.administrators.values()]
        .filter(
          ({ id, organisationId = '' }) => id > after && organisationIds?.includes(organisationId) !== false,
        )
        .toSorted((one, other) => (one.id < other.id ? -1 : 1))
        .slice(0, limit)
        .map((row) => ({
          ...row,
          passkeys: passkeysOf(state, row.id).length,
          totp: state.totps.has(row.id),
        })),
    countApprovers: async (organisationId: string | undefined) =>
      [...state.administrators.values()].filter(
        (row) => mayApprove(row.role) && row.organisationId === organisationId,
      ).length,
    anybody: async () => state.administrators.size > 0,
    rename: async (id: string, name: string) => take({ ...known(id), name }),
    async setRole(id: string, role: Role, organisationId: string | undefined) {
      const row = known(id)
      if (row.role === 'owner' && role !== 'owner') checkOwnerRemains(id)
      take({ ...row, role, organisationId })
      endSessions(state, id)
    },
    async remove(id: string) {
      if (known(id).role === 'owner') checkOwnerRemains(id)
      forget(id)
    },
    async removeOf(organisationId: string) {
      for (const row of state.administrators.values())
        if (row.organisationId === organisationId) forget(row.id)
    },
    async recordUse(id: string, day: string) {
      const row = state.administrators.get(id)
      if (row !== undefined) state.administrators.set(id, { ...row, lastUsedOn: day })
    },
  }
}

function ownPasskeys(state: MemoryState) {
  const known = (administratorId: string, id: string): PasskeyRow => {
    const found = state.passkeys.get(id)
    if (found?.administratorId !== administratorId) throw new AccessError('PASSKEY_UNKNOWN')
    return found.row
  }
  return {
    security: async (id: string) => ({
      passkeys: passkeysOf(state, id),
      totp: state.totps.get(id),
      codesLeft: [...state.codes].filter((code) => code.startsWith(id)).length,
    }),
    async passkeyByCredential(credentialId: Buffer) {
      const found = state.passkeys.values().find(({ row }) => row.credentialId.equals(credentialId))
      const administrator = found && state.administrators.get(found.administratorId)
      return found && administrator && { passkey: found.row, administrator }
    },
    async addPasskey(administratorId: string, row: PasskeyRow, max: number) {
      if (passkeysOf(state, administratorId).length >= max) throw new AccessError('PASSKEY_LIMIT')
      insertProofs(state, administratorId, { passkey: row, totp: undefined, codeHashes: [] })
    },
    async recordPasskeyUse(id: string, counter: number, day: string) {
      const found = state.passkeys.get(id)
      if (found === undefined) return
      const row = { ...found.row, counter: Math.max(counter, found.row.counter), lastUsedOn: day }
      state.passkeys.set(id, { ...found, row })
    },
    async renamePasskey(administratorId: string, id: string, name: string) {
      state.passkeys.set(id, { administratorId, row: { ...known(administratorId, id), name } })
    },
    async removePasskey(administratorId: string, id: string) {
      known(administratorId, id)
      if (passkeysOf(state, administratorId).length === 1 && !state.totps.has(administratorId))
        throw new AccessError('LAST_PROOF')
      state.passkeys.delete(id)
    },
  }
}

function ownCodes(state: MemoryState) {
  const named = (name: string): AdministratorRow | undefined =>
    state.administrators.values().find((row) => nameKey(row.name) === nameKey(name))
  return {
    async totpByName(name: string) {
      const administrator = named(name)
      const totp = administrator && state.totps.get(administrator.id)
      return administrator && totp && { administrator, totp }
    },
    setTotp: async (administratorId: string, totp: TotpRow) => void state.totps.set(administratorId, totp),
    async useTotpStep(administratorId: string, step: number) {
      const totp = state.totps.get(administratorId)
      if (totp === undefined || totp.usedStep >= step) return false
      state.totps.set(administratorId, { ...totp, usedStep: step })
      return true
    },
    async removeTotp(administratorId: string) {
      if (passkeysOf(state, administratorId).length === 0) throw new AccessError('LAST_PROOF')
      state.totps.delete(administratorId)
    },
    async replaceCodes(administratorId: string, codeHashes: readonly Buffer[]) {
      for (const code of state.codes) if (code.startsWith(administratorId)) state.codes.delete(code)
      insertProofs(state, administratorId, { passkey: undefined, totp: undefined, codeHashes })
    },
    async useCode(name: string, codeHash: Buffer) {
      const administrator = named(name)
      if (administrator === undefined) return undefined
      return state.codes.delete(codeKey(administrator.id, codeHash)) ? administrator : undefined
    },
  }
}

function mayApprove(role: Role): boolean {
  return role === 'owner' || role === 'admin' || isOfOrganisation(role)
}

function codeKey(administratorId: string, codeHash: Buffer): string {
  return `${administratorId} ${codeHash.toString('hex')}`
}

function passkeysOf(state: MemoryState, administratorId: string): PasskeyRow[] {
  return [...state.passkeys.values()]
    .filter((each) => each.administratorId === administratorId)
    .map(({ row }) => row)
}

function insertProofs(
  state: MemoryState,
  administratorId: string,
  { passkey, totp, codeHashes }: Enrolled,
): void {
  if (passkey !== undefined) {
    if (state.passkeys.values().some(({ row }) => row.credentialId.equals(passkey.credentialId)))
      throw new AccessError('CREDENTIAL_REFUSED')
    state.passkeys.set(passkey.id, { administratorId, row: passkey })
  }
  if (totp !== undefined) state.totps.set(administratorId, totp)
  for (const hash of codeHashes) state.codes.add(codeKey(administratorId, hash))
}

function forgetProofs(state: MemoryState, administratorId: string): void {
  for (const { id } of passkeysOf(state, administratorId)) state.passkeys.delete(id)
  state.totps.delete(administratorId)
  for (const code of state.codes) if (code.startsWith(administratorId)) state.codes.delete(code)
  endSessions(state, administratorId)
}

function endSessions(state: MemoryState, administratorId: string): void {
  for (const [id, { row }] of state.sessions)
    if (row.administratorId === administratorId) state.sessions.delete(id)
}
