/** One-time passwords by time (RFC 6238): six digits, SHA-1, 30 seconds, since that is what all authenticator apps can do. */
import { Secret, TOTP } from 'otpauth'
import type { Clock, Random } from '@sealpost/runtime'
import type { AdministratorSecrets } from './administrator-secrets.ts'
import type { TotpRow } from './store.ts'

/** RFC 4226 §4: 160 bits. */
const SECRET_BYTES = 20
const PERIOD_SECONDS = 30
/** Steps before and after the present one whose code is taken (RFC 6238 §5.2). */
const WINDOW = 1
const SETUP_TTL_MS = 10 * 60_000
const TIME_BYTES = 6

/** What an authenticator app is told, and what comes back with its first code. */
export interface TotpSetup {
  /** base32, for typing. */
  readonly secret: string
  /** `otpauth://totp/…`, for a QR code. */
  readonly uri: string
  /** Ten minutes good. */
  readonly ticket: string
}

export interface TotpOptions {
  readonly secrets: AdministratorSecrets
  readonly clock: Clock
  readonly random: Random
  /** Shown in the app beside the name: the host. */
  readonly issuer: () => string
}

export class Totp {
  readonly #options: TotpOptions

  constructor(options: TotpOptions) {
    this.#options = options
  }

  /** `context`: who may finish it. */
  begin(name: string, context: string): TotpSetup {
    const { secrets, clock, random, issuer } = this.#options
    const bytes = random.bytes(SECRET_BYTES)
    const time = Buffer.alloc(TIME_BYTES)
    time.writeUIntBE(clock.now() + SETUP_TTL_MS, 0, TIME_BYTES)
    const ticket = secrets.seal(Buffer.concat([time, bytes]), `setup ${context}`).toString('base64url')
    const totp = this.#of(bytes, issuer(), name)
    return { secret: totp.secret.base32, uri: totp.toString(), ticket }
  }

  /** What to keep for the administrator; undefined: the ticket is of somebody else or too old, or the code is wrong. */
  finish(
    setup: { ticket: string; code: string },
    context: string,
    administratorId: string,
    today: string,
  ): TotpRow | undefined {
    const { secrets, clock } = this.#options
    const opened = secrets.open(Buffer.from(setup.ticket, 'base64url'), `setup ${context}`)
    if (opened === undefined || opened.readUIntBE(0, TIME_BYTES) <= clock.now()) return undefined
    const secret = opened.subarray(TIME_BYTES)
    const usedStep = this.#stepOf(secret, setup.code)
    if (usedStep === undefined) return undefined
    return { sealedSecret: secrets.seal(secret, `totp ${administratorId}`), usedStep, createdOn: today }
  }

  /** The step whose code it is; undefined: of none. Somebody who has no TOTP costs the same. */
  check(totp: TotpRow | undefined, administratorId: string, code: string): number | undefined {
    const { secrets, random } = this.#options
    const secret = totp && secrets.open(totp.sealedSecret, `totp ${administratorId}`)
    const step = this.#stepOf(secret ?? random.bytes(SECRET_BYTES), code)
    return secret === undefined ? undefined : step
  }

  #stepOf(secret: Buffer, code: string): number | undefined {
    const timestamp = this.#options.clock.now()
    const delta = this.#of(secret).validate({ token: code, timestamp, window: WINDOW })
    return delta === null ? undefined : TOTP.counter({ period: PERIOD_SECONDS, timestamp }) + delta
  }

  #of(bytes: Buffer, issuer = '', label = ''): TOTP {
    const secret = new Secret({ buffer: Uint8Array.from(bytes).buffer })
    return new TOTP({ issuer, label, secret, algorithm: 'SHA1', digits: 6, period: PERIOD_SECONDS })
  }
}
