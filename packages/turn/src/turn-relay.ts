/**
 * Time-limited credentials as coturn's `use-auth-secret` takes them (draft-uberti-behave-turn-rest-00): the name is when they end and a random id, the
 * password is HMAC-SHA1 of the name. The relay learns no name of ours, and nothing is kept of whom they were given to.
 */
import { createHmac } from 'node:crypto'
import type { Metrics } from '@sealpost/metrics'
import type { Clock, Random } from '@sealpost/runtime'
import type { TurnConfig } from './config.ts'
import type { TurnService } from './turn-uri.ts'

export interface TurnCredentials {
  readonly username: string
  readonly password: string
  /** Milliseconds since the epoch, whole seconds. */
  readonly expiresAt: number
}

export interface TurnRelayOptions {
  readonly config: TurnConfig
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'token'>
  readonly metrics: Metrics
}

const ID_BYTES = 12

export class TurnRelay {
  readonly #options: TurnRelayOptions
  readonly #count: () => void

  constructor(options: TurnRelayOptions) {
    this.#options = options
    const given = options.metrics.counter(
      'turn_credentials_total',
      'Credentials for the TURN relay given out',
    )
    this.#count = () => given.inc()
  }

  /** Where STUN servers and TURN relays are; empty: there are none. */
  get services(): readonly TurnService[] {
    return this.#options.config.services
  }

  get ttlSeconds(): number {
    return Math.floor(this.#options.config.ttlMs / 1000)
  }

  /** New ones each time, so that nobody can tell two calls of one person. Undefined: no relay asks for any. */
  credentials(): TurnCredentials | undefined {
    const { config, clock, random } = this.#options
    if (config.secret === undefined || !config.services.some(asksForCredentials)) return undefined
    const expires = Math.floor(clock.now() / 1000) + this.ttlSeconds
    const username = `${String(expires)}:${random.token(ID_BYTES)}`
    const password = createHmac('sha1', config.secret.reveal()).update(username).digest('base64')
    this.#count()
    return { username, password, expiresAt: expires * 1000 }
  }
}

/** RFC 7064: a STUN server is for everybody. */
export function asksForCredentials({ type }: TurnService): boolean {
  return type === 'turn' || type === 'turns'
}
