/** The subscription states of RFC 6121 Appendix A as two pure functions: one for each direction of a stanza. */

export const subscriptionTypes = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'] as const
export type SubscriptionType = (typeof subscriptionTypes)[number]

export interface SubscriptionState {
  /** The owner of the roster receives the contact's presence. */
  readonly to: boolean
  /** The contact receives the owner's presence. */
  readonly from: boolean
  /** The owner asked and was not answered yet: Pending Out. */
  readonly ask: boolean
  /** The contact asked and was not answered yet: Pending In. */
  readonly pendingIn: boolean
  /** The owner approved before being asked (RFC 6121 §3.4). */
  readonly approved: boolean
}

export const noSubscription: SubscriptionState = {
  to: false,
  from: false,
  ask: false,
  pendingIn: false,
  approved: false,
}

export interface Transition {
  readonly state: SubscriptionState
  /** Outbound: the stanza goes on to the contact. Inbound: it is shown to the owner's resources. */
  readonly pass: boolean
  /** Inbound: the server answers in the owner's name. */
  readonly reply?: 'subscribed'
}

type Step = (state: SubscriptionState) => Transition

const outboundSteps: Readonly<Record<SubscriptionType, Step>> = {
  // RFC 6121 §A.2.1
  subscribe: (state) => ({ state: state.to ? state : { ...state, ask: true }, pass: true }),
  // RFC 6121 §A.2.2
  unsubscribe: (state) => ({ state: { ...state, to: false, ask: false }, pass: true }),
  // RFC 6121 §A.2.3
  subscribed(state) {
    if (state.pendingIn)
      return { state: { ...state, from: true, pendingIn: false, approved: false }, pass: true }
    // RFC 6121 §3.4.2: not asked yet, so the approval waits
    return { state: state.from ? state : { ...state, approved: true }, pass: false }
  },
  // RFC 6121 §A.2.4; without a subscription it takes back a pre-approval
  unsubscribed: (state) => ({
    state: { ...state, from: false, pendingIn: false, approved: false },
    pass: state.from || state.pendingIn,
  }),
}

const inboundSteps: Readonly<Record<SubscriptionType, Step>> = {
  // RFC 6121 §A.3.1
  subscribe(state) {
    if (state.from) return { state, pass: false, reply: 'subscribed' }
    if (state.approved) {
      return { state: { ...state, from: true, approved: false }, pass: false, reply: 'subscribed' }
    }
    return { state: { ...state, pendingIn: true }, pass: !state.pendingIn }
  },
  // RFC 6121 §A.3.2
  unsubscribe: (state) => ({
    state: { ...state, from: false, pendingIn: false },
    pass: state.from || state.pendingIn,
  }),
  // RFC 6121 §A.3.3
  subscribed: (state) => ({ state: state.ask ? { ...state, to: true, ask: false } : state, pass: state.ask }),
  // RFC 6121 §A.3.4
  unsubscribed: (state) => ({ state: { ...state, to: false, ask: false }, pass: state.to || state.ask }),
}

/** A stanza from the owner of the roster to the contact. */
export function outbound(state: SubscriptionState, type: SubscriptionType): Transition {
  return outboundSteps[type](state)
}

/** A stanza from the contact to the owner of the roster. */
export function inbound(state: SubscriptionState, type: SubscriptionType): Transition {
  return inboundSteps[type](state)
}

/** The value of a roster item's `subscription` (RFC 6121 §2.1.2.5). */
export function subscriptionValue(state: SubscriptionState): 'none' | 'to' | 'from' | 'both' {
  if (state.to) return state.from ? 'both' : 'to'
  return state.from ? 'from' : 'none'
}
