/** What is known of a base backup without opening it. */

export interface Manifest {
  readonly format: 1
  /** RFC 3339, UTC. A restore reaches no time before `endedAt`. */
  readonly startedAt: string
  readonly endedAt: string
  /** The first and the last segment without which it cannot be restored. */
  readonly startSegment: string
  readonly stopSegment: string
  readonly postgresVersion: number
  readonly systemIdentifier: string
  /** Of initdb, and the database: as whom and where a restored cluster is looked at. */
  readonly superuser: string
  readonly database: string
  readonly files: number
  readonly plainBytes: number
  readonly encryptedBytes: number
  /** Of the encrypted file, in hex. */
  readonly sha256: string
}

const KINDS: Readonly<Record<keyof Manifest, 'string' | 'number'>> = {
  format: 'number',
  startedAt: 'string',
  endedAt: 'string',
  startSegment: 'string',
  stopSegment: 'string',
  postgresVersion: 'number',
  systemIdentifier: 'string',
  superuser: 'string',
  database: 'string',
  files: 'number',
  plainBytes: 'number',
  encryptedBytes: 'number',
  sha256: 'string',
}

/** Those of the embedded Postgres. COMPAT: until backups that do not name them have aged out. */
const UNNAMED = { superuser: 'sealpost', database: 'sealpost' }

/** Undefined: it is damaged, or too new. */
export function parseManifest(text: string): Manifest | undefined {
  const found = parse(text)
  const value: Record<string, unknown> | undefined = found && { ...UNNAMED, ...found }
  const isOne =
    value !== undefined &&
    value['format'] === 1 &&
    Object.entries(KINDS).every(([name, kind]) => typeof value[name] === kind)
  return isOne ? (value as unknown as Manifest) : undefined
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
