/** What one service may ask of another: a direct call in one process, HTTP with a shared secret between processes. */
export { PortError, type PortErrorCode } from './port-error.ts'
export { openPortSecret, PORT_SECRET_FILE, type PortSecret } from './port-secret.ts'
export { relayClient, type RelayClientOptions } from './relay-client.ts'
export type { Relay, RelayDevice, RelayQueue } from './relay.ts'
export { RELAY_PATHS } from './relay-wire.ts'
