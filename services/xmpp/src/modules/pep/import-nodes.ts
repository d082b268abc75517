/** Nodes and items as another server had them (XEP-0227 §4.9): what of them this server can keep, and whether it stays what it was. */
import { type Element, NS_DATA, NS_PUBSUB, NS_PUBSUB_OWNER } from '@sealpost/stanza'
import { knownNode } from './known-nodes.ts'
import { readForeignConfig } from './node-config.ts'
import type { NodeConfig } from './store.ts'

export interface ForeignNode {
  readonly node: string
  readonly config: Partial<NodeConfig>
  /** `item` elements, from old to new. */
  readonly items: readonly Element[]
}

/** In the order in which they are named. */
export function foreignNodes(parts: readonly Element[], itemsMax: number): ForeignNode[] {
  const configured = new Map<string, Element | undefined>()
  for (const configure of childrenOf(parts, NS_PUBSUB_OWNER, 'configure'))
    configured.set(configure.attrs['node'] ?? '', configure.child('x', NS_DATA))
  const published = new Map<string, Element[]>()
  for (const items of childrenOf(parts, NS_PUBSUB, 'items')) {
    const node = items.attrs['node'] ?? ''
    published.set(node, [...(published.get(node) ?? []), ...items.elements()])
  }
  return [...new Set([...configured.keys(), ...published.keys()])].map((node) => {
    const items = published.get(node) ?? []
    return { node, config: configOf(node, configured.get(node), { items: items.length, itemsMax }), items }
  })
}

function childrenOf(parts: readonly Element[], ns: string, name: string): Element[] {
  return parts.filter((part) => part.is('pubsub', ns)).flatMap((part) => part.childrenNamed(name))
}

/** Where the form does not say how many, all items are wanted. What nobody but the owner may read is kept so whatever the form says. */
function configOf(
  node: string,
  form: Element | undefined,
  { items, itemsMax }: { readonly items: number; readonly itemsMax: number },
): Partial<NodeConfig> {
  const said = form === undefined ? {} : readForeignConfig(form, itemsMax)
  const config = { maxItems: Math.min(itemsMax, Math.max(1, items)), ...said }
  return knownNode(node)?.ownerOnly === true ? { ...config, accessModel: 'whitelist' } : config
}
