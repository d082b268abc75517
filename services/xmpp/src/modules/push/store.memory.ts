/** Push registrations in memory, for tests. */
import type { PushDevice, PushRow, PushStore } from './store.ts'

interface Row extends PushRow {
  readonly accountId: string
  readonly identity: string
}

/** As far as this store needs to know a device. */
export interface KnownDevice extends PushDevice {
  readonly identity: Buffer
}

/** `known`: all devices there are. */
export function memoryPushStore(known: () => readonly KnownDevice[]): PushStore {
  let rows: Row[] = []
  const drop = (unwanted: (row: Row) => boolean) => {
    rows = rows.filter((row) => !unwanted(row))
  }
  const withDevice = () =>
    rows.flatMap(({ identity, ...row }) => {
      const device = known().find(
        (each) => each.accountId === row.accountId && each.identity.toString('hex') === identity,
      )
      return device ? [{ ...row, deviceId: device.deviceId, registered: device.registered }] : []
    })
  const place = ({ accountId, deviceId }: Pick<PushDevice, 'accountId' | 'deviceId'>) => accountId + deviceId
  return {
    async put(accountId, deviceId, row) {
      const device = known().find((each) => each.accountId === accountId && each.deviceId === deviceId)
      if (!device) return false
      const identity = device.identity.toString('hex')
      drop(
        (each) =>
          each.accountId === accountId &&
          (each.targetHash.equals(row.targetHash) ||
            (each.identity === identity && each.serviceHash.equals(row.serviceHash))),
      )
      rows.push({ ...row, accountId, identity })
      return true
    },
    async ofAccount(accountId) {
      return withDevice().filter((row) => row.accountId === accountId)
    },
    async devices(after, max) {
      return withDevice()
        .map(({ accountId, deviceId, registered }) => ({ accountId, deviceId, registered }))
        .filter((device) => !after || place(device) > place(after))
        .toSorted((a, b) => (place(a) < place(b) ? -1 : 1))
        .slice(0, max)
    },
    async removeTarget(accountId, targetHash) {
      drop((row) => row.accountId === accountId && row.targetHash.equals(targetHash))
    },
    async removeService(accountId, serviceHash) {
      drop((row) => row.accountId === accountId && row.serviceHash.equals(serviceHash))
    },
    async removeDevice(accountId, identity) {
      drop((row) => row.accountId === accountId && row.identity === identity.toString('hex'))
    },
    async erase(accountId) {
      drop((row) => row.accountId === accountId)
    },
  }
}
