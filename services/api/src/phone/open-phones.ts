/** Puts the module together; while it is off, only what it has kept of accounts is still shown to them and erased. */
import { join } from 'node:path'
import type { Networks, Secret } from '@sealpost/config'
import type { Db } from '@sealpost/db'
import { assert } from '@sealpost/errors'
import { openSecretFile } from '@sealpost/runtime'
import type { Platform } from '@sealpost/service'
import { dayOf } from '../day.ts'
import { webhookKey } from '../lifecycle/standard-webhooks.ts'
import { endpointAddresses } from '../webhooks/endpoint-address.ts'
import { createPhones, type Phones } from './phones.ts'
import { smsWebhook } from './sms-webhook.ts'
import { postgresPhoneStore } from './store.postgres.ts'
import type { PhoneStore } from './store.ts'

/** Where codes go: PHONE_GATEWAY_URL and PHONE_GATEWAY_SECRET. */
export interface PhoneGatewayConfig {
  readonly url: string
  readonly secret: Secret
}

export interface OpenPhonesConfig {
  /** Undefined: the module is off. */
  readonly phoneGateway?: PhoneGatewayConfig | undefined
  /** Addresses that are not public, and allowed. */
  readonly webhookNetworks: Networks
}

const HOUR_MS = 3_600_000
const KEY_BYTES = 32

export async function openPhones(
  { phoneGateway: gateway, webhookNetworks: privateNetworks }: OpenPhonesConfig,
  { clock, random, dataDir }: Pick<Platform, 'clock' | 'random' | 'dataDir'>,
  db: Db,
  stack: AsyncDisposableStack,
): Promise<{ phones: Phones | undefined; phoneStore: PhoneStore }> {
  const phoneStore = postgresPhoneStore(db)
  stack.use(clock.every(HOUR_MS, () => phoneStore.forget(dayOf(clock.now()))))
  if (gateway === undefined) return { phones: undefined, phoneStore }
  const webhook = webhookKey(gateway.secret.reveal())
  assert(webhook !== undefined, 'the configuration has seen to it')
  const addresses = endpointAddresses({ privateNetworks })
  const key = await openSecretFile(join(dataDir, 'phone.key'), random, () => random.token(KEY_BYTES))
  const sms = smsWebhook({ url: gateway.url, key: webhook, addresses, clock, random })
  return { phones: createPhones({ store: phoneStore, gateway: sms, key, clock, random }), phoneStore }
}
