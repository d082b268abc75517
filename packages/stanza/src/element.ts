/**
 * XML elements with resolved namespaces. Parsed elements remember their exact source, so that what a client
 * sent is forwarded byte for byte; built elements are serialised with the fewest declarations.
 */

import { NS_XML } from './namespaces.ts'

export type XmlNode = Element | string

/** Attribute values by name; a prefixed attribute other than `xml:` is keyed `{namespace}name`. */
export type Attributes = Readonly<Record<string, string | undefined>>

export class Element {
  /** Local name, without prefix. */
  readonly name: string
  readonly ns: string
  readonly attrs: Attributes
  readonly children: readonly XmlNode[]
  /** Exact source, when it means the same wherever `jabber:client` is the default namespace. */
  readonly #source: string | undefined

  constructor(name: string, ns: string, attrs: Attributes, children: readonly XmlNode[], source?: string) {
    this.name = name
    this.ns = ns
    this.attrs = attrs
    this.children = children
    this.#source = source
  }

  is(name: string, ns: string): boolean {
    return this.name === name && this.ns === ns
  }

  /** First child element of that name and namespace (by default the parent's). */
  child(name: string, ns: string = this.ns): Element | undefined {
    for (const node of this.children) {
      if (typeof node !== 'string' && node.name === name && node.ns === ns) return node
    }
    return undefined
  }

  childrenNamed(name: string, ns: string = this.ns): Element[] {
    return this.elements().filter((each) => each.is(name, ns))
  }

  /** Child elements, without text. */
  elements(): Element[] {
    return this.children.filter((node) => typeof node !== 'string')
  }

  /** The text directly inside this element. */
  text(): string {
    if (this.children.length === 1 && typeof this.children[0] === 'string') return this.children[0]
    return this.children.filter((node) => typeof node === 'string').join('')
  }

  /** A copy with other attributes; `undefined` removes one. */
  withAttrs(changes: Attributes): Element {
    return new Element(this.name, this.ns, { ...this.attrs, ...changes }, this.children)
  }

  withChildren(children: readonly XmlNode[]): Element {
    return new Element(this.name, this.ns, this.attrs, children)
  }

  /** XML text; `contextNs` is the default namespace of the place it is written to. */
  toString(contextNs = 'jabber:client'): string {
    if (this.#source !== undefined && contextNs === 'jabber:client') return this.#source
    // The namespace of `xml:` has no other prefix and cannot be a default (XML Names 1.0 §3).
    const reserved = this.ns === NS_XML
    const name = reserved ? `xml:${this.name}` : this.name
    let out = `<${name}`
    if (this.ns !== contextNs && !reserved) out += ` xmlns='${escapeAttribute(this.ns)}'`
    out += attributesToString(this.attrs)
    if (this.children.length === 0) return `${out}/>`
    return `${out}>${this.innerXml(reserved ? contextNs : this.ns)}</${name}>`
  }

  /** The serialised children, for a place with that default namespace. */
  innerXml(contextNs = this.ns): string {
    let out = ''
    for (const node of this.children) {
      out += typeof node === 'string' ? escapeXml(node) : node.toString(contextNs)
    }
    return out
  }
}

/** Builds an element: `element('query', NS_ROSTER, { ver: '1' }, item, item)`. */
export function element(name: string, ns: string, attrs: Attributes = {}, ...children: XmlNode[]): Element {
  return new Element(name, ns, attrs, children)
}

/** Serialised attributes, each with a leading space. */
export function attributesToString(attrs: Attributes): string {
  let out = ''
  let declared = 0
  for (const name in attrs) {
    const value = attrs[name]
    if (value === undefined) continue
    if (name.charCodeAt(0) !== 0x7b) {
      out += ` ${name}='${escapeAttribute(value)}'`
      continue
    }
    const end = name.lastIndexOf('}') // a local name has none
    const prefix = `n${++declared}`
    out += ` xmlns:${prefix}='${escapeAttribute(name.slice(1, end))}' ${prefix}:${name.slice(end + 1)}='${escapeAttribute(value)}'`
  }
  return out
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
  '\r': '&#13;',
}
const NEEDS_ESCAPE = /[&<>'"\r]/
const ESCAPE = /[&<>'"\r]/g

/** Escapes text for element content and for attribute values in either quote. */
export function escapeXml(text: string): string {
  return NEEDS_ESCAPE.test(text) ? text.replace(ESCAPE, (char) => escapes[char] ?? char) : text
}

const ATTRIBUTE_NEEDS_ESCAPE = /[&<>'"\r\n\t]/

/** Like escapeXml; tabs and line feeds too, which a reader would otherwise turn into spaces (XML 1.0 §3.3.3). */
function escapeAttribute(value: string): string {
  if (!ATTRIBUTE_NEEDS_ESCAPE.test(value)) return value
  return escapeXml(value).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')
}
