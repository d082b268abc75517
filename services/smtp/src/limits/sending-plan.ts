/** How much an account may send: what the server is set to, and what its plan says instead. */
import type { PlanLimits } from '@sealpost/accounts'

/** Regained evenly over the hour or the day. */
export interface SendingPlan {
  readonly recipientsPerMessage: number
  readonly messagesPerHour: number
  readonly messagesPerDay: number
  readonly recipientsPerHour: number
  readonly recipientsPerDay: number
  readonly newRecipientsPerDay: number
  /** Of one mail: who writes to more is writing to a list. */
  readonly newRecipientsPerMessage: number
  /** Mails to members of the account's lists, who have confirmed; they count toward nothing else. */
  readonly listMailsPerDay: number
  /** All mail of the account, list mail too: a restriction by an administrator. */
  readonly restriction?: number
}

export function withLimits(plan: SendingPlan, limits: PlanLimits): SendingPlan {
  return {
    recipientsPerMessage: limits.recipients_per_message ?? plan.recipientsPerMessage,
    messagesPerHour: limits.messages_per_hour ?? plan.messagesPerHour,
    messagesPerDay: limits.messages_per_day ?? plan.messagesPerDay,
    recipientsPerHour: limits.recipients_per_hour ?? plan.recipientsPerHour,
    recipientsPerDay: limits.recipients_per_day ?? plan.recipientsPerDay,
    newRecipientsPerDay: limits.new_recipients_per_day ?? plan.newRecipientsPerDay,
    newRecipientsPerMessage: limits.new_recipients_per_message ?? plan.newRecipientsPerMessage,
    listMailsPerDay: limits.list_mails_per_day ?? plan.listMailsPerDay,
  }
}

/** A restriction holds above the limits of a day. */
export function restricted(plan: SendingPlan, restriction: number | undefined): SendingPlan {
  return restriction === undefined ? plan : { ...plan, messagesPerDay: restriction, restriction }
}
