/** XEP-0114 §3: the stanzas of a component are those of everybody in another namespace. What is inside elements of other namespaces stays as it is. */
import { type Element, element, NS_CLIENT, NS_COMPONENT } from '@sealpost/stanza'

/** As the server has it. */
export function fromComponent(stanza: Element): Element {
  return moved(stanza, NS_COMPONENT, NS_CLIENT)
}

/** As it is written to a component. */
export function toComponent(stanza: Element): string {
  return moved(stanza, NS_CLIENT, NS_COMPONENT).toString(NS_COMPONENT)
}

function moved(node: Element, from: string, to: string): Element {
  if (node.ns !== from) return node
  const children = node.children.map((child) => (typeof child === 'string' ? child : moved(child, from, to)))
  return element(node.name, to, node.attrs, ...children)
}
