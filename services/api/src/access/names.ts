/** Names that administrators choose, for themselves and for their passkeys. */
import { AccessError } from './access-error.ts'
import type { NewPasskey } from './passkeys.ts'
import type { PasskeyRow } from './store.ts'

/** One line that can be seen, without letters that turn or hide others. */
const NAME = /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u

/** Without spaces around it. Throws NAME_MALFORMED. */
export function checkName(name: string): string {
  const trimmed = name.trim().normalize('NFC')
  if (!NAME.test(trimmed)) throw new AccessError('NAME_MALFORMED')
  return trimmed
}

export function nameNewPasskey(
  passkey: NewPasskey,
  named: Pick<PasskeyRow, 'id' | 'name' | 'createdOn'>,
): PasskeyRow {
  return { ...passkey, ...named, lastUsedOn: undefined }
}
