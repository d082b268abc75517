import { type Db, gather, sql } from '@sealpost/db'
import type { Device, DeviceRecord, DeviceStore, StoredDevice } from './device-store.ts'

interface Row {
  device_id: string
  sign_ins: number
  inherits: boolean
  carbons: boolean
  overrun: boolean
}

interface StoredRow extends Row {
  account_id: string
  identity: Buffer
  last_seen_on: string
  hardware_hash: Buffer | null
}

interface RecordRow extends Row {
  created_on: string
  last_seen_on: string
  label: string | null
  typed: boolean
  bound: boolean
}

const COLUMNS = sql`device_id, sign_ins, inherits, carbons, overrun`

export function postgresDeviceStore(db: Db): DeviceStore {
  return { ...signingIn(db), ...binding(db), ...changing(db) }
}

function signingIn(db: Db): Pick<DeviceStore, 'ofAccount' | 'recordsOf' | 'signIn' | 'inherited'> {
  return {
    ofAccount: gather((accountIds) => ofAccounts(db, accountIds)),

    async recordsOf(accountId) {
      const rows = await db.query<RecordRow>(sql`
        select ${COLUMNS}, created_on, last_seen_on, label, type_hash is not null as typed, hardware_hash is not null as bound
        from xmpp.device
        where account_id = ${accountId} order by created_on, device_id`)
      return rows.map(toRecord)
    },

    signIn(accountId, identity, cap, atOnce = false) {
      return db.transaction(async (tx) => {
        const [row] = await tx.query<Row>(sql`
          insert into xmpp.device (account_id, identity, sign_ins, inherits)
          values (${accountId}, ${identity}, ${atOnce ? 2 : 1}, ${atOnce})
          on conflict (account_id, identity) do update
            set sign_ins = 2, last_seen_on = current_date,
                inherits = device.inherits or device.sign_ins = 1
          returning ${COLUMNS}`)
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
  }
}

/** In the order of `accountIds`. */
async function ofAccounts(db: Db, accountIds: readonly string[]): Promise<StoredDevice[][]> {
  const rows = await db.query<StoredRow>(
    sql`
      select account_id, identity, last_seen_on, hardware_hash, ${COLUMNS} from xmpp.device
      where account_id = any(${accountIds}::uuid[])`,
    { name: 'device_of_accounts' },
  )
  const devices = new Map(accountIds.map((id) => [id, [] as StoredDevice[]]))
  for (const row of rows) devices.get(row.account_id)?.push(toStored(row))
  return accountIds.map((id) => devices.get(id) ?? [])
}

type Binding = Pick<DeviceStore, 'bind' | 'hasType' | 'rename'>

function binding(db: Db): Binding {
  return {
    async bind(accountId, deviceId, { typeHash = null, hardwareHash = null }) {
      const changed = await db.execute(sql`
        update xmpp.device set type_hash = coalesce(${typeHash}::bytea, type_hash), hardware_hash = coalesce(${hardwareHash}::bytea, hardware_hash)
        where account_id = ${accountId}::uuid and device_id = ${deviceId}::uuid
          and (type_hash is distinct from coalesce(${typeHash}::bytea, type_hash)
            or hardware_hash is distinct from coalesce(${hardwareHash}::bytea, hardware_hash))`)
      return changed > 0
    },

    async hasType(accountId, typeHash) {
      const rows = await db.query(sql`
        select from xmpp.device where account_id = ${accountId}::uuid and type_hash = ${typeHash}::bytea limit 1`)
      return rows.length > 0
    },

    async rename(accountId, deviceId, label) {
      const renamed = await db.execute(sql`
        update xmpp.device set label = ${label ?? null} where account_id = ${accountId}::uuid and device_id = ${deviceId}::uuid`)
      return renamed > 0
    },
  }
}

function changing(db: Db): Omit<DeviceStore, keyof ReturnType<typeof signingIn> | keyof Binding> {
  return {
    async setCarbons(accountId, deviceId, carbons) {
      await db.execute(sql`
        update xmpp.device set carbons = ${carbons}
        where account_id = ${accountId} and device_id = ${deviceId} and carbons <> ${carbons}`)
    },

    async setOverrun(accountId, deviceIds) {
      await db.execute(sql`
        update xmpp.device set overrun = true
        where account_id = ${accountId} and device_id = any(${deviceIds}::uuid[])`)
    },

    async clearOverrun(accountId, deviceId) {
      await db.execute(
        sql`update xmpp.device set overrun = false where account_id = ${accountId} and device_id = ${deviceId}`,
      )
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

    async remove(accountId, deviceId) {
      const count = await db.execute(
        sql`delete from xmpp.device where account_id = ${accountId} and device_id = ${deviceId}`,
      )
      return count > 0
    },

    async erase(accountId) {
      await db.execute(sql`delete from xmpp.device where account_id = ${accountId}`)
    },
  }
}

function toDevice({ device_id: id, sign_ins: signIns, inherits, carbons, overrun }: Row): Device {
  return { id, registered: signIns > 1, inherits, carbons, overrun }
}

function toStored(row: StoredRow): StoredDevice {
  const { identity, last_seen_on: lastSeenOn, hardware_hash: hardwareHash } = row
  return {
    ...toDevice(row),
    identity: identity.toString('hex'),
    lastSeenOn,
    hardwareHash: hardwareHash ?? undefined,
  }
}

function toRecord(row: RecordRow): DeviceRecord {
  const { created_on: createdOn, last_seen_on: lastSeenOn, label, typed, bound } = row
  return { ...toDevice(row), createdOn, lastSeenOn, label: label ?? undefined, typed, bound }
}
