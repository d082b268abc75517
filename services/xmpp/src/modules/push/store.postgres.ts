/** Push registrations in Postgres, schema `xmpp`. The only code that names their table. */
import { type Db, sql } from '@sealpost/db'
import type { PushDevice, PushRow, PushStore } from './store.ts'

interface SqlDevice {
  account_id: string
  device_id: string
  registered: boolean
}

interface SqlRow extends SqlDevice {
  service_hash: Buffer
  target_hash: Buffer
  sealed: Buffer
}

/** A device with a queue of its own: see table device. */
const DEVICE_COLUMNS = sql`d.account_id::text, d.device_id::text, d.sign_ins >= 2 as registered`
const WITH_DEVICE = sql`xmpp.push p join xmpp.device d on d.account_id = p.account_id and d.identity = p.identity`

/** Needs a connection with the role `sealpost_xmpp` on a migrated database. */
export function postgresPushStore(db: Db): PushStore {
  return {
    put(accountId, deviceId, { serviceHash, targetHash, sealed }) {
      return db.transaction(async (tx) => {
        const device = sql`account_id = ${accountId}::uuid and device_id = ${deviceId}::uuid`
        const [known] = await tx.query(sql`select 1 from xmpp.device where ${device} for update`)
        if (!known) return false
        await tx.execute(
          sql`delete from xmpp.push where account_id = ${accountId}::uuid and target_hash = ${targetHash}`,
        )
        await tx.execute(sql`
          insert into xmpp.push (account_id, identity, service_hash, target_hash, sealed)
          select account_id, identity, ${serviceHash}::bytea, ${targetHash}::bytea, ${sealed}::bytea from xmpp.device
          where ${device}
          on conflict (account_id, identity, service_hash) do update
            set target_hash = excluded.target_hash, sealed = excluded.sealed`)
        return true
      })
    },

    async ofAccount(accountId) {
      const rows = await db.query<SqlRow>(
        sql`select ${DEVICE_COLUMNS}, p.service_hash, p.target_hash, p.sealed from ${WITH_DEVICE}
            where p.account_id = ${accountId}::uuid`,
        { name: 'push_of_account' },
      )
      return rows.map((row) => ({ ...deviceOf(row), ...registrationOf(row) }))
    },

    async devices(after, max) {
      const behind = after
        ? sql`where (d.account_id, d.device_id) > (${after.accountId}::uuid, ${after.deviceId}::uuid)`
        : sql``
      const rows = await db.query<SqlDevice>(
        sql`select ${DEVICE_COLUMNS} from ${WITH_DEVICE} ${behind} order by d.account_id, d.device_id limit ${max}`,
      )
      return rows.map(deviceOf)
    },

    async removeTarget(accountId, targetHash) {
      await db.execute(
        sql`delete from xmpp.push where account_id = ${accountId}::uuid and target_hash = ${targetHash}`,
      )
    },

    async removeService(accountId, serviceHash) {
      await db.execute(
        sql`delete from xmpp.push where account_id = ${accountId}::uuid and service_hash = ${serviceHash}`,
      )
    },

    async removeDevice(accountId, identity) {
      await db.execute(
        sql`delete from xmpp.push where account_id = ${accountId}::uuid and identity = ${identity}`,
      )
    },

    async erase(accountId) {
      await db.execute(sql`delete from xmpp.push where account_id = ${accountId}::uuid`)
    },
  }
}

function deviceOf(row: SqlDevice): PushDevice {
  return { accountId: row.account_id, deviceId: row.device_id, registered: row.registered }
}

function registrationOf(row: SqlRow): PushRow {
  return { serviceHash: row.service_hash, targetHash: row.target_hash, sealed: row.sealed }
}
