/** XEP-0115 §5: what a client says it can do, read strictly, and the hash that stands for it. */
import { createHash } from 'node:crypto'
import { type Element, element, NS_DATA, NS_DISCO_INFO } from '@sealpost/stanza'

const FEATURES_MAX = 512
const IDENTITIES_MAX = 32
const FORMS_MAX = 16
/** UTF-16 units of all features together: what one remembered entry may cost. */
const FEATURES_LENGTH_MAX = 32_768

export interface Capabilities {
  readonly features: ReadonlySet<string>
  /** SHA-1 of the verification string; undefined when the answer is ill-formed (XEP-0115 §5.4) or ambiguous. */
  readonly ver: string | undefined
}

const nothing: Capabilities = { features: new Set(), ver: undefined }

/** Reads a disco#info query element. Never throws. */
export function readCapabilities(query: Element): Capabilities {
  const features = query.childrenNamed('feature').map((feature) => feature.attrs['var'] ?? '')
  const identities = query.childrenNamed('identity').map(identityString)
  const forms = query.childrenNamed('x', NS_DATA)
  if (features.length > FEATURES_MAX || identities.length > IDENTITIES_MAX || forms.length > FORMS_MAX)
    return nothing
  if (features.reduce((length, feature) => length + feature.length, 0) > FEATURES_LENGTH_MAX) return nothing
  const known = new Set(features)
  const formStrings = readForms(forms)
  const isWellFormed =
    known.size === features.length &&
    new Set(identities).size === identities.length &&
    formStrings !== undefined
  if (!isWellFormed) return { features: known, ver: undefined } // XEP-0115 §5.4 3.3 to 3.6
  // Two different answers may give one string when `<` is inside a value: such an answer speaks for its sender only.
  const values = [...identities, ...features, ...formStrings.flat()]
  if (values.some((value) => value.includes('<'))) return { features: known, ver: undefined }
  return { features: known, ver: hash([...sorted(identities), ...sorted(features), ...formStrings.flat()]) }
}

/** `ver` of what the server itself answers (XEP-0115 §5.1). Throws when that is ill-formed, which is our mistake. */
export function verificationHash(info: readonly Element[]): string {
  const { ver } = readCapabilities(element('query', NS_DISCO_INFO, {}, ...info))
  if (ver === undefined) throw new Error('The server describes itself ambiguously')
  return ver
}

function hash(parts: readonly string[]): string {
  return createHash('sha1')
    .update(parts.map((part) => `${part}<`).join(''))
    .digest('base64')
}

/** XEP-0115 §5.1 2: category, type, language, name. */
function identityString(identity: Element): string {
  const { category, type, name } = identity.attrs
  return [category, type, identity.attrs['xml:lang'], name].map((part) => part ?? '').join('/')
}

/** The parts that forms add, sorted; undefined when they are ill-formed (XEP-0115 §5.4 3.4 and 3.5). */
function readForms(forms: readonly Element[]): string[][] | undefined {
  const read = new Map<string, string[]>()
  for (const form of forms) {
    const fields = form.childrenNamed('field')
    const typeField = fields.find((field) => field.attrs['var'] === 'FORM_TYPE')
    if (typeField?.attrs['type'] !== 'hidden') continue // XEP-0115 §5.4 3.6: such a form does not count
    const types = new Set(fieldValues(typeField))
    const [formType] = types
    if (formType === undefined || types.size !== 1 || read.has(formType)) return undefined
    read.set(formType, formParts(formType, fields))
  }
  return sorted(read.keys()).map((formType) => read.get(formType) ?? [])
}

function formParts(formType: string, fields: readonly Element[]): string[] {
  const parts = [formType]
  const rest = fields.filter((field) => field.attrs['var'] !== 'FORM_TYPE')
  const byName = rest.map((field) => [field.attrs['var'] ?? '', sorted(fieldValues(field))] as const)
  for (const [name, values] of byName.toSorted(([a], [b]) => compare(a, b))) parts.push(name, ...values)
  return parts
}

function fieldValues(field: Element): string[] {
  return field.childrenNamed('value').map((value) => value.text())
}

/** By bytes, as `i;octet` (RFC 4790 §9.3). */
function sorted(texts: Iterable<string>): string[] {
  return [...texts].toSorted(compare)
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
