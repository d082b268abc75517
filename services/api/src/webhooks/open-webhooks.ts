/** Webhooks with all that belongs to them: secrets, the deliverer, and what becomes of accounts and organisations. */
import { postgresOutbox } from '@sealpost/accounts'
import type { AuditLog } from '@sealpost/audit'
import type { Networks } from '@sealpost/config'
import type { Db } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { Platform } from '@sealpost/service'
import type { ApiEvents } from '../events.ts'
import type { Letters } from '../letters/letters.ts'
import { Deliverer } from './deliverer.ts'
import { endpointAddresses } from './endpoint-address.ts'
import { followOutbox } from './outbox-events.ts'
import { openWebhookSecrets } from './signature.ts'
import { postgresWebhooks } from './store.postgres.ts'
import type { DisabledReason, WebhookEndpoint, WebhookStore } from './store.ts'
import { Webhooks } from './webhooks.ts'

export interface OpenWebhooksOptions {
  readonly platform: Platform
  /** Roles sealpost_api and sealpost_account. */
  readonly apiDb: Db
  readonly accountDb: Db
  /** Addresses that are not public, and allowed. */
  readonly privateNetworks: Networks
  readonly letters: Pick<Letters, 'tellOperator'>
  readonly audit: Pick<AuditLog, 'note'>
  readonly events: Pick<ApiEvents, 'webhookAttempt' | 'webhookDisabled' | 'webhooksFailed'>
}

export interface OpenWebhooks extends AsyncDisposable {
  readonly webhooks: Webhooks
  readonly store: WebhookStore
}

/** Sends until disposed. */
export async function openWebhooks(options: OpenWebhooksOptions): Promise<OpenWebhooks> {
  const { apiDb, accountDb, events } = options
  const { bus, clock, random, dataDir, domains } = options.platform
  await using stack = new AsyncDisposableStack()
  const store = postgresWebhooks(apiDb)
  const secrets = await openWebhookSecrets(dataDir, random)
  const addresses = endpointAddresses(options)
  const onError = (error: unknown): void => events.webhooksFailed(errorCode(error))
  let webhooks: Webhooks | undefined
  const deliverer = stack.use(
    new Deliverer({
      store,
      secrets,
      addresses,
      clock,
      random,
      host: domains[0] ?? 'localhost',
      onDisabled: async (endpoint, reason) => {
        await webhooks?.emit('webhook.disabled', { webhook_id: endpoint.id, reason }) // whatever becomes of the letter
        await tellDisabled(options, endpoint, reason)
      },
      onResult: (outcome) => events.webhookAttempt(outcome),
      onError,
    }),
  )
  webhooks = new Webhooks({ store, secrets, addresses, clock, random, wake: () => deliverer.wake() })
  const outbox = postgresOutbox(accountDb)
  stack.use(followOutbox({ outbox, webhooks, bus, clock, onError }))
  const held = stack.move()
  return { webhooks, store, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

const WHY: Readonly<Record<DisabledReason, string>> = {
  operator: 'An administrator said so.',
  failing: 'It took nothing for more than two days.',
  gone: 'It answered that it is gone (410).',
  overrun: 'It takes less than happens here.',
}

/** On record, in the log, and by mail. */
async function tellDisabled(
  { audit, events, letters }: OpenWebhooksOptions,
  { id, label }: WebhookEndpoint,
  reason: DisabledReason,
): Promise<void> {
  events.webhookDisabled(reason)
  await audit.note({
    actor: { kind: 'system' },
    action: 'webhook.disable',
    target: { kind: 'webhook', id },
    details: { reason },
  })
  const lines = [
    `The webhook ${id}${label === '' ? '' : ` (${label})`} was disabled:`,
    WHY[reason],
    '',
    'What waited for it was given up, and can be sent again for thirty days:',
    '',
    `    ctl webhook change ${id} --enabled true`,
    `    ctl webhook redeliver all ${id}`,
  ]
  await letters.tellOperator({ subject: 'A webhook was disabled', lines })
}
