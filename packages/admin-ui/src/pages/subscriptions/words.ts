/** The API's words about subscriptions. */
import type { Subscription } from '../../api/types.ts'

export const FEES: readonly Subscription['fee'][] = ['none', 'due', 'overdue']
export const STATES: readonly Subscription['state'][] = ['running', 'refund-due']
