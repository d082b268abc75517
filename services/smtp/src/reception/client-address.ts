/** An IPv4 address mapped into IPv6 (RFC 4291 §2.5.5.2) is the IPv4 one, however it is written. Taken for IPv6, all of them would be in one network. */
export function clientAddress(address: string): string {
  if (!address.includes(':')) return address
  const canonical = URL.parse(`http://[${address}]`)?.hostname ?? ''
  const [, high = '', low = ''] = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(canonical) ?? []
  if (low === '') return address
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [first >> 8, first & 0xff, second >> 8, second & 0xff].join('.')
}
