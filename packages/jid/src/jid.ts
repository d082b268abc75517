/** RFC 7622 addresses. ASCII takes a path of table look-ups only; everything else goes through PRECIS and IDNA. */
import { prepareDomainpart } from './domainpart.ts'
import { JidError } from './jid-error.ts'
import { enforceOpaqueString, enforceUsernameCaseMapped } from './precis.ts'

/** RFC 7622 §3.1: no part is longer than this many bytes of UTF-8, in canonical form. */
export const JID_PART_BYTES_MAX = 1023
/** Longest text looked at, in UTF-16 units: three parts and two separators. A decomposed text beyond it is refused unread. */
const JID_LENGTH_MAX = 3 * JID_PART_BYTES_MAX + 2

const LOCAL = 1
const UPPER = 2
const RESOURCE = 4
const DOMAIN = 8

/** What each ASCII character may be part of. */
const ASCII = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  let kinds = code >= 0x20 && code <= 0x7e ? RESOURCE : 0
  if (code >= 0x21 && code <= 0x7e && !'"&\'/:<>@'.includes(character)) kinds |= LOCAL // RFC 7622 §3.3.1
  if (/[A-Z]/.test(character)) kinds |= UPPER
  if (/[A-Za-z0-9-]/.test(character)) kinds |= DOMAIN
  return kinds
})

/** All kinds that the characters have in common, plus UPPER if any has it; 0 when there are none, or any that is not ASCII. */
function asciiKinds(text: string): number {
  let common = text === '' ? 0 : 0xff
  let upper = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code > 0x7f) return 0
    const kinds = ASCII[code] ?? 0
    common &= kinds
    upper |= kinds & UPPER
  }
  return (common & ~UPPER) | upper
}

/** Whether a domain is lower-case ASCII labels, none of which has hyphens in places that need a closer look. */
function isPlainDomain(text: string): boolean {
  let labelLength = 0
  let previous = 0x2e
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === 0x2e) {
      if (labelLength === 0 || labelLength > 63 || previous === 0x2d) return false
      labelLength = 0
    } else {
      const kinds = code > 0x7f ? 0 : (ASCII[code] ?? 0)
      if ((kinds & (DOMAIN | UPPER)) !== DOMAIN) return false
      if (code === 0x2d && (labelLength === 0 || previous === 0x2d)) return false
      labelLength += 1
    }
    previous = code
  }
  return labelLength > 0 && labelLength <= 63 && previous !== 0x2d
}

/** A domain that needs no closer look, in lower case. */
function plainDomain(text: string): string | undefined {
  if (isPlainDomain(text)) return text
  const lower = /^[A-Za-z0-9.-]+$/.test(text) ? text.toLowerCase() : ''
  return isPlainDomain(lower) ? lower : undefined
}

function fits(part: string): boolean {
  if (part.length > JID_PART_BYTES_MAX) return false
  return part.length * 3 <= JID_PART_BYTES_MAX || Buffer.byteLength(part) <= JID_PART_BYTES_MAX
}

function prepareLocal(text: string): string {
  const kinds = asciiKinds(text)
  let local: string | undefined
  if ((kinds & LOCAL) !== 0) local = (kinds & UPPER) === 0 ? text : text.toLowerCase()
  else local = enforceUsernameCaseMapped(text)
  if (local === undefined || /["&'/:<>@]/.test(local) || !fits(local)) throw new JidError('localpart') // RFC 7622 §3.3.1
  return local
}

function prepareDomain(text: string): string {
  const domain = plainDomain(text) ?? prepareDomainpart(text)
  if (domain === undefined || !fits(domain)) throw new JidError('domainpart')
  return domain
}

function prepareResource(text: string): string {
  const resource = (asciiKinds(text) & RESOURCE) !== 0 ? text : enforceOpaqueString(text) // RFC 7622 §3.4.1
  if (resource === undefined || !fits(resource)) throw new JidError('resourcepart')
  return resource
}

/**
 * One address in canonical form; the parts that are missing are ''. Made by `parseJid`, `bare` and `withResource` only, so that two addresses
 * are the same exactly when their texts are.
 */
export class Jid {
  readonly local: string
  readonly domain: string
  readonly resource: string
  #text: string | undefined
  #bare: Jid | undefined

  /** NOTE: takes the parts as they are. Use `parseJid` for anything that is not canonical already. */
  constructor(local: string, domain: string, resource: string) {
    this.local = local
    this.domain = domain
    this.resource = resource
  }

  /** The same address without resourcepart; itself if it has none. */
  get bare(): Jid {
    if (this.resource === '') return this
    this.#bare ??= new Jid(this.local, this.domain, '')
    return this.#bare
  }

  toString(): string {
    if (this.#text === undefined) {
      const local = this.local === '' ? '' : `${this.local}@`
      const resource = this.resource === '' ? '' : `/${this.resource}`
      this.#text = local + this.domain + resource
    }
    return this.#text
  }

  equals(other: Jid): boolean {
    return (
      this === other ||
      (this.local === other.local && this.domain === other.domain && this.resource === other.resource)
    )
  }

  /** The same bare address with another resourcepart, which is prepared by RFC 7622 §3.4. Throws JidError. */
  withResource(resource: string): Jid {
    if (resource.length > JID_LENGTH_MAX) throw new JidError('resourcepart')
    const full = new Jid(this.local, this.domain, prepareResource(resource))
    full.#bare = this.bare
    return full
  }
}

/** As `parseJid`; undefined for what is no address. */
export function tryParseJid(text: string): Jid | undefined {
  try {
    return parseJid(text)
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}

/**
 * Reads an address: RFC 7622 §3.1. The result is canonical, so parsing its text again gives an equal one.
 * Throws JidError (code `JID_MALFORMED`), and nothing else, whatever the text.
 */
export function parseJid(text: string): Jid {
  if (text.length > JID_LENGTH_MAX) throw new JidError('jid')
  const slash = text.indexOf('/')
  const address = slash === -1 ? text : text.slice(0, slash)
  const at = address.indexOf('@')
  const local = at === -1 ? '' : prepareLocal(address.slice(0, at))
  const domain = prepareDomain(at === -1 ? address : address.slice(at + 1))
  return new Jid(local, domain, slash === -1 ? '' : prepareResource(text.slice(slash + 1)))
}

/** Whether an address has no resourcepart. */
export function isBare(jid: Jid): boolean {
  return jid.resource === ''
}
