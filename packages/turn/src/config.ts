/** Where the TURN relay is, and the secret that it shares with us. */
import { type EnvReader, Secret } from '@sealpost/config'
import { parseTurnUri, type TurnService } from './turn-uri.ts'

export interface TurnConfig {
  /** Empty: there is none. */
  readonly services: readonly TurnService[]
  /** Signs credentials; undefined where there are only STUN servers, which ask for none. */
  readonly secret: Secret | undefined
  readonly ttlMs: number
}

/** Each with 128 bits at least, as hexadecimal digits. */
const SECRET_BYTES_MIN = 32
const SECRETS_MAX = 2
const URIS_MAX = 16

/**
 * Reads TURN_URIS, TURN_SECRET (or a file) and TURN_TTL. Two secrets, separated by a comma or a line: the relay takes credentials of both, we sign
 * with the first.
 */
export function readTurnConfig(env: EnvReader): TurnConfig {
  const uris = env.list('TURN_URIS', [])
  const services = uris.map(parseTurnUri).filter((service) => service !== undefined)
  if (services.length < uris.length)
    env.problem('TURN_URIS must be a list of URIs such as turn:turn.example.org:3478?transport=udp')
  if (uris.length > URIS_MAX) env.problem(`TURN_URIS must name at most ${String(URIS_MAX)} servers`)
  const given = env.optionalSecret('TURN_SECRET', { bytesMin: SECRET_BYTES_MIN })
  const secrets = given
    ?.reveal()
    .split(/[,\s]+/)
    .filter((secret) => secret !== '')
  if (secrets !== undefined && !areUsable(secrets))
    env.problem(
      `TURN_SECRET must hold one secret or two, each of ${String(SECRET_BYTES_MIN)} letters and digits at least`,
    )
  const [first] = secrets ?? []
  const needed = services.some(({ type }) => type.startsWith('turn'))
  if (needed && first === undefined) env.problem('TURN_SECRET must be set when TURN_URIS names a relay')
  return {
    services,
    secret: first === undefined ? undefined : Secret.of(first),
    ttlMs: env.durationMs('TURN_TTL', '6h', { min: 3_600_000, max: 12 * 3_600_000 }),
  }
}

/** What is no letter or digit would need quoting in coturn's file. */
function areUsable(secrets: readonly string[]): boolean {
  const isUsable = (secret: string): boolean =>
    secret.length >= SECRET_BYTES_MIN && /^[A-Za-z0-9_+/=-]+$/.test(secret)
  return secrets.length > 0 && secrets.length <= SECRETS_MAX && secrets.every(isUsable)
}
