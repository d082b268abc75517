/**
 * End-to-end-encryption policy, by the strictest of the sender's and the recipients' domains. `required`: a message that the server could read is refused with
 * `policy-violation`, and what stands readable beside ciphertext is taken out. `optional`: plaintext passes to who
 * is here now and is never stored. `off`: for test domains.
 */
import { Priority } from '@sealpost/hooks'
import {
  type Element,
  NS_CALL_INVITES,
  NS_EXPIRE,
  NS_HINTS,
  NS_JINGLE_MESSAGE,
  StanzaError,
} from '@sealpost/stanza'
import type { XmppEvents } from '../events.ts'
import { defineModule, type MessageHandling, type Module, type OutboundMessage } from '../core/module.ts'
import { classifyMessage, type MessageClass, normaliseError, withoutForged } from '../policy/classify.ts'
import type { DomainPolicies, MessagePolicy } from '../policy/domain-policies.ts'

export interface E2eePolicyOptions {
  readonly policies: DomainPolicies
  readonly events: XmppEvents
}

/** A receipt or marker is worth little after a day; a call proposal nothing after two minutes. */
const RECEIPT_TTL_SECONDS = 86_400
const CALL_TTL_SECONDS = 120

export const e2eePolicy = (options: E2eePolicyOptions): Module =>
  defineModule({
    name: 'e2ee-policy',
    implements: ['XEP-0308 1.2.1', 'XEP-0334 1.0.0', 'XEP-0353 0.8.0', 'XEP-0380 0.4.0', 'XEP-0424 0.4.2'],
    setup(host) {
      host.feature(NS_EXPIRE)
      host.hook('message/outbound', (message) => applyPolicy(message, options), Priority.policy)
    },
  })

function applyPolicy(message: OutboundMessage, options: E2eePolicyOptions): OutboundMessage {
  const { stanza, sender, to, audience } = message
  const policy =
    audience === undefined
      ? options.policies.between(sender.jid.domain, to.domain)
      : options.policies.among(sender.jid.domain, audience)
  const type = stanza.attrs['type'] ?? 'normal'
  if (type === 'error') {
    const passed = policy.e2ee === 'required' ? normaliseError(stanza) : withoutForged(stanza)
    return { ...message, stanza: passed, handling: ERROR_HANDLING }
  }
  const classified = classifyMessage(stanza)
  options.events.messages[classified.class] += 1
  if (classified.class === 'plaintext' && policy.e2ee === 'required') {
    options.events.plaintextRefused()
    throw new StanzaError(
      'modify',
      'policy-violation',
      'This server takes end-to-end encrypted messages only',
    )
  }
  const normalised = policy.e2ee === 'off' ? withoutForged(stanza) : classified.stanza
  return { ...message, stanza: normalised, handling: handlingOf(stanza, classified.class, policy) }
}

const ERROR_HANDLING: MessageHandling = {
  storable: false,
  kept: false,
  encrypted: false,
  receipt: false,
  wakes: false,
  ttlSeconds: 0,
  copied: false,
}

function handlingOf(stanza: Element, found: MessageClass, policy: MessagePolicy): MessageHandling {
  const storable = found !== 'ephemeral' && (found !== 'plaintext' || policy.e2ee === 'off')
  const hinted = hint(stanza, 'no-store') || hint(stanza, 'no-permanent-store')
  return {
    storable: storable && !hinted,
    kept: policy.storage === 'sealed',
    encrypted: found === 'encrypted',
    receipt: found === 'receipt',
    wakes: isWorthWaking(stanza, found),
    ttlSeconds: Math.min(ttlOf(found, policy), requestedTtl(stanza)),
    copied: found !== 'ephemeral' && !hint(stanza, 'no-copy'),
  }
}

/** What somebody wrote, or a call that begins; not receipts, and not how a call goes on, which is for those who take part in it. */
function isWorthWaking(stanza: Element, found: MessageClass): boolean {
  if (found === 'call') return CALL_BEGINNINGS.some(([name, ns]) => stanza.child(name, ns) !== undefined)
  return found === 'encrypted' || (found === 'plaintext' && stanza.child('body') !== undefined)
}

/** XEP-0353 §3.1, XEP-0482 §3.1 */
const CALL_BEGINNINGS = [
  ['propose', NS_JINGLE_MESSAGE],
  ['invite', NS_CALL_INVITES],
] as const

function ttlOf(found: MessageClass, { messageTtlSeconds }: MessagePolicy): number {
  if (found === 'receipt') return Math.min(RECEIPT_TTL_SECONDS, messageTtlSeconds)
  if (found === 'call') return Math.min(CALL_TTL_SECONDS, messageTtlSeconds)
  return messageTtlSeconds
}

/** XEP-0334 §3 */
function hint(stanza: Element, name: string): boolean {
  return stanza.child(name, NS_HINTS) !== undefined
}

/** `<expire seconds='N'/>`: the sender may shorten a message's life, never lengthen it. */
function requestedTtl(stanza: Element): number {
  const expire = stanza.child('expire', NS_EXPIRE)
  if (!expire) return Number.POSITIVE_INFINITY
  const seconds = expire.attrs['seconds'] ?? ''
  if (!/^[1-9]\d{0,9}$/.test(seconds))
    throw new StanzaError('modify', 'bad-request', 'Not a number of seconds')
  return Number(seconds)
}
