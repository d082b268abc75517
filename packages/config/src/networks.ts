import { BlockList, isIP, isIPv6 } from 'node:net'

/** A set of addresses. */
export interface Networks {
  include(address: string): boolean
}

/** Networks in CIDR notation, or single addresses; undefined when one of them is neither. An IPv4 address mapped into IPv6 is the same. */
export function parseNetworks(items: readonly string[]): Networks | undefined {
  const list = new BlockList()
  for (const item of items) {
    const [address = '', prefix, ...rest] = item.split('/')
    const version = isIP(address)
    const bits = version === 6 ? 128 : 32
    const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity
    if (version === 0 || length > bits || rest.length > 0) return undefined
    list.addSubnet(address, length, version === 6 ? 'ipv6' : 'ipv4')
  }
  return {
    include: (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'),
  }
}
