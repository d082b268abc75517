/** Commands about outgoing webhooks: where events are sent, and what was given up. */
import { Type, type Static } from '@sealpost/http'
import { cutPage } from '../cut-page.ts'
import { type Delivery, type WebhookEndpoint } from '../webhooks/store.ts'
import { EVENT_KINDS, EVENT_PATTERN } from '../webhooks/webhooks.ts'
import { labelSchema } from './api-keys.ts'
import { defineCommand, type Command } from './command.ts'
import { LIMIT_DEFAULT, limitSchema, nextSchema, withNext } from './paging.ts'

const uuid = Type.String({ format: 'uuid' })
const named = Type.Object({ id: uuid })
const urlSchema = Type.String({
  minLength: 1,
  maxLength: 2048,
  format: 'uri',
  description: 'https, on a public address',
})
const eventsSchema = Type.Array(Type.String({ pattern: EVENT_PATTERN.source, maxLength: 64 }), {
  minItems: 1,
  maxItems: 32,
  uniqueItems: true,
  description: `Names of events, KIND.* for all of a kind (${EVENT_KINDS.join(', ')}), * for all`,
})

const endpointSchema = Type.Object({
  id: uuid,
  url: Type.String(),
  label: Type.String(),
  events: Type.Array(Type.String()),
  enabled: Type.Boolean(),
  disabled_reason: Type.Optional(
    Type.Union(
      [Type.Literal('operator'), Type.Literal('failing'), Type.Literal('gone'), Type.Literal('overrun')],
      { description: 'failing: for two days; gone: it answered 410; overrun: too much waited for it' },
    ),
  ),
  created_on: Type.String({ format: 'date' }),
  delivered_on: Type.Optional(
    Type.String({ format: 'date', description: 'The last time that it took something' }),
  ),
  failing_since: Type.Optional(Type.String({ format: 'date-time' })),
})
const withSecretSchema = Type.Object({
  ...endpointSchema.properties,
  secret: Type.String({ description: 'Signs what is sent (Standard Webhooks), shown only here' }),
})

function showEndpoint(endpoint: WebhookEndpoint): Static<typeof endpointSchema> {
  const { id, url, label, events, disabled, createdOn, deliveredOn, failingSince } = endpoint
  return {
    id,
    url,
    label,
    events: [...events],
    enabled: disabled === undefined,
    ...(disabled === undefined ? {} : { disabled_reason: disabled }),
    created_on: createdOn,
    ...(deliveredOn === undefined ? {} : { delivered_on: deliveredOn }),
    ...(failingSince === undefined ? {} : { failing_since: new Date(failingSince).toISOString() }),
  }
}

function printEndpoint(endpoint: Static<typeof endpointSchema>): string {
  const { id, url, events, enabled, disabled_reason: reason = '', failing_since: since } = endpoint
  const state = enabled ? (since === undefined ? 'active' : `failing since ${since}`) : `disabled (${reason})`
  return `${id}  ${url}  ${events.join(',')}  ${state}`
}

const printWithSecret = ({ id, url, secret }: Static<typeof withSecretSchema>): string =>
  `Webhook ${id} (${url}). Its secret, shown only now:\n${secret}`

const createWebhook = defineCommand({
  name: 'webhook.create',
  summary: 'Have events sent to an address, signed with a secret that is shown once',
  method: 'POST',
  path: '/v1/webhooks',
  access: 'webhooks:write',
  records: ['url', 'events', 'label'],
  body: Type.Object(
    { url: urlSchema, events: eventsSchema, label: Type.Optional(labelSchema) },
    { additionalProperties: false },
  ),
  status: 201,
  response: withSecretSchema,
  async handle({ webhooks }, { body: { url, events, label = '' } }) {
    const { endpoint, secret } = await webhooks.add({ url, events, label })
    return { ...showEndpoint(endpoint), secret }
  },
  lines: [{ noun: 'webhook', verb: 'create', positional: ['url'], print: printWithSecret }],
})

const listWebhooks = defineCommand({
  name: 'webhook.list',
  summary: 'List webhooks, never their secrets; there are fifty at most',
  method: 'GET',
  path: '/v1/webhooks',
  access: 'webhooks:read',
  status: 200,
  response: Type.Object({ items: Type.Array(endpointSchema) }),
  handle: async ({ webhooks }) => ({ items: (await webhooks.list()).map(showEndpoint) }),
  lines: [
    {
      noun: 'webhook',
      verb: 'list',
      print: ({ items }) => (items.length === 0 ? 'No webhooks' : items.map(printEndpoint).join('\n')),
    },
  ],
})

const showWebhook = defineCommand({
  name: 'webhook.show',
  summary: 'Show a webhook',
  method: 'GET',
  path: '/v1/webhooks/:id',
  access: 'webhooks:read',
  params: named,
  status: 200,
  response: endpointSchema,
  handle: async ({ webhooks }, { params }) => showEndpoint(await webhooks.show(params.id.toLowerCase())),
  lines: [{ noun: 'webhook', verb: 'show', print: printEndpoint }],
})

const changeWebhook = defineCommand({
  name: 'webhook.change',
  summary: 'Change a webhook; disabling gives up what waits for it',
  method: 'PATCH',
  path: '/v1/webhooks/:id',
  access: 'webhooks:write',
  records: ['url', 'events', 'label', 'enabled'],
  params: named,
  body: Type.Object(
    {
      url: Type.Optional(urlSchema),
      events: Type.Optional(eventsSchema),
      label: Type.Optional(labelSchema),
      enabled: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: endpointSchema,
  handle: async ({ webhooks }, { params, body }) =>
    showEndpoint(await webhooks.change(params.id.toLowerCase(), body)),
  lines: [{ noun: 'webhook', verb: 'change', print: printEndpoint }],
})

const removeWebhook = defineCommand({
  name: 'webhook.remove',
  summary: 'Remove a webhook with all that waits for it',
  method: 'DELETE',
  path: '/v1/webhooks/:id',
  access: 'webhooks:write',
  params: named,
  status: 200,
  response: named,
  async handle({ webhooks }, { params }) {
    const id = params.id.toLowerCase()
    await webhooks.remove(id)
    return { id }
  },
  lines: [{ noun: 'webhook', verb: 'remove', print: ({ id }) => `${id} removed` }],
})

const rotateWebhook = defineCommand({
  name: 'webhook.rotate',
  summary: 'Give a webhook a new secret; the one before signs beside it for a day',
  method: 'POST',
  path: '/v1/webhooks/:id/secret',
  access: 'webhooks:write',
  params: named,
  status: 201,
  response: withSecretSchema,
  async handle({ webhooks }, { params }) {
    const { endpoint, secret } = await webhooks.rotate(params.id.toLowerCase())
    return { ...showEndpoint(endpoint), secret }
  },
  lines: [{ noun: 'webhook', verb: 'rotate', print: printWithSecret }],
})

const testWebhook = defineCommand({
  name: 'webhook.test',
  summary: 'Send the event webhook.test to a webhook, whatever it asks for',
  method: 'POST',
  path: '/v1/webhooks/:id/test',
  access: 'webhooks:write',
  params: named,
  status: 200,
  response: endpointSchema,
  handle: async ({ webhooks }, { params }) => showEndpoint(await webhooks.test(params.id.toLowerCase())),
  lines: [{ noun: 'webhook', verb: 'test', print: ({ url }) => `webhook.test is on its way to ${url}` }],
})

const deliverySchema = Type.Object({
  id: uuid,
  webhook_id: uuid,
  event_id: uuid,
  type: Type.String(),
  data: Type.Object({}, { additionalProperties: true, description: 'As it is sent' }),
  happened_at: Type.String({ format: 'date-time' }),
  state: Type.Union([Type.Literal('waiting'), Type.Literal('dead')], { description: 'dead: given up' }),
  attempts: Type.Integer(),
  outcome: Type.Optional(
    Type.String({ description: 'Of the last attempt: status-500, timeout, address-refused, …' }),
  ),
  next_at: Type.Optional(Type.String({ format: 'date-time', description: 'Of the next attempt' })),
})

function showDelivery({ event, ...delivery }: Delivery): Static<typeof deliverySchema> {
  return {
    id: delivery.id,
    webhook_id: delivery.endpointId,
    event_id: event.id,
    type: event.type,
    data: JSON.parse(event.data) as object,
    happened_at: new Date(event.createdAt).toISOString(),
    state: delivery.state,
    attempts: delivery.attempts,
    ...(delivery.outcome === undefined ? {} : { outcome: delivery.outcome }),
    ...(delivery.state === 'dead' ? {} : { next_at: new Date(delivery.nextAt).toISOString() }),
  }
}

function printDelivery({ id, type, state, attempts, outcome = '' }: Static<typeof deliverySchema>): string {
  return `${id}  ${type}  ${state}  ${String(attempts)} attempts  ${outcome}`.trimEnd()
}

const listDeliveries = defineCommand({
  name: 'webhook.deliveries',
  summary: 'List what waits to be sent and what was given up; what arrived is forgotten',
  method: 'GET',
  path: '/v1/webhook-deliveries',
  access: 'webhooks:read',
  query: Type.Object(
    {
      cursor: Type.Optional(Type.String({ format: 'uuid', description: '`next` of the page before' })),
      limit: limitSchema,
      webhook: Type.Optional(uuid),
      state: Type.Optional(deliverySchema.properties.state),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: Type.Object({
    items: Type.Array(deliverySchema),
    next: nextSchema,
  }),
  async handle({ webhooks }, { query: { cursor, limit = LIMIT_DEFAULT, webhook, state } }) {
    const found = await webhooks.deliveries({
      after: cursor?.toLowerCase(),
      endpointId: webhook?.toLowerCase(),
      state,
      limit: limit + 1,
    })
    const { items, next } = cutPage(found, limit, ({ id }) => id)
    return withNext(items.map(showDelivery), next)
  },
  lines: [
    {
      noun: 'webhook',
      verb: 'deliveries',
      print: ({ items }) => (items.length === 0 ? 'Nothing waits' : items.map(printDelivery).join('\n')),
    },
  ],
})

const redeliver = defineCommand({
  name: 'webhook.redeliver',
  summary: 'Send what was given up again',
  method: 'POST',
  path: '/v1/webhook-deliveries/:id/redeliver',
  access: 'webhooks:write',
  params: named,
  status: 200,
  response: deliverySchema,
  handle: async ({ webhooks }, { params }) => showDelivery(await webhooks.redeliver(params.id.toLowerCase())),
  lines: [{ noun: 'webhook', verb: 'redeliver', print: printDelivery }],
})

const redeliverAll = defineCommand({
  name: 'webhook.redeliver-all',
  summary: 'Send all that was given up for a webhook again',
  method: 'POST',
  path: '/v1/webhooks/:id/redeliver',
  access: 'webhooks:write',
  params: named,
  status: 200,
  response: Type.Object({ count: Type.Integer() }),
  handle: async ({ webhooks }, { params }) => ({
    count: await webhooks.redeliverAll(params.id.toLowerCase()),
  }),
  lines: [{ noun: 'webhook', verb: 'redeliver all', print: ({ count }) => `${String(count)} wait again` }],
})

export const webhookCommands: readonly Command[] = [
  createWebhook,
  listWebhooks,
  showWebhook,
  changeWebhook,
  removeWebhook,
  rotateWebhook,
  testWebhook,
  redeliverAll,
  listDeliveries,
  redeliver,
]
