import { getServers } from 'node:dns'
import { parseDnsServer } from './dns-resolver.ts'
import type { ResolverServer } from './dns-resolver.ts'

/** The recursive servers of this machine (RFC 1123 §6.1.4.1). */
export function systemServers(): ResolverServer[] {
  return getServers()
    .map((text) => parseDnsServer(text, false))
    .filter((server) => server !== undefined)
}
