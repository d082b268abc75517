/** Personal eventing's store in Postgres, schema `xmpp`. The only code that names these tables. */
import { type Db, type Sql, sql, type Tx } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import {
  accessModels,
  itemCost,
  type NodeConfig,
  type PepItem,
  type PepNode,
  type PepStore,
  type SendLast,
  sendLastModes,
  type Subscriber,
  type SubscriptionLimits,
} from './store.ts'

interface SqlNode {
  account_id: string
  node: string
  access_model: string
  persist_items: boolean
  max_items: number
  send_last: string
  notify_delete: boolean
  notify_retract: boolean
  deliver_payloads: boolean
}

interface SqlItem {
  item_id: string
  payload: string
}

const NODE_COLUMNS = sql`
  n.account_id::text, n.node, n.access_model, n.persist_items, n.max_items, n.send_last, n.notify_delete,
  n.notify_retract, n.deliver_payloads`
const LAST_MODE: SendLast = 'on_sub_and_presence'

/** Needs a connection with the role `sealpost_xmpp` on a migrated database. */
export function postgresPepStore(db: Db): PepStore {
  return new PostgresPepStore(db)
}

class PostgresPepStore implements PepStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async node(accountId: string, node: string): Promise<PepNode | undefined> {
    const rows = await this.#db.query<SqlNode>(
      sql`select ${NODE_COLUMNS} from xmpp.pep_node n where n.account_id = ${accountId}::uuid and n.node = ${node}`,
      { name: 'pep-node' },
    )
    return rows.map(parseNode)[0]
  }

  async nodes(accountId: string): Promise<PepNode[]> {
    const rows = await this.#db.query<SqlNode>(
      sql`select ${NODE_COLUMNS} from xmpp.pep_node n where n.account_id = ${accountId}::uuid order by n.node`,
    )
    return rows.map(parseNode)
  }

  async usage(accountId: string): Promise<{ nodes: number; bytes: number }> {
    const rows = await this.#db.query<{ nodes: number; bytes: number }>(sql`
      select (select count(*) from xmpp.pep_node where account_id = ${accountId}::uuid)::int as nodes,
        (select coalesce(sum(bytes), 0) from xmpp.pep_item where account_id = ${accountId}::uuid)::int as bytes`)
    return rows[0] ?? { nodes: 0, bytes: 0 }
  }

  saveNode(accountId: string, node: PepNode): Promise<void> {
    return this.#db.transaction(async (tx) => {
      await tx.execute(insertedNode(accountId, node))
      const { config } = node
      await tx.execute(sql`
        update xmpp.pep_node set access_model = ${config.accessModel}, persist_items = ${config.persistItems},
          max_items = ${config.maxItems}, send_last = ${config.sendLast}, notify_delete = ${config.notifyDelete},
          notify_retract = ${config.notifyRetract}, deliver_payloads = ${config.deliverPayloads}
        where account_id = ${accountId}::uuid and node = ${node.node}`)
      await dropOldest(tx, accountId, node)
    })
  }

  /** One statement, so that it is one way to Postgres and one sync. What it reads is as it was before it. */
  async put(accountId: string, { node, config }: PepNode, item: PepItem, bytesMax: number): Promise<boolean> {
    const cost = itemCost(item)
    const rows = await this.#db.query<{ fits: boolean }>(
      sql`
      with before as (
        select item_id, seq, bytes from xmpp.pep_item where account_id = ${accountId}::uuid and node = ${node}
      ), dropped as (
        select item_id, bytes from before where item_id <> ${item.id} order by seq desc offset ${config.maxItems}::int - 1
      ), kept as (
        select (select coalesce(sum(bytes), 0) from xmpp.pep_item where account_id = ${accountId}::uuid)
          - (select coalesce(sum(bytes), 0) from dropped)
          - (select coalesce(sum(bytes), 0) from before where item_id = ${item.id}) + ${cost}::int <= ${bytesMax}::bigint as fits
      ), made as (
        ${insertedNode(accountId, { node, config }, sql`from kept where fits`)}
      ), gone as (
        delete from xmpp.pep_item i using kept, dropped
        where fits and i.account_id = ${accountId}::uuid and i.node = ${node} and i.item_id = dropped.item_id
      ), put as (
        insert into xmpp.pep_item (account_id, node, item_id, payload, bytes, seq)
        select ${accountId}::uuid, ${node}, ${item.id}, ${item.payload}, ${cost}::int, (select coalesce(max(seq), 0) + 1 from before)
        from kept where fits
        on conflict (account_id, node, item_id) do update
          set payload = excluded.payload, bytes = excluded.bytes, seq = excluded.seq
      )
      select fits from kept`,
      { name: 'pep-put' },
    )
    return rows[0]?.fits === true
  }

  async items(
    accountId: string,
    node: string,
    query: { readonly max: number } | { readonly ids: readonly string[] },
  ): Promise<PepItem[]> {
    const wanted =
      'max' in query
        ? sql`order by seq desc limit ${query.max}`
        : sql`and item_id = any(${query.ids}::text[]) order by seq desc`
    const rows = await this.#db.query<SqlItem>(sql`
      select item_id, payload from xmpp.pep_item where account_id = ${accountId}::uuid and node = ${node} ${wanted}`)
    return rows.map(parseItem).toReversed()
  }

  async itemIds(accountId: string, node: string): Promise<string[]> {
    const rows = await this.#db.query<{ item_id: string }>(sql`
      select item_id from xmpp.pep_item where account_id = ${accountId}::uuid and node = ${node} order by seq`)
    return rows.map((row) => row.item_id)
  }

  async lastItems(
    accountIds: readonly string[],
    nodes: readonly string[],
  ): ReturnType<PepStore['lastItems']> {
    const rows = await this.#db.query<SqlNode & SqlItem>(
      sql`
        select ${NODE_COLUMNS}, i.item_id, i.payload
        from xmpp.pep_node n cross join lateral (
          select item_id, payload from xmpp.pep_item p where p.account_id = n.account_id and p.node = n.node
          order by p.seq desc limit 1) i
        where n.account_id = any(${accountIds}::uuid[]) and n.node = any(${nodes}::text[]) and n.send_last = ${LAST_MODE}`,
      { name: 'pep-last-items' },
    )
    return rows.map((row) => ({ ...parseNode(row), accountId: row.account_id, item: parseItem(row) }))
  }

  async retract(accountId: string, node: string, id: string): Promise<boolean> {
    const count = await this.#db.execute(sql`
      delete from xmpp.pep_item where account_id = ${accountId}::uuid and node = ${node} and item_id = ${id}`)
    return count > 0
  }

  async purge(accountId: string, node: string): Promise<void> {
    await this.#db.execute(
      sql`delete from xmpp.pep_item where account_id = ${accountId}::uuid and node = ${node}`,
    )
  }

  async deleteNode(accountId: string, node: string): Promise<boolean> {
    const count = await this.#db.execute(
      sql`delete from xmpp.pep_node where account_id = ${accountId}::uuid and node = ${node}`,
    )
    return count > 0
  }

  async subscribe(
    accountId: string,
    node: string,
    subscriber: Subscriber,
    limits: SubscriptionLimits,
  ): Promise<'subscribed' | 'full' | 'no-node'> {
    try {
      return await this.#db.transaction(async (tx) => {
        // Those of one account, and those to its nodes, take turns, so that counting and inserting is one step; in one order, so that no two wait for each other.
        await tx.query(sql`
          select pg_advisory_xact_lock(least(one, other)), pg_advisory_xact_lock(greatest(one, other))
          from (select hashtextextended('pep subscription ' || ${accountId}::text, 0) as one,
            hashtextextended('pep subscription ' || ${subscriber.accountId}::text, 0) as other) keys`)
        const nodes = await tx.query(sql`
          select node from xmpp.pep_node where account_id = ${accountId}::uuid and node = ${node} for key share`)
        if (nodes.length === 0) return 'no-node'
        const added = await tx.execute(sql`
          insert into xmpp.pep_subscription (account_id, node, subscriber_account_id, subscriber)
          values (${accountId}::uuid, ${node}, ${subscriber.accountId}::uuid, ${subscriber.jid.toString()})
          on conflict do nothing`)
        if (added > 0) await checkSubscriptions(tx, accountId, subscriber.accountId, limits)
        return 'subscribed'
      })
    } catch (error) {
      if (error instanceof QuotaExceeded) return 'full'
      throw error
    }
  }

  async unsubscribe(accountId: string, node: string, subscriberId: string): Promise<boolean> {
    const count = await this.#db.execute(sql`
      delete from xmpp.pep_subscription
      where account_id = ${accountId}::uuid and node = ${node} and subscriber_account_id = ${subscriberId}::uuid`)
    return count > 0
  }

  async subscribers(accountId: string, node: string): Promise<Subscriber[]> {
    const rows = await this.#db.query<{ subscriber_account_id: string; subscriber: string }>(
      sql`
        select subscriber_account_id::text, subscriber from xmpp.pep_subscription
        where account_id = ${accountId}::uuid and node = ${node} order by subscriber`,
      { name: 'pep-subscribers' },
    )
    return rows.map((row) => ({ accountId: row.subscriber_account_id, jid: parseJid(row.subscriber) }))
  }

  async subscriptionsOf(subscriberId: string): ReturnType<PepStore['subscriptionsOf']> {
    const rows = await this.#db.query<{ account_id: string; node: string }>(sql`
      select account_id::text, node from xmpp.pep_subscription where subscriber_account_id = ${subscriberId}::uuid
      order by account_id, node`)
    return rows.map((row) => ({ accountId: row.account_id, node: row.node }))
  }

  async erase(accountId: string): Promise<void> {
    await this.#db.execute(sql`delete from xmpp.pep_node where account_id = ${accountId}::uuid`)
    await this.#db.execute(
      sql`delete from xmpp.pep_subscription where subscriber_account_id = ${accountId}::uuid`,
    )
  }
}

/** `source`: rows that it is to be inserted for; one unless told. */
function insertedNode(accountId: string, { node, config }: PepNode, source = sql``): Sql {
  return sql`
    insert into xmpp.pep_node (account_id, node, access_model, persist_items, max_items, send_last, notify_delete,
      notify_retract, deliver_payloads)
    select ${accountId}::uuid, ${node}, ${config.accessModel}, ${config.persistItems}::boolean, ${config.maxItems}::int,
      ${config.sendLast}, ${config.notifyDelete}::boolean, ${config.notifyRetract}::boolean, ${config.deliverPayloads}::boolean
    ${source}
    on conflict (account_id, node) do nothing`
}

/** Leaves the transaction, so that it is rolled back. */
class QuotaExceeded extends Error {}

async function checkSubscriptions(
  tx: Tx,
  accountId: string,
  subscriberId: string,
  { subscribersMax, subscriptionsMax }: SubscriptionLimits,
): Promise<void> {
  const [counts] = await tx.query<{ subscribers: number; subscriptions: number }>(sql`
    select (select count(*) from xmpp.pep_subscription where account_id = ${accountId}::uuid)::int as subscribers,
      (select count(*) from xmpp.pep_subscription where subscriber_account_id = ${subscriberId}::uuid)::int
        as subscriptions`)
  if ((counts?.subscribers ?? 0) > subscribersMax) throw new QuotaExceeded()
  if ((counts?.subscriptions ?? 0) > subscriptionsMax) throw new QuotaExceeded()
}

async function dropOldest(tx: Tx, accountId: string, { node, config }: PepNode): Promise<void> {
  await tx.execute(sql`
    delete from xmpp.pep_item where account_id = ${accountId}::uuid and node = ${node} and seq <= (
      select seq from xmpp.pep_item where account_id = ${accountId}::uuid and node = ${node}
      order by seq desc offset ${config.maxItems} limit 1)`)
}

function parseNode(row: SqlNode): PepNode {
  const accessModel = accessModels.find((model) => model === row.access_model) ?? 'whitelist'
  const sendLast = sendLastModes.find((mode) => mode === row.send_last) ?? 'never'
  const config: NodeConfig = {
    accessModel,
    persistItems: row.persist_items,
    maxItems: row.max_items,
    sendLast,
    notifyDelete: row.notify_delete,
    notifyRetract: row.notify_retract,
    deliverPayloads: row.deliver_payloads,
  }
  return { node: row.node, config }
}

function parseItem(row: SqlItem): PepItem {
  return { id: row.item_id, payload: row.payload }
}
