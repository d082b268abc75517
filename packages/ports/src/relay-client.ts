/** The relay's port from another process. */
import { askPort, type PortClientOptions } from './port-client.ts'
import { RELAY_PATHS, readDevices, readQueues, readReached, readRevoked } from './relay-wire.ts'
import type { Relay } from './relay.ts'

export function relayClient(options: PortClientOptions): Relay {
  const ask = <T>(method: 'GET' | 'DELETE', path: string, read: (answer: unknown) => T): Promise<T> =>
    askPort(options, { method, path }, read)
  return {
    devices: (account) => ask('GET', fill(RELAY_PATHS.devices, { account }), readDevices),
    revokeDevice: (account, device) =>
      ask('DELETE', fill(RELAY_PATHS.device, { account, device }), readRevoked),
    queues: (account) => ask('GET', fill(RELAY_PATHS.queues, { account }), readQueues),
    announce: (announcement) =>
      askPort(
        options,
        { method: 'POST', path: RELAY_PATHS.announce, body: { ...announcement } },
        readReached,
      ),
  }
}

function fill(path: string, ids: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_all, name: string) => encodeURIComponent(ids[name] ?? ''))
}
