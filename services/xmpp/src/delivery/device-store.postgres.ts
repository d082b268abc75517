import { type Db, sql } from '@sealpost/db'
import type { Device, DeviceStore } from './device-store.ts'

interface Row {
  device_id: string
  sign_ins: number
  inherits: boolean
  carbons: boolean
}

export function postgresDeviceStore(db: Db): DeviceStore {
  return {
    async ofAccount(accountId) {
      const rows = await db.query<Row>(
        sql`select device_id, sign_ins, inherits, carbons from xmpp.device where account_id = ${accountId}`,
        { name: 'device_of_account' },
      )
      return rows.map(toDevice)
    },

    signIn(accountId, identity, cap) {
      return db.transaction(async (tx) => {
        const [row] = await tx.query<Row>(sql`
          insert into xmpp.device (account_id, identity) values (${accountId}, ${identity})
          on conflict (account_id, identity) do update
            set sign_ins = 2, last_seen_on = current_date,
                inherits = device.inherits or device.sign_ins = 1
          returning device_id, sign_ins, inherits, carbons`)
        if (!row) throw new Error('an upsert returns its row')
        const dropped = await tx.query<{ device_id: string }>(sql`
          delete from xmpp.device where account_id = ${accountId} and device_id in (
            select device_id from xmpp.device where account_id = ${accountId} and device_id <> ${row.device_id}
            order by sign_ins desc, last_seen_on desc, created_on desc offset ${cap - 1})
          returning device_id`)
        return { device: toDevice(row), dropped: dropped.map((each) => each.device_id) }
      })
    },

    async inherited(accountId, deviceId) {
      await db.execute(sql`
        update xmpp.device set inherits = false where account_id = ${accountId} and device_id = ${deviceId}`)
    },

    async setCarbons(accountId, deviceId, carbons) {
      await db.execute(sql`
        update xmpp.device set carbons = ${carbons}
        where account_id = ${accountId} and device_id = ${deviceId} and carbons <> ${carbons}`)
    },

    async seen(deviceIds) {
      await db.execute(sql`
        update xmpp.device set last_seen_on = current_date
        where device_id = any(${deviceIds}::uuid[]) and last_seen_on < current_date`)
    },

    async ageOut(days) {
      const rows = await db.query<{ account_id: string; device_id: string }>(sql`
        delete from xmpp.device where last_seen_on < current_date - ${days}::int returning account_id, device_id`)
      return rows.map((row) => ({ accountId: row.account_id, deviceId: row.device_id }))
    },

    async erase(accountId) {
      await db.execute(sql`delete from xmpp.device where account_id = ${accountId}`)
    },
  }
}

function toDevice(row: Row): Device {
  return { id: row.device_id, registered: row.sign_ins > 1, inherits: row.inherits, carbons: row.carbons }
}
