/** URIs of STUN servers (RFC 7064) and TURN relays (RFC 7065). */

export interface TurnService {
  readonly uri: string
  readonly type: 'stun' | 'stuns' | 'turn' | 'turns'
  readonly host: string
  readonly port: number
  readonly transport: 'udp' | 'tcp'
}

const URI =
  /^(stuns?|turns?):([a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i
const PORT = 3478
const TLS_PORT = 5349

/** Undefined: it is none. Without a port the default one is meant (RFC 7064 §3.2); `stuns` and `turns` go over TCP unless told (RFC 7065 §3.2). */
export function parseTurnUri(uri: string): TurnService | undefined {
  const [, scheme, host, port, transport] = URI.exec(uri) ?? []
  if (scheme === undefined || host === undefined) return undefined
  const type = scheme.toLowerCase() as TurnService['type']
  const secure = type.endsWith('s')
  const number = port === undefined ? (secure ? TLS_PORT : PORT) : Number(port)
  if (number < 1 || number > 65_535) return undefined
  if (transport !== undefined && type.startsWith('stun')) return undefined
  return {
    uri,
    type,
    host: host.replaceAll(/[[\]]/g, '').toLowerCase(),
    port: number,
    transport: (transport?.toLowerCase() as 'udp' | 'tcp' | undefined) ?? (secure ? 'tcp' : 'udp'),
  }
}
