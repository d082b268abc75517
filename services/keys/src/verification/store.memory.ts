/** The store in memory: the plain model of the Postgres store. */
import { isDeepStrictEqual } from 'node:util'
import type { AddressToken, Link, LinkStore, Sent } from './store.ts'

/** `isKnown`: whether a certificate is there. */
export function memoryLinkStore(isKnown: (fingerprint: string) => boolean, uploadKey: Buffer): LinkStore {
  const links = new Map<string, Link>()
  const tokens = new Map<string, AddressToken>()
  const used = new Map<string, number>()
  const key = (hash: Buffer): string => hash.toString('hex')
  const deleteAll = (unwanted: (link: Link) => boolean): void => {
    for (const [hash, link] of links) if (unwanted(link)) links.delete(hash)
  }
  const holds = (hash: Buffer, address: string, now: number): boolean => {
    const token = tokens.get(key(hash))
    return token !== undefined && token.address === address && token.expiresAt > now
  }
  return {
    async put(hash, link) {
      if (!isKnown(link.fingerprint)) return false
      links.set(key(hash), link)
      return true
    },
    async find(hash, now) {
      const link = links.get(key(hash))
      return link !== undefined && link.expiresAt > now ? link : undefined
    },
    delete: async (hash) => void links.delete(key(hash)),
    async pending(fingerprint, now) {
      const open = [...links.values()].filter(
        (link) => link.purpose === 'publish' && link.fingerprint === fingerprint && link.expiresAt > now,
      )
      return [...new Set(open.map(({ address }) => address))].sort()
    },
    async sentTo(address, now) {
      const sent = [
        ...[...links.values()].map((link): Sent & { address: string } => link),
        ...[...tokens.values()].map((each) => ({ ...each, purpose: 'token' as const })),
      ]
      return sent
        .filter((each) => each.address === address && each.expiresAt > now)
        .toSorted((a, b) => a.expiresAt - b.expiresAt)
        .map(({ purpose, expiresAt }) => ({ purpose, expiresAt }))
    },
    async deleteFor(wanted) {
      deleteAll((link) => isDeepStrictEqual({ ...link, ...wanted }, link))
      if (wanted.fingerprint === undefined && wanted.purpose === undefined)
        for (const [hash, { address }] of tokens) if (address === wanted.address) tokens.delete(hash)
    },
    putToken: async (hash, token) => void tokens.set(key(hash), token),
    hasToken: async (hash, address, now) => holds(hash, address, now),
    async takeToken(hash, address, now) {
      const token = holds(hash, address, now) ? tokens.get(key(hash)) : undefined
      if (token !== undefined) tokens.delete(key(hash))
      return token
    },
    async useOnce(digest, expiresAt) {
      if (used.has(key(digest))) return false
      used.set(key(digest), expiresAt)
      return true
    },
    async collect(now) {
      deleteAll(({ expiresAt }) => expiresAt <= now)
      for (const [hash, { expiresAt }] of tokens) if (expiresAt <= now) tokens.delete(hash)
      for (const [digest, expiresAt] of used) if (expiresAt <= now) used.delete(digest)
    },
    uploadKey: async () => uploadKey,
  }
}
