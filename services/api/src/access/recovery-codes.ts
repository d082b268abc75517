/** Codes for the day when everything else is lost: 80 bits each, in letters and digits that are not mistaken for one another (RFC 4648 §6). */
import type { Random } from '@sealpost/runtime'
import type { AdministratorSecrets } from './administrator-secrets.ts'

const CODES = 10
const CODE_BYTES = 10
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** Ten of the form `xxxx-xxxx-xxxx-xxxx`, to be shown once. */
export function makeRecoveryCodes(random: Random): string[] {
  return Array.from({ length: CODES }, () => {
    let bits = BigInt(`0x${random.bytes(CODE_BYTES).toString('hex')}`)
    let code = ''
    for (let letter = 0; letter < 16; letter++) {
      code += `${letter > 0 && letter % 4 === 0 ? '-' : ''}${ALPHABET[Number(bits & 31n)] ?? ''}`
      bits >>= 5n
    }
    return code
  })
}

/** However it was typed. */
export function hashRecoveryCode(code: string, secrets: AdministratorSecrets): Buffer {
  return secrets.hash(code.toLowerCase().replaceAll(/[\s-]/g, ''))
}
