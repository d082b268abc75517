/** What a group answers to what it does not do, in the conditions of XEP-0045. */
import { StanzaError } from '@sealpost/stanza'

export const refuse = {
  /** Also for whoever does not belong to it: it is not told that the group exists. */
  noRoom: () => new StanzaError('cancel', 'item-not-found'),
  notThere: () => new StanzaError('cancel', 'not-acceptable', 'You are not in the group'), // XEP-0045 §7.4
  noNick: () => new StanzaError('modify', 'jid-malformed'), // XEP-0045 §7.2.1
  badNick: () => new StanzaError('modify', 'not-acceptable', 'Not a nickname'),
  nickTaken: () => new StanzaError('cancel', 'conflict'), // XEP-0045 §7.2.8
  notMember: () => new StanzaError('auth', 'registration-required'), // XEP-0045 §7.2.6
  banned: () => new StanzaError('auth', 'forbidden'), // XEP-0045 §7.2.7
  mayNotCreate: () => new StanzaError('cancel', 'not-allowed', 'You cannot make a group here'), // XEP-0045 §7.2.14
  tooManyRooms: () => new StanzaError('wait', 'resource-constraint', 'You are in too many groups'),
  tooManyOwned: () => new StanzaError('cancel', 'not-allowed', 'You have too many groups'),
  tooManyInvitations: () => new StanzaError('wait', 'resource-constraint', 'Too many invitations'),
  tooManyAffiliated: () => new StanzaError('wait', 'resource-constraint', 'The group is full'),
  tooBig: () => new StanzaError('modify', 'policy-violation', 'Presence is too big'),
  notOwner: () => new StanzaError('auth', 'forbidden'), // XEP-0045 §10.2
  notAdmin: () => new StanzaError('auth', 'forbidden'), // XEP-0045 §9
  higherUp: () => new StanzaError('cancel', 'not-allowed'), // XEP-0045 §8.2, §9.1
  lastOwner: () => new StanzaError('cancel', 'conflict'), // XEP-0045 §10.4
  self: () => new StanzaError('cancel', 'conflict'), // XEP-0045 §9.1
  fixedRole: () => new StanzaError('cancel', 'not-allowed', 'Roles follow from affiliations here'),
  fixedConfig: () => new StanzaError('modify', 'not-acceptable', 'This option cannot be changed here'), // XEP-0045 §10.1.3
  subject: () =>
    new StanzaError('modify', 'policy-violation', 'A subject that the server could read is not taken'),
  malformed: () => new StanzaError('modify', 'bad-request'),
  jid: () => new StanzaError('modify', 'jid-malformed'),
  away: () => new StanzaError('wait', 'recipient-unavailable'),
  unavailable: () => new StanzaError('cancel', 'service-unavailable'),
} as const
