/** Networks in CIDR notation (RFC 4632, RFC 4291 §2.3), from which an API key works. */
import { BlockList, isIP } from 'node:net'

/** An IPv4 address that came as IPv6 (RFC 4291 §2.5.5.2) is the IPv4 address. */
export function isWithinNetworks(address: string, networks: readonly string[]): boolean {
  if (networks.length === 0) return true
  const list = new BlockList()
  for (const network of networks) add(list, network)
  const bare = plain(address)
  return isIP(bare) !== 0 && list.check(bare, familyOf(bare))
}

/** `network/bits`, or an address alone. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const size = isIP(address) === 4 ? 32 : 128
  if (isIP(address) === 0 || address.includes('%') || rest.length > 0) return false
  return bits === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= size)
}

/** Whether all of `inner` lies in one of `outer`; no outer networks are everywhere. */
export function isNetworkWithin(inner: string, outer: readonly string[]): boolean {
  const [address, bits] = parse(inner)
  return (
    outer.length === 0 ||
    outer.some((network) => {
      const [base, baseBits] = parse(network)
      return familyOf(base) === familyOf(address) && baseBits <= bits && isWithinNetworks(address, [network])
    })
  )
}

function add(list: BlockList, network: string): void {
  const [address, bits] = parse(network)
  list.addSubnet(address, bits, familyOf(address))
}

function parse(network: string): [address: string, bits: number] {
  const [address = '', bits] = network.split('/')
  return [address, bits === undefined ? (isIP(address) === 4 ? 32 : 128) : Number(bits)]
}

function plain(address: string): string {
  const [bare = ''] = address.toLowerCase().split('%')
  return bare.startsWith('::ffff:') && bare.includes('.') ? bare.slice('::ffff:'.length) : bare
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
