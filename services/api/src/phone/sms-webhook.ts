/** Codes by the operator's own SMS gateway: one https POST each, signed as Standard Webhooks asks, sent once. */
import type { Clock, Random } from '@sealpost/runtime'
import type { EndpointAddresses } from '../webhooks/endpoint-address.ts'
import { postWebhook } from '../webhooks/post.ts'
import { signMessage } from '../webhooks/signature.ts'
import type { PhoneGateway } from './phones.ts'

export interface SmsWebhookOptions {
  /** https. */
  readonly url: string
  /** Of the signatures, 24 bytes at least. */
  readonly key: Buffer
  readonly addresses: EndpointAddresses
  readonly clock: Clock
  readonly random: Pick<Random, 'uuid'>
}

const NEVER = new AbortController().signal

/** `{"type": "phone.code", "timestamp", "data": {"number", "code"}}`: the gateway answers 2xx when the message is on its way. */
export function smsWebhook({ url, key, addresses, clock, random }: SmsWebhookOptions): PhoneGateway {
  return {
    async send(number, code) {
      const now = clock.now()
      const [id, timestamp] = [random.uuid(), Math.floor(now / 1000)]
      const data = { number, code }
      const body = JSON.stringify({ type: 'phone.code', timestamp: new Date(now).toISOString(), data })
      const headers = {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signMessage(key, { id, timestamp, body }),
      }
      const { result } = await postWebhook({ url, headers, body }, { addresses, clock, signal: NEVER })
      if (result !== 'delivered') throw new Error('the gateway did not take the code')
    },
  }
}
