/** What the domain of webhooks refuses. */
import { OperationalError } from '@sealpost/errors'

const messages = {
  WEBHOOK_UNKNOWN: 'There is no such webhook',
  WEBHOOK_LIMIT: 'There are as many webhooks as there may be',
  WEBHOOK_URL_REFUSED:
    'A webhook is an https address on a public network, without a name, password or fragment',
  DELIVERY_UNKNOWN: 'No such delivery waits or was given up',
  DELIVERY_WAITING: 'The delivery was not given up; it is tried again by itself',
} as const

export type WebhookErrorCode = keyof typeof messages

export class WebhookError extends OperationalError {
  override readonly name = 'WebhookError'
  declare readonly code: WebhookErrorCode

  constructor(code: WebhookErrorCode) {
    super(code, messages[code])
  }
}
