/** What the directory holds of an account, for its owner to have: what is published for its address, and what was mailed to it and not used yet. */
import type { Accounts } from '@sealpost/accounts'
import { normalizeAddress } from '@sealpost/openpgp'
import type { KeysOwnData, OwnCertificate, OwnData } from '@sealpost/ports'
import type { Described, Directory } from '../directory/directory.ts'
import type { LinkStore } from '../verification/store.ts'

export interface OwnDataOptions {
  readonly accounts: Pick<Accounts, 'findById'>
  readonly directory: Pick<Directory, 'ownerOf' | 'describe'>
  readonly links: Pick<LinkStore, 'sentTo'>
  readonly now: () => number
}

export function keysOwnData({ accounts, directory, links, now }: OwnDataOptions): OwnData<KeysOwnData> {
  return {
    async ownData(accountId) {
      const account = await accounts.findById(accountId)
      const address = account && normalizeAddress(account.jid.toString())
      if (address === undefined) return { certificates: [], pending: [] }
      const fingerprint = await directory.ownerOf(address)
      const described = fingerprint === undefined ? undefined : await directory.describe(fingerprint)
      return {
        certificates: described === undefined ? [] : [show(described)],
        pending: await links.sentTo(address, now()),
      }
    },
  }
}

function show({ fingerprint, listing, published, suspended, kept }: Described): OwnCertificate {
  return {
    fingerprint,
    algorithm: listing.algorithm.name,
    createdOn: dayOf(listing.created),
    expiresOn: listing.expires === undefined ? undefined : dayOf(listing.expires),
    revoked: listing.revoked !== undefined,
    published,
    suspended,
    certificate: kept,
  }
}

const dayOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10)
