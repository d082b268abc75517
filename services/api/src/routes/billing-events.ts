/** The way in of the billing system: `POST /v1/billing/events`, Standard Webhooks. Not a command: nobody asks for anything, a signature says who speaks. */
import { createHash } from 'node:crypto'
import type { AccountsDomain } from '@sealpost/accounts'
import type { AuditLog } from '@sealpost/audit'
import type { Secret } from '@sealpost/config'
import { HttpProblem, type FastifyInstance, type FastifyRequest } from '@sealpost/http'
import type { Clock } from '@sealpost/runtime'
import type { ApiEvents } from '../events.ts'
import { doBillingEvent, readBillingEvent, type BillingEvent } from '../lifecycle/billing-event.ts'
import type { Lifecycle } from '../lifecycle/lifecycle.ts'
import { verifyWebhook, webhookKey, type Verdict } from '../lifecycle/standard-webhooks.ts'
import type { SubscriptionStore } from '../lifecycle/store.ts'
import { toHttpProblem } from './problems.ts'

const EVENT_BYTES_MAX = 16_384
const REQUESTS_PER_MINUTE = 600
/** Longer than any event can be repeated: the tolerance of its time. */
const REMEMBERED_MS = 86_400_000

export interface BillingEventsOptions {
  readonly secret: Secret | undefined
  readonly accounts: AccountsDomain
  readonly audit: AuditLog
  readonly lifecycle: Lifecycle
  readonly store: Pick<SubscriptionStore, 'isDone' | 'done'>
  readonly clock: Pick<Clock, 'now'>
  readonly events: Pick<ApiEvents, 'billingEvent'>
}

const REFUSALS: Readonly<Record<Exclude<Verdict, 'valid'>, () => HttpProblem>> = {
  headers: () =>
    new HttpProblem(400, 'webhook-headers', 'webhook-id, webhook-timestamp and webhook-signature are needed'),
  signature: () => new HttpProblem(401, 'webhook-signature', 'No signature fits'),
  time: () => new HttpProblem(400, 'webhook-timestamp', 'The event is older or newer than five minutes'),
}

/** Registers the route and, for it only, a parser that leaves the body as it was signed. Without a secret there is none. */
export async function registerBillingEvents(
  app: FastifyInstance,
  { secret, ...options }: BillingEventsOptions,
): Promise<void> {
  const key = secret && webhookKey(secret.reveal())
  if (key === undefined) return
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    scope.post(
      '/v1/billing/events',
      {
        schema: { hide: true },
        bodyLimit: EVENT_BYTES_MAX,
        config: { rateLimit: { max: REQUESTS_PER_MINUTE } },
      },
      async (request, reply) => {
        await take(request, key, options)
        return reply.code(204).send()
      },
    )
  })
}

/** An event that was done is done once; one that failed in the middle is taken again, since doing it twice changes nothing. */
async function take(
  request: FastifyRequest,
  key: Buffer,
  { store, clock, events, ...domain }: Omit<BillingEventsOptions, 'secret'>,
): Promise<void> {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const header = (name: string): string | undefined => {
    const value = request.headers[name]
    return typeof value === 'string' ? value : undefined
  }
  const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(header)
  const verdict = verifyWebhook(key, { id, timestamp, signature }, body, clock.now())
  if (verdict !== 'valid') {
    events.billingEvent('refused')
    throw REFUSALS[verdict]()
  }
  const hash = createHash('sha256')
    .update(id ?? '')
    .digest()
  if (await store.isDone(hash)) {
    events.billingEvent('repeated')
    return
  }
  const event = readBillingEvent(body)
  if (!('type' in event)) {
    events.billingEvent('refused')
    throw new HttpProblem(422, 'event-malformed', 'Not an event that is known here', { errors: [...event] })
  }
  await record(domain, event)
  await store.done(hash, clock.now(), clock.now() - REMEMBERED_MS)
  events.billingEvent('done')
}

async function record(
  { accounts, audit, lifecycle }: Pick<BillingEventsOptions, 'accounts' | 'audit' | 'lifecycle'>,
  event: BillingEvent,
): Promise<void> {
  const begun = await audit.begin({
    actor: { kind: 'system' },
    action: `billing.${event.type}`,
    details: { ...event.data },
  })
  try {
    await doBillingEvent({ accounts, lifecycle }, event)
  } catch (error) {
    const problem = toHttpProblem(error)
    await begun.refused(problem instanceof HttpProblem ? problem.type : 'failed')
    throw problem
  }
  await begun.done()
}
