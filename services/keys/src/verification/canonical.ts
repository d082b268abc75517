/**
 * draft-ietf-openpgp-hkp §5.2.2, §5.2.3, §5.2.4.1: setting the certificate of an address with a token that was mailed to it. The token is of the address alone, so that
 * it can be had before there is a certificate; it holds for a day, and once.
 */
import { OperationalError } from '@sealpost/errors'
import { normalizeAddress } from '@sealpost/openpgp'
import type { Form } from '../certificates/form.ts'
import type { Readable, Submission } from '../directory/directory.ts'
import { tokenLetter } from './letters.ts'
import { hashMailedToken, isMailedToken, newMailedToken } from './mailed-token.ts'
import { VerificationError, type VerificationOptions } from './verification.ts'

const messages = {
  CANONICAL_NO_ADDRESS: 'Send one mail address.',
  CANONICAL_UNAUTHORIZED: 'The token is not for this address, was used, or is older than a day.',
  CANONICAL_NO_USER_ID: 'No valid user id of it has this address.',
  CANONICAL_SEVERAL: 'Several certificates have this address: send the one that is to be found by it.',
  CANONICAL_REMOVED: 'Its owner had it removed.',
  CANONICAL_REVOKED: 'It is revoked.',
} as const

export type CanonicalErrorCode = keyof typeof messages

export class CanonicalError extends OperationalError {
  override readonly name = 'CanonicalError'
  declare readonly code: CanonicalErrorCode
  /** Of the certificates that were sent and not taken for this reason. */
  readonly fingerprints: readonly string[]

  constructor(code: CanonicalErrorCode, fingerprints: readonly string[] = []) {
    super(code, messages[code])
    this.fingerprints = fingerprints
  }
}

/** Mails at once. */
const UNAWAITED_MAX = 64
const TOKEN_MS = 24 * 60 * 60_000

export class Canonical {
  readonly #options: VerificationOptions

  constructor(options: VerificationOptions) {
    this.#options = options
  }

  /**
   * Mails a token to an address. Returns before anything is looked up, and says nothing of what is known of the address. Throws CANONICAL_NO_ADDRESS,
   * VERIFICATION_LIMITED for a client that has asked too often, VERIFICATION_BUSY.
   */
  sendToken(text: string, client: string): void {
    const { limits, supervisor } = this.#options
    const address = normalizeAddress(text)
    if (address === undefined) throw new CanonicalError('CANONICAL_NO_ADDRESS')
    if (supervisor.size >= UNAWAITED_MAX) throw VerificationError.busy()
    const taken = limits.take(address, client)
    if (taken === 'client') throw VerificationError.limited()
    if (taken === 'taken') supervisor.spawn(this.#send(address))
  }

  /** Whether the token is for this address, so that an upload is worth reading. Uses nothing up. */
  async isAuthorized(identity: string, token: string): Promise<boolean> {
    const { links, clock, isSuspended } = this.#options
    const address = normalizeAddress(identity)
    if (address === undefined || !isMailedToken(token)) return false
    return (
      (await links.hasToken(hashMailedToken(token), address, clock.now())) && !(await isSuspended(address))
    )
  }

  /** Takes the one certificate with the address and publishes it. Throws as `submit`, and CanonicalError: then the token may be used again, and nothing was taken unless the certificate is revoked. */
  async set(identity: string, token: string, upload: Uint8Array, form?: Form): Promise<Submission> {
    const { directory, links, clock } = this.#options
    const address = normalizeAddress(identity)
    if (address === undefined || !(await this.isAuthorized(identity, token)))
      throw new CanonicalError('CANONICAL_UNAUTHORIZED')
    let fingerprint = ''
    const submission = await directory.submit(upload, form, (all) => {
      fingerprint = onlyOneWith(address, all)
    })
    const described = await directory.describe(fingerprint)
    const submitted = submission.certificates.find((each) => each.fingerprint === fingerprint)
    if (described === undefined || submitted?.outcome === 'ignored')
      throw new CanonicalError('CANONICAL_REMOVED', [fingerprint])
    if (described.listing.revoked !== undefined) throw new CanonicalError('CANONICAL_REVOKED', [fingerprint])
    const hash = hashMailedToken(token)
    const taken = await links.takeToken(hash, address, clock.now())
    if (taken === undefined) throw new CanonicalError('CANONICAL_UNAUTHORIZED')
    try {
      await directory.publish(fingerprint, address)
    } catch (error) {
      await links.putToken(hash, taken)
      throw error
    }
    return submission
  }

  /** Plain: whoever asks may have lost the key that is published, and there may be none. */
  async #send(address: string): Promise<void> {
    const { links, mail, limits, clock, random, server, origin, isSuspended } = this.#options
    if (await isSuspended(address)) return
    const token = newMailedToken(random)
    const expiresAt = clock.now() + TOKEN_MS
    await links.putToken(hashMailedToken(token), { address, expiresAt })
    const url = `${origin()}/pks/v2/canonical/${encodeURIComponent(address)}`
    try {
      await mail.send(address, tokenLetter({ server, address }, { url, token, expiresAt }))
    } catch (error) {
      limits.giveBack(address)
      await links.takeToken(hashMailedToken(token), address, clock.now())
      throw error
    }
  }
}

function onlyOneWith(address: string, all: readonly Readable[]): string {
  const [first, ...more] = all.filter(({ addresses }) => addresses.includes(address))
  const fingerprints = all.map(({ fingerprint }) => fingerprint)
  if (first === undefined) throw new CanonicalError('CANONICAL_NO_USER_ID', fingerprints)
  if (more.length > 0) throw new CanonicalError('CANONICAL_SEVERAL', fingerprints)
  return first.fingerprint
}
