/** The PROXY protocol of HAProxy, versions 1 and 2: who the client behind a proxy is. Pure. */
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { clientAddress } from './client-address.ts'

/** §2.1: the longest line of version 1 with its CRLF. */
const V1_BYTES_MAX = 107
const V2_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const V2_HEAD_BYTES = 16
/** §2.2 allows 65,535; nobody sends us more than addresses and a few TLVs. */
const V2_BODY_BYTES_MAX = 2_048

/** At least as long as any header that is understood. */
export const PROXY_HEADER_BYTES_MAX = V2_HEAD_BYTES + V2_BODY_BYTES_MAX

export type ProxyHeader =
  /** `client` undefined: the proxy speaks for itself (LOCAL), or does not know (UNKNOWN). `length`: bytes of the header. */
  | { readonly result: 'header'; readonly client: string | undefined; readonly length: number }
  | { readonly result: 'incomplete' | 'malformed' }

const MALFORMED = { result: 'malformed' } as const
const INCOMPLETE = { result: 'incomplete' } as const

export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const head = bytes.subarray(0, V2_SIGNATURE.length)
  if (head.equals(V2_SIGNATURE.subarray(0, head.length)))
    return head.length < V2_SIGNATURE.length ? INCOMPLETE : readV2(bytes)
  return readV1(bytes)
}

function readV1(bytes: Buffer): ProxyHeader {
  const line = bytes.subarray(0, V1_BYTES_MAX).toString('latin1')
  const start = 'PROXY '
  if (!line.startsWith(start.slice(0, line.length))) return MALFORMED
  const end = line.indexOf('\r\n')
  if (end === -1) return line.length < V1_BYTES_MAX ? INCOMPLETE : MALFORMED
  const length = end + 2
  const words = line.slice(start.length, end).split(' ')
  const [family, client = ''] = words
  if (family === 'UNKNOWN') return { result: 'header', client: undefined, length }
  const sound = family === 'TCP4' ? isIPv4(client) : family === 'TCP6' && isIPv6(client)
  return sound && words.length === 5 ? { result: 'header', client: clientAddress(client), length } : MALFORMED
}

/** §2.2. */
function readV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < V2_HEAD_BYTES) return INCOMPLETE
  const [version, command] = [bytes.readUInt8(12) >> 4, bytes.readUInt8(12) & 0x0f]
  const family = bytes.readUInt8(13)
  const bodyBytes = bytes.readUInt16BE(14)
  if (version !== 2 || command > 1 || bodyBytes > V2_BODY_BYTES_MAX) return MALFORMED
  const length = V2_HEAD_BYTES + bodyBytes
  if (bytes.length < length) return INCOMPLETE
  if (command === 0) return { result: 'header', client: undefined, length }
  const client = readV2Source(family, bytes.subarray(V2_HEAD_BYTES, length))
  return client === undefined ? MALFORMED : { result: 'header', client, length }
}

const TCP_OVER_IPV4 = 0x11
const TCP_OVER_IPV6 = 0x21

function readV2Source(family: number, body: Buffer): string | undefined {
  if (family === TCP_OVER_IPV4 && body.length >= 12) return body.subarray(0, 4).join('.')
  if (family !== TCP_OVER_IPV6 || body.length < 36) return undefined
  const groups = Array.from({ length: 8 }, (_, index) => body.readUInt16BE(index * 2).toString(16))
  const address = groups.join(':')
  return isIP(address) === 6 ? clientAddress(address) : undefined
}
