/** Who administers: invited, enrolled with a proof of their own, given another role, removed. At most four of the server and of each organisation. */
import { dayOf, type AccountsDomain, type Invite } from '@sealpost/accounts'
import type { Clock, Random } from '@sealpost/runtime'
import { AccessError } from './access-error.ts'
import type { AdministratorSecrets } from './administrator-secrets.ts'
import { checkName, nameNewPasskey } from './names.ts'
import type { PasskeyCreation, PasskeyMade, Passkeys } from './passkeys.ts'
import { hashRecoveryCode, makeRecoveryCodes } from './recovery-codes.ts'
import { isRole, type Role } from './roles.ts'
import type { AccessStore, AdministratorRow, Enrolled, ListedAdministrator } from './store.ts'
import type { Totp, TotpSetup } from './totp.ts'

/** How somebody who enrols proves themselves from then on. */
export type FirstProof =
  | { readonly credential: PasskeyMade; readonly passkeyName: string }
  | { readonly ticket: string; readonly code: string }

export interface Enrolment {
  readonly administrator: AdministratorRow
  /** Ten, shown only here. */
  readonly recoveryCodes: readonly string[]
}

export interface Administrators {
  /** The token is answered here only. An open invite does not count among the four; using it does. INVITE_LIMIT. */
  invite(
    role: Role,
    organisationId: string | undefined,
    invitedBy?: string,
  ): Promise<{ token: string; invite: Invite }>
  /** For somebody who has lost their proofs: enrolling replaces them. ADMINISTRATOR_UNKNOWN, INVITE_LIMIT. */
  inviteAnew(id: string): Promise<{ token: string; invite: Invite }>
  /** What the browser makes a passkey of. INVITE_GONE, NAME_MALFORMED, BUSY. */
  beginPasskey(token: string, name: string): Promise<PasskeyCreation>
  /** For whoever can have no passkey. INVITE_GONE, NAME_MALFORMED. */
  beginTotp(token: string, name: string): Promise<TotpSetup>
  /** Uses the invite. INVITE_GONE, NAME_MALFORMED, NAME_TAKEN, CREDENTIAL_REFUSED, PROOF_REFUSED, ADMINISTRATORS_FULL. */
  enrol(token: string, name: string, proof: FirstProof): Promise<Enrolment>
  find(id: string): Promise<AdministratorRow | undefined>
  list: AccessStore['list']
  anybody(): Promise<boolean>
  /** Whether an act of one of them could be approved by another. */
  areSeveral(organisationId: string | undefined): Promise<boolean>
  /** Ends their sessions. ADMINISTRATOR_UNKNOWN, ADMINISTRATORS_FULL, LAST_OWNER. */
  setRole(id: string, role: Role, organisationId: string | undefined): Promise<void>
  /** Ends their sessions. ADMINISTRATOR_UNKNOWN, LAST_OWNER. */
  remove(id: string): Promise<void>
  /** All of an organisation. */
  removeOf(organisationId: string): Promise<void>
  /** NAME_MALFORMED, NAME_TAKEN. */
  rename(id: string, name: string): Promise<void>
}

export interface AdministratorsParts {
  readonly store: AccessStore
  readonly invites: AccountsDomain['invites']
  readonly passkeys: Passkeys
  readonly totp: Totp
  readonly secrets: AdministratorSecrets
  readonly clock: Clock
  readonly random: Random
}

export function createAdministrators(parts: AdministratorsParts): Administrators {
  const { store, invites, passkeys, totp, random } = parts
  const openInvite = async (token: string): Promise<Invite> => {
    const invite = await invites.show(token)
    if (invite?.appointment === undefined) throw new AccessError('INVITE_GONE')
    return invite
  }
  return {
    invite: (role, organisationId, invitedBy) =>
      invites.createAdmin({ role, organisationId, administratorId: undefined, invitedBy }),

    async inviteAnew(id) {
      const known = await store.find(id)
      if (known === undefined) throw new AccessError('ADMINISTRATOR_UNKNOWN')
      const { role, organisationId } = known
      return invites.createAdmin({ role, organisationId, administratorId: id })
    },

    async beginPasskey(token, name) {
      const { appointment } = await openInvite(token)
      const id = appointment?.administratorId ?? random.uuid()
      return passkeys.creation('enrol', { id, name: checkName(name) })
    },

    async beginTotp(token, name) {
      await openInvite(token)
      return totp.begin(checkName(name), token)
    },

    async enrol(token, name, proof) {
      const wanted = checkName(name)
      const invite = await openInvite(token)
      const { id, enrolled, codes } = await prove(parts, token, invite, proof)
      const administrator = await appoint(parts, { token, id, name: wanted, enrolled })
      return { administrator, recoveryCodes: codes }
    },

    find: (id) => store.find(id),
    list: (query): Promise<ListedAdministrator[]> => store.list(query),
    anybody: () => store.anybody(),
    areSeveral: async (organisationId) => (await store.countApprovers(organisationId)) >= 2,
    setRole: (id, role, organisationId) => store.setRole(id, role, organisationId),
    remove: (id) => store.remove(id),
    removeOf: (organisationId) => store.removeOf(organisationId),
    rename: (id, name) => store.rename(id, checkName(name)),
  }
}

/** What they bring is judged before the invite is used: whoever mistypes a code tries again. */
async function prove(
  { passkeys, totp, secrets, clock, random }: AdministratorsParts,
  token: string,
  { appointment }: Invite,
  proof: FirstProof,
): Promise<{ id: string; enrolled: Enrolled; codes: string[] }> {
  const today = dayOf(clock.now())
  const codes = makeRecoveryCodes(random)
  const codeHashes = codes.map((code) => hashRecoveryCode(code, secrets))
  if ('credential' in proof) {
    const { administratorId: id, passkey } = await passkeys.made('enrol', proof.credential)
    if (appointment?.administratorId !== undefined && appointment.administratorId !== id)
      throw new AccessError('CREDENTIAL_REFUSED')
    const made = nameNewPasskey(passkey, {
      id: random.uuid(),
      name: checkName(proof.passkeyName),
      createdOn: today,
    })
    return { id, codes, enrolled: { passkey: made, totp: undefined, codeHashes } }
  }
  const id = appointment?.administratorId ?? random.uuid()
  const made = totp.finish(proof, token, id, today)
  if (made === undefined) throw new AccessError('PROOF_REFUSED')
  return { id, codes, enrolled: { passkey: undefined, totp: made, codeHashes } }
}

interface Wanted {
  readonly token: string
  readonly id: string
  readonly name: string
  readonly enrolled: Enrolled
}

/**
 * NOTE: invites lie in the schema of accounts, so this is no single transaction: the invite is taken, of many at once by one, and put back when there is no room
 * or the name is taken. A crash in between costs the invite and appoints nobody.
 */
async function appoint(
  { store, invites, clock }: AdministratorsParts,
  { token, id, name, enrolled }: Wanted,
): Promise<AdministratorRow> {
  const invite = await invites.takeAdmin(token)
  if (invite?.appointment === undefined) throw new AccessError('INVITE_GONE')
  const { role, organisationId, administratorId } = invite.appointment
  try {
    if (administratorId !== undefined) {
      await store.enrolAnew(administratorId, name, enrolled)
    } else {
      if (!isRole(role)) throw new AccessError('INVITE_GONE')
      const createdOn = dayOf(clock.now())
      await store.insert({ id, name, role, organisationId, createdOn, lastUsedOn: undefined }, enrolled)
    }
  } catch (error) {
    await invites.putBack(token, invite)
    throw error
  }
  const administrator = await store.find(id)
  if (administrator === undefined) throw new AccessError('INVITE_GONE')
  return administrator
}
