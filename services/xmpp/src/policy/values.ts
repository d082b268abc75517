/**
 * What an attribute may hold that a server keeps readable: identifiers, states and addresses, each in a form that has
 * no room for a sentence.
 */
import { JidError, parseJid } from '@sealpost/jid'
import type { Element } from '@sealpost/stanza'

/** Tells whether a value has its form. */
export type ValueForm = (value: string) => boolean

const IDENTIFIER = /^[\x21-\x7e]{1,128}$/
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/
const LANGUAGE = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,4}$/
const NUMBER = /^\d{1,10}$/
const ADDRESS_CHARS_MAX = 1_024

/** At most 128 visible ASCII characters without a space: message ids, threads, session ids. */
export const isIdentifier: ValueForm = (value) => IDENTIFIER.test(value)
/** XEP-0082 §3.2 */
export const isDateTime: ValueForm = (value) => DATE_TIME.test(value)
/** RFC 5646 §2.1, without its rarest forms. */
export const isLanguage: ValueForm = (value) => LANGUAGE.test(value)
export const isNumber: ValueForm = (value) => NUMBER.test(value)
export const isBoolean: ValueForm = (value) => /^(?:true|false|1|0)$/.test(value)

/** An address without white space: a resource could hold a sentence. */
export const isAddress: ValueForm = (value) => {
  if (value.length > ADDRESS_CHARS_MAX || /\s/.test(value)) return false
  try {
    return parseJid(value).domain !== ''
  } catch (error) {
    if (error instanceof JidError) return false
    throw error
  }
}

export function isOneOf(...values: readonly string[]): ValueForm {
  return (value) => values.includes(value)
}

/** The element without the attributes that are not allowed; the same one when all are. */
export function withoutAttributes(
  element: Element,
  isAllowed: (name: string, value: string) => boolean,
): Element {
  let dropped: Record<string, undefined> | undefined
  for (const name in element.attrs) {
    const value = element.attrs[name]
    if (value !== undefined && !isAllowed(name, value)) (dropped ??= {})[name] = undefined
  }
  return dropped ? element.withAttrs(dropped) : element
}
