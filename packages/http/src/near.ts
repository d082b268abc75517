import { BlockList, isIPv6 } from 'node:net'

const NEAR = new BlockList()
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  NEAR.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
  ['::1', 128],
  ['fe80::', 10],
  ['fc00::', 7],
] as const)
  NEAR.addSubnet(network, bits, 'ipv6')

/** Whether an address is loopback, link-local or private: where a proxy of ours may stand. */
export function isNear(address: string): boolean {
  const [bare = ''] = address.split('%')
  return NEAR.check(bare, isIPv6(bare) ? 'ipv6' : 'ipv4')
}
