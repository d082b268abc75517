/** RFC 7622: XMPP addresses, and the PRECIS profiles they are made of (RFC 8264, RFC 8265). */
export { Jid, JID_PART_BYTES_MAX, isBare, parseJid, tryParseJid } from './jid.ts'
export { JidError } from './jid-error.ts'
export type { JidPart } from './jid-error.ts'
export { enforceOpaqueString, enforceUsernameCaseMapped } from './precis.ts'
export { prepareDomainpart } from './domainpart.ts'
