/** The relay's port from another process. */
import { askPort, type PortClientOptions } from './port-client.ts'
import {
  RELAY_PATHS,
  readBound,
  readDevices,
  readDone,
  readKnown,
  readQueues,
  readReached,
  readRevoked,
} from './relay-wire.ts'
import type { Relay } from './relay.ts'

export function relayClient(options: PortClientOptions): Relay {
  const tell = <T>(path: string, body: object, read: (answer: unknown) => T): Promise<T> =>
    askPort(options, { method: 'POST', path, body: { ...body } }, read)
  const ask = <T>(method: 'GET' | 'DELETE', path: string, read: (answer: unknown) => T): Promise<T> =>
    askPort(options, { method, path }, read)
  return {
    devices: (account) => ask('GET', fill(RELAY_PATHS.devices, { account }), readDevices),
    revokeDevice: (account, device) =>
      ask('DELETE', fill(RELAY_PATHS.device, { account, device }), readRevoked),
    queues: (account) => ask('GET', fill(RELAY_PATHS.queues, { account }), readQueues),
    bindDevice: (account, device) => tell(fill(RELAY_PATHS.devices, { account }), device, readBound),
    renameDevice: (account, device, label) =>
      tell(fill(RELAY_PATHS.label, { account, device }), { label }, readDone),
    signOutDevice: (account, device) => tell(fill(RELAY_PATHS.signOut, { account, device }), {}, readDone),
    hasDeviceType: (account, type) => tell(fill(RELAY_PATHS.deviceType, { account }), { type }, readKnown),
    announce: (announcement) => tell(RELAY_PATHS.announce, announcement, readReached),
  }
}

function fill(path: string, ids: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_all, name: string) => encodeURIComponent(ids[name] ?? ''))
}
