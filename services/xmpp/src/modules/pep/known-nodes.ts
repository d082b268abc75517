/** The nodes that end-to-end encryption lives in, and those that are nobody else's business: what they must contain, and which nobody else may read. */
import {
  NS_BOOKMARKS,
  NS_BOOKMARKS_2,
  NS_MDS,
  NS_OMEMO_1,
  NS_OMEMO_2,
  NS_OMEMO_AXOLOTL,
  NS_OX,
} from '@sealpost/stanza'

interface KnownNode {
  readonly node: RegExp
  /** Name and namespace of the payload. */
  readonly name: string
  readonly ns: string
  /** Nobody but the owner may ever read it. */
  readonly ownerOnly?: true
}

const knownNodes: readonly KnownNode[] = [
  { node: /^eu\.siacs\.conversations\.axolotl\.devicelist$/, name: 'list', ns: NS_OMEMO_AXOLOTL }, // XEP-0384 0.3 §4.2
  { node: /^eu\.siacs\.conversations\.axolotl\.bundles:\d{1,10}$/, name: 'bundle', ns: NS_OMEMO_AXOLOTL }, // XEP-0384 0.3 §4.3
  { node: /^urn:xmpp:omemo:1:devices$/, name: 'devices', ns: NS_OMEMO_1 },
  { node: /^urn:xmpp:omemo:1:bundles$/, name: 'bundle', ns: NS_OMEMO_1 },
  { node: /^urn:xmpp:omemo:2:devices$/, name: 'devices', ns: NS_OMEMO_2 }, // XEP-0384 §5.3.1
  { node: /^urn:xmpp:omemo:2:bundles$/, name: 'bundle', ns: NS_OMEMO_2 }, // XEP-0384 §5.3.2
  { node: /^urn:xmpp:openpgp:0:public-keys$/, name: 'public-keys-list', ns: NS_OX }, // XEP-0373 §4.1
  { node: /^urn:xmpp:openpgp:0:public-keys:[0-9A-Fa-f]{32,64}$/, name: 'pubkey', ns: NS_OX }, // XEP-0373 §4.1
  { node: /^urn:xmpp:openpgp:0:secret-key$/, name: 'secretkey', ns: NS_OX, ownerOnly: true }, // XEP-0373 §5.1
  { node: /^urn:xmpp:bookmarks:1$/, name: 'conference', ns: NS_BOOKMARKS_2, ownerOnly: true }, // XEP-0402 §4
  { node: /^storage:bookmarks$/, name: 'storage', ns: NS_BOOKMARKS, ownerOnly: true }, // XEP-0048 §3
  { node: /^urn:xmpp:mds:displayed:0$/, name: 'displayed', ns: NS_MDS, ownerOnly: true }, // XEP-0490 §3
]

export function knownNode(name: string): KnownNode | undefined {
  return knownNodes.find(({ node }) => node.test(name))
}
