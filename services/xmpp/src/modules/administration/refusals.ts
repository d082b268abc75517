/** How commands of administration are refused (XEP-0133 §5), and what a refusal of the registry is in the words of XMPP. */
import { element, NS_COMMANDS, StanzaError } from '@sealpost/stanza'

export const refuse = {
  unsupported: () => new StanzaError('cancel', 'feature-not-implemented'),
  /** Nobody may know passwords or contacts of others. */
  never: () => new StanzaError('cancel', 'not-allowed'),
  incomplete: () => new StanzaError('modify', 'bad-request', undefined, element('bad-payload', NS_COMMANDS)),
  tooManyAccounts: () => new StanzaError('modify', 'not-acceptable', 'Too many accounts at a time'),
  tooMuch: () => new StanzaError('wait', 'resource-constraint', 'Too many commands'),
  tooManyKeys: () => new StanzaError('wait', 'resource-constraint', 'Too many keys were wrong'),
  notCounted: () => new StanzaError('wait', 'resource-constraint', 'Nothing was counted yet'),
  away: () => new StanzaError('wait', 'internal-server-error'),
} as const

/** `status`: as in HTTP. `text`: the registry's own words. */
export function refusalOf(status: number, text: string): StanzaError {
  if (status === 401) return new StanzaError('auth', 'not-authorized', text)
  if (status === 403) return new StanzaError('auth', 'forbidden', text)
  if (status === 404) return new StanzaError('cancel', 'item-not-found', text)
  if (status === 409) return new StanzaError('cancel', 'conflict', text)
  if (status === 429) return new StanzaError('wait', 'resource-constraint', text)
  return new StanzaError('modify', 'not-acceptable', text)
}
