/** RFC 6890, RFC 8190: addresses that nobody on the Internet has. A mail server there is no stranger, and nobody outside may have us connect to one. */
import { parseNetworks } from './networks.ts'

const SPECIAL = parseNetworks([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '224.0.0.0/3',
  '::/127',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
])

export function isSpecialAddress(address: string): boolean {
  return SPECIAL?.include(address.replace(/%.*$/, '')) ?? false
}
