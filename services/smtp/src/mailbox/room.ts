/** How much may wait in a mailbox, and for how long: what everybody has, and what the account's plan says instead. */
import type { Plans } from '@sealpost/accounts'
import { KEPT_SECONDS_MAX } from '../queue/kept-mail.ts'

export interface Room {
  /** Of all bodies; more waits in the queue, and its senders are told in the end. */
  readonly bytes: number
  /** Of one mail. */
  readonly seconds: number
}

const MIB = 1024 * 1024
const DAY_SECONDS = 24 * 60 * 60

export const EVERYBODY: Room = { bytes: 1024 * MIB, seconds: KEPT_SECONDS_MAX }

/** One indexed query. Throws DbError. */
export async function roomByPlan(plans: Pick<Plans, 'of'>, accountId: string): Promise<Room> {
  const { limits } = await plans.of(accountId)
  return {
    bytes: limits.mailbox_mib === undefined ? EVERYBODY.bytes : limits.mailbox_mib * MIB,
    seconds: limits.mailbox_days === undefined ? EVERYBODY.seconds : limits.mailbox_days * DAY_SECONDS,
  }
}
