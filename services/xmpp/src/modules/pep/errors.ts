/** Everything that personal eventing refuses, in the words of XEP-0060. */
import { type Element, element, NS_PUBSUB_ERRORS, StanzaError } from '@sealpost/stanza'

const condition = (name: string, attrs: Record<string, string> = {}): Element =>
  element(name, NS_PUBSUB_ERRORS, attrs)

export const refuse = {
  /** To those who may not even know whether the account exists. */
  hidden: () => new StanzaError('cancel', 'service-unavailable'),
  badRequest: () => new StanzaError('modify', 'bad-request'),
  notOwner: () => new StanzaError('auth', 'forbidden'), // XEP-0060 §7.1.3.1
  closed: () => new StanzaError('cancel', 'not-allowed', undefined, condition('closed-node')), // XEP-0060 §6.5.9.7
  noNode: () => new StanzaError('cancel', 'item-not-found'), // XEP-0060 §6.5.9.11
  noItem: () => new StanzaError('cancel', 'item-not-found'), // XEP-0060 §7.2.3.2
  nodeExists: () => new StanzaError('cancel', 'conflict'), // XEP-0060 §8.1.1
  nodeRequired: () => new StanzaError('modify', 'bad-request', undefined, condition('nodeid-required')), // XEP-0060 §7.2.3.3
  instantNode: () => new StanzaError('modify', 'not-acceptable', undefined, condition('nodeid-required')), // XEP-0060 §8.1.1
  nameTooLong: () => new StanzaError('modify', 'not-acceptable'),
  itemRequired: () => new StanzaError('modify', 'bad-request', undefined, condition('item-required')), // XEP-0060 §7.1.3.6
  payloadRequired: () => new StanzaError('modify', 'bad-request', undefined, condition('payload-required')), // XEP-0060 §7.1.3.6
  invalidPayload: () => new StanzaError('modify', 'bad-request', undefined, condition('invalid-payload')), // XEP-0060 §7.1.3.5
  payloadTooBig: () => new StanzaError('modify', 'not-acceptable', undefined, condition('payload-too-big')), // XEP-0060 §7.1.3.4
  tooManyItems: () => new StanzaError('cancel', 'not-allowed', undefined, condition('max-items-exceeded')),
  tooManyNodes: () =>
    new StanzaError('wait', 'resource-constraint', undefined, condition('max-nodes-exceeded')),
  tooMuch: () => new StanzaError('wait', 'resource-constraint', 'Too much is published'),
  full: () => new StanzaError('wait', 'resource-constraint'),
  precondition: () => new StanzaError('cancel', 'conflict', undefined, condition('precondition-not-met')), // XEP-0060 §7.1.5
  option: () => new StanzaError('modify', 'not-acceptable'), // XEP-0060 §8.2.5.3
  accessModel: () =>
    new StanzaError('modify', 'not-acceptable', undefined, condition('unsupported-access-model')), // XEP-0060 §8.1.1
  /** The address is none, or not the bare one of whoever asks. */
  subscriberJid: () => new StanzaError('modify', 'bad-request', undefined, condition('invalid-jid')), // XEP-0060 §6.1.3.1
  notTheirs: () => new StanzaError('auth', 'forbidden'), // XEP-0060 §6.2.3.3
  notSubscribed: () =>
    new StanzaError('cancel', 'unexpected-request', undefined, condition('not-subscribed')), // XEP-0060 §6.2.3.2
  tooManySubscriptions: () =>
    new StanzaError('wait', 'policy-violation', undefined, condition('too-many-subscriptions')), // XEP-0060 §6.1.3.9
  unsupported: (feature: string) =>
    new StanzaError('cancel', 'feature-not-implemented', undefined, condition('unsupported', { feature })),
} as const
