/** The billing system, as a sender by Standard Webhooks. */
import { createHmac } from 'node:crypto'
import { systemRandom } from '@sealpost/runtime'
import { BILLING_SECRET, type Answer, type TestApi } from './api.ts'

export interface BillingEventParts {
  readonly id?: string
  readonly secret?: string
  /** Milliseconds since the epoch; the system's unless given. */
  readonly now?: number
  readonly seconds?: number
  readonly sign?: (signature: string) => string
}

/** Sends an event as it is signed. */
export function sendBilling(api: TestApi, event: unknown, parts: BillingEventParts = {}): Promise<Answer> {
  const { id = systemRandom.uuid(), secret = BILLING_SECRET, now = Date.now(), seconds = 0 } = parts
  const { sign = (text) => text } = parts
  const body = typeof event === 'string' ? event : JSON.stringify(event)
  const timestamp = String(Math.floor(now / 1000) + seconds)
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const value = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': sign(`v1,${value}`),
  }
  return api.call('POST', '/v1/billing/events', { headers, body })
}
