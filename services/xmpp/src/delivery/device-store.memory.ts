import { type Clock, type Random, systemRandom } from '@sealpost/runtime'
import type { Device, DeviceStore } from './device-store.ts'

interface Row {
  accountId: string
  identity: string
  id: string
  signIns: number
  inherits: boolean
  carbons: boolean
  lastSeenDay: number
  order: number
}

const DAY_MS = 86_400_000

/** For tests and simulations. */
export function memoryDeviceStore(clock: Clock, random: Random = systemRandom): DeviceStore {
  let rows: Row[] = []
  let order = 0
  const today = () => Math.floor(clock.now() / DAY_MS)
  const find = (accountId: string, deviceId: string) =>
    rows.find((row) => row.accountId === accountId && row.id === deviceId)

  return {
    async ofAccount(accountId) {
      return rows.filter((row) => row.accountId === accountId).map(toDevice)
    },

    async signIn(accountId, identityBytes, cap) {
      const identity = identityBytes.toString('hex')
      let row = rows.find((other) => other.accountId === accountId && other.identity === identity)
      if (row) {
        row.inherits ||= row.signIns === 1
        row.signIns = 2
        row.lastSeenDay = today()
      } else {
        row = {
          accountId,
          identity,
          id: random.uuid(),
          signIns: 1,
          inherits: false,
          carbons: false,
          lastSeenDay: today(),
          order: order++,
        }
        rows.push(row)
      }
      const kept = row
      const others = rows
        .filter((other) => other.accountId === accountId && other !== kept)
        .sort((a, b) => b.signIns - a.signIns || b.lastSeenDay - a.lastSeenDay || b.order - a.order)
      const dropped = others.slice(cap - 1)
      rows = rows.filter((other) => !dropped.includes(other))
      return { device: toDevice(row), dropped: dropped.map((each) => each.id) }
    },

    async inherited(accountId, deviceId) {
      const row = find(accountId, deviceId)
      if (row) row.inherits = false
    },

    async setCarbons(accountId, deviceId, carbons) {
      const row = find(accountId, deviceId)
      if (row) row.carbons = carbons
    },

    async seen(deviceIds) {
      for (const row of rows) if (deviceIds.includes(row.id)) row.lastSeenDay = today()
    },

    async ageOut(days) {
      const old = rows.filter((row) => row.lastSeenDay < today() - days)
      rows = rows.filter((row) => !old.includes(row))
      return old.map((row) => ({ accountId: row.accountId, deviceId: row.id }))
    },

    async erase(accountId) {
      rows = rows.filter((row) => row.accountId !== accountId)
    },
  }
}

function toDevice(row: Row): Device {
  return { id: row.id, registered: row.signIns > 1, inherits: row.inherits, carbons: row.carbons }
}
