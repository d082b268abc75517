/**
 * What an account has in chat as other servers take it: XEP-0227 1.1. Contacts (§4.3), requests that were not answered (§4.8), what clients have published or
 * put by (§4.9), private XML (§4.5) and the vCard (§4.6). The password is not in it, nor what proves it: another server is given a new one.
 */
import type { OwnContact, OwnElement, OwnNode, RelayOwnData } from '@sealpost/ports'
import type { Jid } from '@sealpost/jid'
import {
  attributesToString,
  type Element,
  element,
  NS_CLIENT,
  NS_DATA,
  NS_PIE,
  NS_PRIVATE,
  NS_PUBSUB,
  NS_PUBSUB_OWNER,
  NS_ROSTER,
  NS_VCARD,
} from '@sealpost/stanza'

const NODE_CONFIG = `${NS_PUBSUB}#node_config`

/** A whole document. `jid`: bare. */
export function portableChat(jid: Jid, { contacts, nodes, elements }: RelayOwnData): string {
  const parts = [
    roster(contacts.filter(({ listed }) => listed)).toString(NS_PIE),
    ...contacts.filter(({ pendingIn }) => pendingIn).map((contact) => request(contact).toString(NS_PIE)),
    configurations(nodes).toString(NS_PIE),
    items(nodes),
    putBy(elements),
  ]
  return (
    `<?xml version='1.0' encoding='UTF-8'?>\n<server-data xmlns='${NS_PIE}'><host${attributesToString({ jid: jid.domain })}>` +
    `<user${attributesToString({ name: jid.local })}>${parts.join('')}</user></host></server-data>\n`
  )
}

/** As the owner gets it from the server (RFC 6121 §2.1.2). */
function roster(contacts: readonly OwnContact[]): Element {
  const all = contacts.map(({ jid, name, subscription, ask, approved, groups }) =>
    element(
      'item',
      NS_ROSTER,
      {
        jid,
        name,
        subscription,
        ask: ask ? 'subscribe' : undefined,
        approved: approved ? 'true' : undefined,
      },
      ...groups.map((group) => element('group', NS_ROSTER, {}, group)),
    ),
  )
  return element('query', NS_ROSTER, {}, ...all)
}

function request({ jid }: OwnContact): Element {
  return element('presence', NS_CLIENT, { type: 'subscribe', from: jid })
}

function configurations(nodes: readonly OwnNode[]): Element {
  const all = nodes.map(({ node, config }) =>
    element(
      'configure',
      NS_PUBSUB_OWNER,
      { node },
      element(
        'x',
        NS_DATA,
        { type: 'submit' },
        field('FORM_TYPE', NODE_CONFIG),
        ...Object.entries(config).map(([name, value]) => field(name, value)),
      ),
    ),
  )
  return element('pubsub', NS_PUBSUB_OWNER, {}, ...all)
}

function field(name: string, value: string): Element {
  return element('field', NS_DATA, { var: name }, element('value', NS_DATA, {}, value))
}

/** Payloads stay as they are kept: each is one element that declares its own namespace. */
function items(nodes: readonly OwnNode[]): string {
  const all = nodes.map(({ node, items: kept }) => {
    const each = kept.map(({ id, payload }) => `<item${attributesToString({ id })}>${payload}</item>`)
    return `<items${attributesToString({ node })}>${each.join('')}</items>`
  })
  return `<pubsub xmlns='${NS_PUBSUB}'>${all.join('')}</pubsub>`
}

/** Each is one element that declares its own namespace: the vCard as it is (§4.6), others as they were put by (XEP-0049). */
function putBy(elements: readonly OwnElement[]): string {
  const vCard = elements.filter(({ ns }) => ns === NS_VCARD).map(({ xml }) => xml)
  const rest = elements.filter(({ ns }) => ns !== NS_VCARD).map(({ xml }) => xml)
  return `${vCard.join('')}${rest.length === 0 ? '' : `<query xmlns='${NS_PRIVATE}'>${rest.join('')}</query>`}`
}
