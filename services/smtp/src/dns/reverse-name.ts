/** The names of IP addresses, backwards: below `in-addr.arpa` (RFC 1035 §3.5) and `ip6.arpa` (RFC 3596 §2.5), and below the zones of blocklists (RFC 5782 §2). */
import { isIPv4, isIPv6 } from 'node:net'

/** Undefined when it is no address. An IPv4 address mapped into IPv6 is the IPv4 one. */
export function reverseName(address: string): string | undefined {
  const reversed = reverseAddress(address)
  return reversed && `${reversed.labels}.${reversed.version === 4 ? 'in-addr' : 'ip6'}.arpa`
}

/** The octets or nibbles, last one first, with dots between them. */
export function reverseAddress(address: string): { labels: string; version: 4 | 6 } | undefined {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1] ?? address
  if (isIPv4(mapped)) return { labels: mapped.split('.').toReversed().join('.'), version: 4 }
  const [bare = ''] = address.split('%')
  if (!isIPv6(bare)) return undefined
  return { labels: nibbles(bare).split('').toReversed().join('.'), version: 6 }
}

function nibbles(address: string): string {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const hex = (high = '', low = ''): string => (Number(high) * 256 + Number(low)).toString(16)
  const whole = dotted
    ? `${dotted[1] ?? ''}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}`
    : address.toLowerCase()
  const [head = '', tail] = whole.split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - after.length
  return [...groups, ...Array.from({ length: missing }, () => '0'), ...after]
    .map((group) => group.padStart(4, '0'))
    .join('')
}
