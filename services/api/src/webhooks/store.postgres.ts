/** Webhooks in Postgres, schema `api`. */
import { join, sql, type Db, type Sql } from '@sealpost/db'
import type {
  Delivery,
  DeliveryQuery,
  DisabledReason,
  EndpointChange,
  WebhookEndpoint,
  WebhookStore,
} from './store.ts'

interface EndpointRow {
  readonly id: string
  readonly url: string
  readonly label: string
  readonly events: string[]
  readonly secret_version: number
  readonly previous_until: Date | null
  readonly disabled_reason: DisabledReason | null
  readonly created_on: string
  readonly delivered_on: string | null
  readonly failing_since: Date | null
}

interface DeliveryRow {
  readonly id: string
  readonly endpoint_id: string
  readonly state: Delivery['state']
  readonly attempts: number
  readonly next_at: Date
  readonly outcome: string | null
  readonly event_id: string
  readonly type: string
  readonly data: string
  readonly created_at: Date
  readonly account_id: string | null
}

const DELIVERY = sql`d.id, d.endpoint_id, d.state, d.attempts, d.next_at, d.outcome, d.event_id, e.type, e.data, e.created_at, e.account_id`

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresWebhooks(db: Db): WebhookStore {
  return {
    ...endpoints(db),
    ...events(db),
    ...deliveries(db),

    async eraseAccount(accountId) {
      await db.execute(
        sql`delete from api.webhook_event where account_id = ${accountId}::uuid and type <> 'account.terminated'`,
      )
    },

    async eraseDead(before) {
      const day = new Date(before)
      await db.execute(sql`delete from api.webhook_delivery where state = 'dead' and next_at < ${day}`)
      await db.execute(sql`
        delete from api.webhook_event e where created_at < ${day}
          and not exists (select from api.webhook_delivery d where d.event_id = e.id)`)
    },
  }
}

function endpoints(
  db: Db,
): Pick<WebhookStore, 'addEndpoint' | 'endpoints' | 'endpoint' | 'changeEndpoint' | 'removeEndpoint'> {
  return {
    addEndpoint: (endpoint, max) =>
      db.transaction(async (tx) => {
        await tx.execute(sql`lock table api.webhook_endpoint in share row exclusive mode`) // so that the count holds
        const { id, url, label, events: wanted, secretVersion, createdOn } = endpoint
        const added = await tx.execute(sql`
          insert into api.webhook_endpoint (id, url, label, events, secret_version, state, created_on)
          select ${id}::uuid, ${url}, ${label}, ${wanted}::text[], ${secretVersion}::int, 'active', ${createdOn}::date
          where (select count(*) from api.webhook_endpoint) < ${max}::int`)
        return added > 0
      }),

    async endpoints() {
      const rows = await db.query<EndpointRow>(
        sql`select * from api.webhook_endpoint order by created_on, id`,
      )
      return rows.map(toEndpoint)
    },

    async endpoint(id) {
      const [row] = await db.query<EndpointRow>(
        sql`select * from api.webhook_endpoint where id = ${id}::uuid`,
      )
      return row && toEndpoint(row)
    },

    async changeEndpoint(id, change) {
      const [row] = await db.query<EndpointRow>(sql`
        update api.webhook_endpoint set ${join(assignments(change), ', ')} where id = ${id}::uuid returning *`)
      return row && toEndpoint(row)
    },

    async removeEndpoint(id) {
      return (await db.execute(sql`delete from api.webhook_endpoint where id = ${id}::uuid`)) > 0
    },
  }
}

function assignments(change: EndpointChange): Sql[] {
  const { url, label, events: wanted, secretVersion, previousUntil } = change
  return [
    sql`id = id`,
    ...(url === undefined ? [] : [sql`url = ${url}`]),
    ...(label === undefined ? [] : [sql`label = ${label}`]),
    ...(wanted === undefined ? [] : [sql`events = ${wanted}::text[]`]),
    ...(secretVersion === undefined ? [] : [sql`secret_version = ${secretVersion}::int`]),
    ...(previousUntil === undefined ? [] : [sql`previous_until = ${new Date(previousUntil)}`]),
    ...('disabled' in change
      ? [
          sql`state = ${change.disabled === undefined ? 'active' : 'disabled'}`,
          sql`disabled_reason = ${change.disabled ?? null}`,
          sql`failing_since = case when ${change.disabled === undefined}::boolean then null else failing_since end`,
        ]
      : []),
  ]
}

function events(db: Db): Pick<WebhookStore, 'addEvent' | 'deliveries' | 'delivery'> {
  return {
    async addEvent({ id, type, data, createdAt, accountId }, to, tx = db) {
      // In one statement: whoever reads sees the event with all its deliveries, or nothing.
      await tx.execute(sql`
        with event as (
          insert into api.webhook_event (id, type, data, created_at, account_id)
          values (${id}::uuid, ${type}, ${data}, ${new Date(createdAt)}, ${accountId ?? null}::uuid)
          on conflict (id) do nothing returning id
        )
        insert into api.webhook_delivery (id, event_id, endpoint_id, state, attempts, next_at)
        select wanted.id, event.id, wanted.endpoint_id, 'waiting', 0, ${new Date(createdAt)}
        from event, unnest(${to.map((each) => each.id)}::uuid[], ${to.map((each) => each.endpointId)}::uuid[]) as wanted (id, endpoint_id)
        where exists (select from api.webhook_endpoint n where n.id = wanted.endpoint_id)`)
    },

    async deliveries({ endpointId, state, after, limit }: DeliveryQuery) {
      const conditions = [
        sql`true`,
        ...(endpointId === undefined ? [] : [sql`d.endpoint_id = ${endpointId}::uuid`]),
        ...(state === undefined ? [] : [sql`d.state = ${state}`]),
        ...(after === undefined ? [] : [sql`d.id > ${after}::uuid`]),
      ]
      const rows = await db.query<DeliveryRow>(sql`
        select ${DELIVERY} from api.webhook_delivery d join api.webhook_event e on e.id = d.event_id
        where ${join(conditions, ' and ')} order by d.id limit ${limit}`)
      return rows.map(toDelivery)
    },

    async delivery(id) {
      const [row] = await db.query<DeliveryRow>(sql`
        select ${DELIVERY} from api.webhook_delivery d join api.webhook_event e on e.id = d.event_id where d.id = ${id}::uuid`)
      return row && toDelivery(row)
    },
  }
}

function deliveries(
  db: Db,
): Pick<WebhookStore, 'due' | 'claim' | 'delivered' | 'failed' | 'giveUp' | 'redeliver' | 'waiting'> {
  return {
    async due(now) {
      const rows = await db.query<{ id: string }>(sql`
        select n.id from api.webhook_endpoint n where n.state = 'active' and exists (
          select from api.webhook_delivery d where d.endpoint_id = n.id and d.state = 'waiting' and d.next_at <= ${new Date(now)})`)
      return rows.map(({ id }) => id)
    },

    async claim(endpointId, limit, now, leaseUntil) {
      const rows = await db.query<DeliveryRow>(sql`
        with due as (
          select id from api.webhook_delivery
          where endpoint_id = ${endpointId}::uuid and state = 'waiting' and next_at <= ${new Date(now)}
          order by next_at limit ${limit} for update skip locked
        )
        update api.webhook_delivery d set next_at = ${new Date(leaseUntil)} from due, api.webhook_event e
        where d.id = due.id and e.id = d.event_id returning ${DELIVERY}`)
      return rows.map(toDelivery)
    },

    async delivered({ id, endpointId, event }, day) {
      await db.execute(sql`
        with gone as (delete from api.webhook_delivery where id = ${id}::uuid),
          taken as (update api.webhook_endpoint set delivered_on = ${day}::date, failing_since = null where id = ${endpointId}::uuid)
        delete from api.webhook_event e where e.id = ${event.id}::uuid
          and not exists (select from api.webhook_delivery d where d.event_id = e.id and d.id <> ${id}::uuid)`)
    },

    async failed({ id, endpointId }, outcome, now, nextAt) {
      await db.execute(sql`
        with tried as (
          update api.webhook_delivery set attempts = attempts + 1, outcome = ${outcome},
            state = ${nextAt === undefined ? 'dead' : 'waiting'}, next_at = ${new Date(nextAt ?? now)}
          where id = ${id}::uuid)
        update api.webhook_endpoint set failing_since = coalesce(failing_since, ${new Date(now)}) where id = ${endpointId}::uuid`)
    },

    async giveUp(endpointId, now) {
      await db.execute(sql`
        update api.webhook_delivery set state = 'dead', next_at = ${new Date(now)}
        where endpoint_id = ${endpointId}::uuid and state = 'waiting'`)
    },

    redeliver: (which, now) =>
      db.execute(sql`
        update api.webhook_delivery set state = 'waiting', attempts = 0, next_at = ${new Date(now)}
        where state = 'dead' and ${'id' in which ? sql`id = ${which.id}::uuid` : sql`endpoint_id = ${which.endpointId}::uuid`}`),

    async waiting(endpointId) {
      const [row] = await db.query<{ count: number }>(sql`
        select count(*) as count from api.webhook_delivery where endpoint_id = ${endpointId}::uuid and state = 'waiting'`)
      return row?.count ?? 0
    },
  }
}

function toEndpoint(row: EndpointRow): WebhookEndpoint {
  return {
    id: row.id,
    url: row.url,
    label: row.label,
    events: row.events,
    secretVersion: row.secret_version,
    previousUntil: row.previous_until?.getTime(),
    disabled: row.disabled_reason ?? undefined,
    createdOn: row.created_on,
    deliveredOn: row.delivered_on ?? undefined,
    failingSince: row.failing_since?.getTime(),
  }
}

function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    endpointId: row.endpoint_id,
    state: row.state,
    attempts: row.attempts,
    nextAt: row.next_at.getTime(),
    outcome: row.outcome ?? undefined,
    event: {
      id: row.event_id,
      type: row.type,
      data: row.data,
      createdAt: row.created_at.getTime(),
      accountId: row.account_id ?? undefined,
    },
  }
}
