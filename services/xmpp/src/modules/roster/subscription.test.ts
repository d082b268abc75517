import { describe, expect, test } from 'vitest'
import {
  inbound,
  noSubscription,
  outbound,
  type SubscriptionState,
  type SubscriptionType,
  subscriptionTypes,
} from './subscription.ts'

/** The nine states of RFC 6121 §A.1, in its order and words. */
const states: Readonly<Record<string, SubscriptionState>> = {
  None: noSubscription,
  'None + Pending Out': { ...noSubscription, ask: true },
  'None + Pending In': { ...noSubscription, pendingIn: true },
  'None + Pending Out+In': { ...noSubscription, ask: true, pendingIn: true },
  To: { ...noSubscription, to: true },
  'To + Pending In': { ...noSubscription, to: true, pendingIn: true },
  From: { ...noSubscription, from: true },
  'From + Pending Out': { ...noSubscription, from: true, ask: true },
  Both: { ...noSubscription, to: true, from: true },
}
const names = Object.keys(states)

/** One table of the appendix: for each state whether the stanza passes, and the new state (empty: no change). */
type Table = readonly (readonly [passes: boolean, next: string])[]

const outboundTables: Readonly<Record<SubscriptionType, Table>> = {
  // RFC 6121 §A.2.1
  subscribe: [
    [true, 'None + Pending Out'],
    [true, ''],
    [true, 'None + Pending Out+In'],
    [true, ''],
    [true, ''],
    [true, ''],
    [true, 'From + Pending Out'],
    [true, ''],
    [true, ''],
  ],
  // RFC 6121 §A.2.2
  unsubscribe: [
    [true, ''],
    [true, 'None'],
    [true, ''],
    [true, 'None + Pending In'],
    [true, 'None'],
    [true, 'None + Pending In'],
    [true, ''],
    [true, 'From'],
    [true, 'From'],
  ],
  // RFC 6121 §A.2.3; the states without a request note a pre-approval instead (§3.4.2)
  subscribed: [
    [false, 'approved'],
    [false, 'approved'],
    [true, 'From'],
    [true, 'From + Pending Out'],
    [false, 'approved'],
    [true, 'Both'],
    [false, ''],
    [false, ''],
    [false, ''],
  ],
  // RFC 6121 §A.2.4
  unsubscribed: [
    [false, ''],
    [false, ''],
    [true, 'None'],
    [true, 'None + Pending Out'],
    [false, ''],
    [true, 'To'],
    [true, 'None'],
    [true, 'None + Pending Out'],
    [true, 'To'],
  ],
}

const inboundTables: Readonly<Record<SubscriptionType, Table>> = {
  // RFC 6121 §A.3.1
  subscribe: [
    [true, 'None + Pending In'],
    [true, 'None + Pending Out+In'],
    [false, ''],
    [false, ''],
    [true, 'To + Pending In'],
    [false, ''],
    [false, ''],
    [false, ''],
    [false, ''],
  ],
  // RFC 6121 §A.3.2
  unsubscribe: [
    [false, ''],
    [false, ''],
    [true, 'None'],
    [true, 'None + Pending Out'],
    [false, ''],
    [true, 'To'],
    [true, 'None'],
    [true, 'None + Pending Out'],
    [true, 'To'],
  ],
  // RFC 6121 §A.3.3
  subscribed: [
    [false, ''],
    [true, 'To'],
    [false, ''],
    [true, 'To + Pending In'],
    [false, ''],
    [false, ''],
    [false, ''],
    [true, 'Both'],
    [false, ''],
  ],
  // RFC 6121 §A.3.4
  unsubscribed: [
    [false, ''],
    [true, 'None'],
    [false, ''],
    [true, 'None + Pending In'],
    [true, 'None'],
    [true, 'None + Pending In'],
    [false, ''],
    [true, 'From'],
    [true, 'From'],
  ],
}

const rows = subscriptionTypes.flatMap((type) => names.map((name, index) => ({ type, name, index })))

test.each(rows)('RFC 6121 §A.2: $type sent in state $name', ({ type, name, index }) => {
  const before = states[name] ?? noSubscription
  const [passes, next] = outboundTables[type][index] ?? [false, '']
  const { state, pass } = outbound(before, type)
  expect(pass).toBe(passes)
  const expected = next === 'approved' ? { ...before, approved: true } : (states[next] ?? before)
  expect(state).toEqual(expected)
})

test.each(rows)('RFC 6121 §A.3: $type received in state $name', ({ type, name, index }) => {
  const before = states[name] ?? noSubscription
  const [passes, next] = inboundTables[type][index] ?? [false, '']
  const { state, pass, reply } = inbound(before, type)
  expect(pass).toBe(passes)
  expect(state).toEqual(states[next] ?? before)
  expect(reply).toBe(type === 'subscribe' && before.from ? 'subscribed' : undefined)
})

describe('pre-approval, RFC 6121 §3.4', () => {
  const approved = outbound(noSubscription, 'subscribed').state

  test('answers the request that comes later, once', () => {
    const { state, pass, reply } = inbound(approved, 'subscribe')
    expect([pass, reply, state.from, state.approved]).toEqual([false, 'subscribed', true, false])
  })

  test('is taken back by unsubscribed, which the contact does not hear of', () => {
    expect(outbound(approved, 'unsubscribed')).toEqual({ state: noSubscription, pass: false })
  })
})
