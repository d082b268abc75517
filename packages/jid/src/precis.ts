/**
 * RFC 8264 PRECIS, as far as addresses need it: the two string classes and, of RFC 8265, the profiles UsernameCaseMapped and OpaqueString.
 * The properties are those of the Unicode version built into the runtime; an unassigned code point is always refused.
 */
import { satisfiesBidiRule } from './bidi-rule.ts'
import { CodePointSet } from './code-points.ts'
import { companyAllows, neighboursAllow } from './context-rules.ts'

/** RFC 8264 §4.2 and §4.3. Every string of the IdentifierClass is also one of the FreeformClass. */
export type StringClass = 'identifier' | 'freeform'

// RFC 8264 §9.6
const EXCEPTIONS_VALID = new CodePointSet('DF 3C2 6FD-6FE F0B 3007')
const EXCEPTIONS_CONTEXT = new CodePointSet('B7 375 5F3-5F4 660-669 6F0-6F9 200C-200D 30FB')
const EXCEPTIONS_DISALLOWED = new CodePointSet('640 7FA 302E-302F 3031-3035 303B')
const OLD_HANGUL_JAMO = new CodePointSet('1100-11FF A960-A97C D7B0-D7C6 D7CB-D7FB') // RFC 8264 §9.9
const LETTER_DIGITS = /^[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]$/u // RFC 8264 §9.1
// RFC 8264 §9.14 to §9.18: other letters and digits, spaces, symbols, punctuation
const FREEFORM_ONLY = /^[\p{Lt}\p{Nl}\p{No}\p{Me}\p{Zs}\p{Sm}\p{Sc}\p{Sk}\p{So}\p{P}]$/u
const IGNORABLE = /^[\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\p{Cc}\p{Cn}\p{Cs}]$/u // RFC 8264 §9.3, §9.10, §9.12, §9.13

/** RFC 8264 §8: the derived property of one code point, in the order that the section demands. */
function derive(
  character: string,
  codePoint: number,
  stringClass: StringClass,
): 'valid' | 'context' | 'invalid' {
  if (codePoint >= 0x21 && codePoint <= 0x7e) return 'valid'
  if (EXCEPTIONS_VALID.has(codePoint)) return 'valid'
  if (EXCEPTIONS_CONTEXT.has(codePoint)) return 'context'
  if (EXCEPTIONS_DISALLOWED.has(codePoint) || OLD_HANGUL_JAMO.has(codePoint)) return 'invalid'
  if (IGNORABLE.test(character)) return 'invalid'
  const freeform = stringClass === 'freeform' ? 'valid' : 'invalid'
  if (character.normalize('NFKC') !== character) return freeform // RFC 8264 §9.17
  if (LETTER_DIGITS.test(character)) return 'valid'
  return FREEFORM_ONLY.test(character) ? freeform : 'invalid'
}

/** Whether every code point of `text` is in the class, where it stands. RFC 8264 §4. */
export function conformsTo(stringClass: StringClass, text: string): boolean {
  const characters = Array.from(text)
  const valid = characters.every((character, index) => {
    const verdict = derive(character, character.codePointAt(0) ?? 0, stringClass)
    return verdict === 'context' ? neighboursAllow(characters, index) : verdict === 'valid'
  })
  return valid && companyAllows(text)
}

/**
 * Fullwidth and halfwidth forms become what they are forms of: RFC 8265 §3.3.2, first step. Halfwidth jamo (U+FFA0 and above) are left, and so
 * refused afterwards, because their full forms are compatibility characters too.
 */
export function mapWidth(text: string): string {
  return text.replaceAll(/[\u3000\uff01-\uff9f]/g, (character) => character.normalize('NFKC'))
}

/** RFC 8264 §7: the rules are applied again until nothing changes; a string that does not settle is refused. */
function settle(text: string, rules: (text: string) => string | undefined): string | undefined {
  let current = text
  for (let round = 0; round < 4; round += 1) {
    const next = rules(current)
    if (next === undefined || next === current) return next
    current = next
  }
  return undefined
}

/** RFC 8265 §3.3 UsernameCaseMapped: the canonical form, or undefined when the text has none. Never empty. */
export function enforceUsernameCaseMapped(text: string): string | undefined {
  if (text === '') return undefined
  return settle(text, (current) => {
    const wide = mapWidth(current)
    if (!conformsTo('identifier', wide)) return undefined
    const mapped = wide.toLowerCase().normalize('NFC')
    return satisfiesBidiRule(mapped) ? mapped : undefined
  })
}

/** RFC 8265 §4.2 OpaqueString: the canonical form, or undefined when the text has none. Never empty. */
export function enforceOpaqueString(text: string): string | undefined {
  if (text === '') return undefined
  return settle(text, (current) => {
    if (!conformsTo('freeform', current)) return undefined
    return current.replaceAll(/\p{Zs}/gu, ' ').normalize('NFC')
  })
}
