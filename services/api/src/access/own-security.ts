/** What administrators do about their own proofs: passkeys, one-time passwords, recovery codes. A passkey or one-time passwords always remain. */
import { dayOf } from '@sealpost/accounts'
import type { Clock, Random } from '@sealpost/runtime'
import { AccessError } from './access-error.ts'
import type { AdministratorSecrets } from './administrator-secrets.ts'
import { checkName, nameNewPasskey } from './names.ts'
import type { PasskeyCreation, PasskeyMade, Passkeys } from './passkeys.ts'
import { hashRecoveryCode, makeRecoveryCodes } from './recovery-codes.ts'
import type { AccessStore, PasskeyRow, SecurityRow } from './store.ts'
import type { Totp, TotpSetup } from './totp.ts'

const PASSKEYS_MAX = 10

interface Who {
  readonly id: string
  readonly name: string
}

export interface OwnSecurity {
  show(id: string): Promise<SecurityRow>
  /** PASSKEY_LIMIT, BUSY. */
  beginPasskey(who: Who): Promise<PasskeyCreation>
  /** CREDENTIAL_REFUSED, NAME_MALFORMED, PASSKEY_LIMIT. */
  addPasskey(who: Who, name: string, response: PasskeyMade): Promise<PasskeyRow>
  /** PASSKEY_UNKNOWN, NAME_MALFORMED. */
  renamePasskey(who: Who, id: string, name: string): Promise<void>
  /** PASSKEY_UNKNOWN, LAST_PROOF. */
  removePasskey(who: Who, id: string): Promise<void>
  beginTotp(who: Who): TotpSetup
  /** Replaces the one before. PROOF_REFUSED. */
  setTotp(who: Who, setup: { readonly ticket: string; readonly code: string }): Promise<void>
  /** LAST_PROOF. */
  removeTotp(who: Who): Promise<void>
  /** Ten new ones, answered here only; the old work no more. */
  renewCodes(who: Who): Promise<string[]>
}

interface Parts {
  readonly store: AccessStore
  readonly passkeys: Passkeys
  readonly totp: Totp
  readonly secrets: AdministratorSecrets
  readonly clock: Clock
  readonly random: Random
}

export function createOwnSecurity({ store, passkeys, totp, secrets, clock, random }: Parts): OwnSecurity {
  return {
    show: (id) => store.security(id),

    async beginPasskey(who) {
      const { passkeys: existing } = await store.security(who.id)
      if (existing.length >= PASSKEYS_MAX) throw new AccessError('PASSKEY_LIMIT')
      return passkeys.creation('add', who, existing)
    },

    async addPasskey({ id }, name, response) {
      const named = { id: random.uuid(), name: checkName(name), createdOn: dayOf(clock.now()) }
      const { administratorId, passkey } = await passkeys.made('add', response)
      if (administratorId !== id) throw new AccessError('CREDENTIAL_REFUSED')
      const row = nameNewPasskey(passkey, named)
      await store.addPasskey(id, row, PASSKEYS_MAX)
      return row
    },

    renamePasskey: async (who, id, name) => store.renamePasskey(who.id, id, checkName(name)),
    removePasskey: (who, id) => store.removePasskey(who.id, id),

    beginTotp: ({ id, name }) => totp.begin(name, id),

    async setTotp({ id }, setup) {
      const row = totp.finish(setup, id, id, dayOf(clock.now()))
      if (row === undefined) throw new AccessError('PROOF_REFUSED')
      await store.setTotp(id, row)
    },

    removeTotp: ({ id }) => store.removeTotp(id),

    async renewCodes({ id }) {
      const codes = makeRecoveryCodes(random)
      await store.replaceCodes(
        id,
        codes.map((code) => hashRecoveryCode(code, secrets)),
      )
      return codes
    },
  }
}
