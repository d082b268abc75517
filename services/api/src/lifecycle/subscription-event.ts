/** What webhooks are told of subscriptions: ids, days and states. */
import type { Subscription } from './subscription.ts'

export type SubscriptionEvent = 'suspended' | 'reinstated' | 'refund_due' | 'renewal_near' | 'suspension_near'

export function subscriptionEvent(event: SubscriptionEvent, subscription: Subscription) {
  const { id, subject, reference, fee, state, renewsOn, suspendsOn } = subscription
  return {
    type: `subscription.${event}`,
    data: {
      subscription_id: id,
      ...(subject === undefined ? {} : { [`${subject.kind}_id`]: subject.id }),
      ...(reference === undefined ? {} : { reference }),
      state,
      fee,
      renews_on: renewsOn,
      ...(suspendsOn === undefined ? {} : { suspends_on: suspendsOn }),
    },
  } as const
}
