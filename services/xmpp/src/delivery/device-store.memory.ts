import { type Clock, type Random, systemRandom } from '@sealpost/runtime'
import type { Device, DeviceRecord, DeviceStore, StoredDevice } from './device-store.ts'

interface Row {
  accountId: string
  identity: string
  id: string
  signIns: number
  inherits: boolean
  carbons: boolean
  overrun: boolean
  createdDay: number
  lastSeenDay: number
  order: number
  label: string | undefined
  typeHash: Buffer | undefined
  hardwareHash: Buffer | undefined
}

const DAY_MS = 86_400_000

/** For tests and simulations. */
export function memoryDeviceStore(clock: Clock, random: Random = systemRandom): DeviceStore {
  const rows = new Rows(clock, random)
  return { ...signingIn(rows), ...binding(rows), ...changing(rows) }
}

class Rows {
  all: Row[] = []
  readonly #clock: Clock
  readonly #random: Random
  #order = 0

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  get today(): number {
    return Math.floor(this.#clock.now() / DAY_MS)
  }

  of(accountId: string): Row[] {
    return this.all.filter((row) => row.accountId === accountId)
  }

  find(accountId: string, deviceId: string): Row | undefined {
    return this.all.find((row) => row.accountId === accountId && row.id === deviceId)
  }

  remove(gone: readonly Row[]): void {
    this.all = this.all.filter((row) => !gone.includes(row))
  }

  add(accountId: string, identity: string): Row {
    const days = { createdDay: this.today, lastSeenDay: this.today }
    const flags = { inherits: false, carbons: false, overrun: false }
    const row = {
      accountId,
      identity,
      id: this.#random.uuid(),
      signIns: 1,
      ...flags,
      ...days,
      label: undefined,
      typeHash: undefined,
      hardwareHash: undefined,
      order: this.#order++,
    }
    this.all.push(row)
    return row
  }
}

function signingIn(rows: Rows): Pick<DeviceStore, 'ofAccount' | 'recordsOf' | 'signIn' | 'inherited'> {
  return {
    ofAccount: async (accountId) => rows.of(accountId).map(toStored),

    recordsOf: async (accountId) =>
      rows
        .of(accountId)
        .sort((a, b) => a.createdDay - b.createdDay || a.id.localeCompare(b.id))
        .map(toRecord),

    async signIn(accountId, identityBytes, cap) {
      const identity = identityBytes.toString('hex')
      const known = rows.of(accountId).find((row) => row.identity === identity)
      if (known) {
        known.inherits ||= known.signIns === 1
        known.signIns = 2
        known.lastSeenDay = rows.today
      }
      const row = known ?? rows.add(accountId, identity)
      const others = rows
        .of(accountId)
        .filter((other) => other !== row)
        .sort((a, b) => b.signIns - a.signIns || b.lastSeenDay - a.lastSeenDay || b.order - a.order)
      const dropped = others.slice(cap - 1)
      rows.remove(dropped)
      return { device: toDevice(row), dropped: dropped.map((each) => each.id) }
    },

    async inherited(accountId, deviceId) {
      const row = rows.find(accountId, deviceId)
      if (row) row.inherits = false
    },
  }
}

type Binding = Pick<DeviceStore, 'bind' | 'hasType' | 'rename'>

function binding(rows: Rows): Binding {
  return {
    async bind(accountId, deviceId, { typeHash, hardwareHash }) {
      const row = rows.find(accountId, deviceId)
      if (!row) return false
      const before = [row.typeHash, row.hardwareHash].map(String)
      row.typeHash = typeHash ?? row.typeHash
      row.hardwareHash = hardwareHash ?? row.hardwareHash
      return [row.typeHash, row.hardwareHash].map(String).join() !== before.join()
    },

    hasType: async (accountId, typeHash) =>
      rows.of(accountId).some((row) => row.typeHash?.equals(typeHash) === true),

    async rename(accountId, deviceId, label) {
      const row = rows.find(accountId, deviceId)
      if (row) row.label = label
      return row !== undefined
    },
  }
}

function changing(rows: Rows): Omit<DeviceStore, keyof ReturnType<typeof signingIn> | keyof Binding> {
  return {
    async setCarbons(accountId, deviceId, carbons) {
      const row = rows.find(accountId, deviceId)
      if (row) row.carbons = carbons
    },

    async setOverrun(accountId, deviceIds) {
      for (const row of rows.of(accountId)) if (deviceIds.includes(row.id)) row.overrun = true
    },

    async clearOverrun(accountId, deviceId) {
      const row = rows.find(accountId, deviceId)
      if (row) row.overrun = false
    },

    async seen(deviceIds) {
      for (const row of rows.all) if (deviceIds.includes(row.id)) row.lastSeenDay = rows.today
    },

    async ageOut(days) {
      const old = rows.all.filter((row) => row.lastSeenDay < rows.today - days)
      rows.remove(old)
      return old.map((row) => ({ accountId: row.accountId, deviceId: row.id }))
    },

    async remove(accountId, deviceId) {
      const row = rows.find(accountId, deviceId)
      if (row) rows.remove([row])
      return row !== undefined
    },

    erase: async (accountId) => rows.remove(rows.of(accountId)),
  }
}

function toDevice({ id, signIns, inherits, carbons, overrun }: Row): Device {
  return { id, registered: signIns > 1, inherits, carbons, overrun }
}

function toStored(row: Row): StoredDevice {
  const { identity, hardwareHash } = row
  return { ...toDevice(row), identity, lastSeenOn: dayOf(row.lastSeenDay), hardwareHash }
}

function toRecord(row: Row): DeviceRecord {
  const days = { createdOn: dayOf(row.createdDay), lastSeenOn: dayOf(row.lastSeenDay) }
  const { label, typeHash, hardwareHash } = row
  return {
    ...toDevice(row),
    ...days,
    label,
    typed: typeHash !== undefined,
    bound: hardwareHash !== undefined,
  }
}

function dayOf(count: number): string {
  return new Date(count * DAY_MS).toISOString().slice(0, 10)
}
