/** The port to single certificates, for whoever runs the directory: what is here, taking one off, letting one come again. */
import { type FastifyPluginAsync, onlyServices, Type, type Static } from '@sealpost/http'
import {
  type DirectoryKey,
  KEY_OPERATIONS_PATHS,
  type KeyOperations,
  type KeptCertificate,
  type KeySearch,
  type PortSecret,
} from '@sealpost/ports'
import type { Described, Directory } from '../directory/directory.ts'

const search = Type.Object({
  kind: Type.Union([Type.Literal('fingerprint'), Type.Literal('key-id'), Type.Literal('address')]),
  value: Type.String({ minLength: 3, maxLength: 320 }),
})
const named = Type.Object({ fingerprint: Type.String({ pattern: '^(?:[0-9A-F]{40}|[0-9A-F]{64})$' }) })

export function keyOperations(directory: Directory): KeyOperations {
  return {
    async find(asked) {
      const fingerprints = await fingerprintsOf(directory, asked)
      const keys = await Promise.all(fingerprints.map((fingerprint) => show(directory, fingerprint)))
      return keys.filter(({ removed, certificate }) => removed || certificate !== undefined)
    },
    remove: (fingerprint) => directory.ban(fingerprint),
    readmit: (fingerprint) => directory.readmit(fingerprint),
  }
}

/** An address leads to its certificate also while it is suspended; a fingerprint to itself where nothing is here. */
async function fingerprintsOf(directory: Directory, { kind, value }: KeySearch): Promise<readonly string[]> {
  if (kind === 'address') {
    const owner = await directory.ownerOf(value)
    return owner === undefined ? [] : [owner]
  }
  const listed = await directory.list({ kind, value })
  if (listed.length === 0 && kind === 'fingerprint') return [value]
  return listed.map(({ fingerprint }) => fingerprint)
}

async function show(directory: Directory, fingerprint: string): Promise<DirectoryKey> {
  const described = await directory.describe(fingerprint)
  return {
    fingerprint,
    removed: await directory.isRemoved(fingerprint),
    certificate: described && summary(described),
  }
}

function summary({ listing, published, suspended }: Described): KeptCertificate {
  return {
    algorithm: listing.algorithm.name,
    createdOn: dayOf(listing.created),
    expiresOn: listing.expires === undefined ? undefined : dayOf(listing.expires),
    revoked: listing.revoked !== undefined,
    published,
    suspended,
  }
}

const dayOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10)

export function keyOperationsRoutes(keys: KeyOperations, secret: PortSecret): FastifyPluginAsync {
  const config = { rateLimit: false } as const
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.post<{ Body: Static<typeof search> }>(
      KEY_OPERATIONS_PATHS.find,
      { config, schema: { hide: true, body: search } },
      async ({ body }) => ({ items: await keys.find(body) }),
    )
    app.post<{ Body: Static<typeof named> }>(
      KEY_OPERATIONS_PATHS.remove,
      { config, schema: { hide: true, body: named } },
      async ({ body: { fingerprint } }) => ({ done: await keys.remove(fingerprint) }),
    )
    app.post<{ Body: Static<typeof named> }>(
      KEY_OPERATIONS_PATHS.readmit,
      { config, schema: { hide: true, body: named } },
      async ({ body: { fingerprint } }) => {
        await keys.readmit(fingerprint)
        return { done: true }
      },
    )
    await Promise.resolve()
  }
}
