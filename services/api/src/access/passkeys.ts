/** WebAuthn Level 3: making passkeys and checking what they sign. Attestation is not asked for: any authenticator that verifies its user is good. */
import { createHash } from 'node:crypto'
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type AuthenticationResponseJSON,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
} from '@simplewebauthn/server'
import type { Clock, Random } from '@sealpost/runtime'
import { AccessError } from './access-error.ts'
import type { ChallengePurpose, ChallengeRow, PasskeyRow, SessionStore } from './store.ts'

export type PasskeyMade = RegistrationResponseJSON
export type PasskeySigned = AuthenticationResponseJSON
export type PasskeyCreation = PublicKeyCredentialCreationOptionsJSON
export type PasskeyRequest = PublicKeyCredentialRequestOptionsJSON

const CHALLENGE_BYTES = 32
const CHALLENGE_TTL_MS = 5 * 60_000
/** Open at once, of each purpose: whoever asks for more has a machine doing it. */
const CHALLENGES_MAX = 20_000
const RP_NAME = 'Sealpost'
/** EdDSA, ES256, RS256 (RFC 9053 §2, RFC 8812 §2): between them all authenticators that there are. */
const ALGORITHMS = [-8, -7, -257]

export interface PasskeysOptions {
  readonly store: SessionStore
  readonly clock: Clock
  readonly random: Random
  /** `https://HOST:PORT`, where the panel is. The host is the RP ID. */
  readonly origin: () => string
}

/** What a passkey that was made brings; the caller gives it a name. */
export type NewPasskey = Pick<PasskeyRow, 'credentialId' | 'publicKey' | 'counter' | 'transports'>

export class Passkeys {
  readonly #options: PasskeysOptions

  constructor(options: PasskeysOptions) {
    this.#options = options
  }

  /** `existing`: of the same person, so that no authenticator gets two. Throws BUSY. */
  async creation(
    purpose: 'enrol' | 'add',
    who: { readonly id: string; readonly name: string },
    existing: readonly PasskeyRow[] = [],
  ): Promise<PasskeyCreation> {
    const challenge = await this.#give(purpose, who.id)
    return generateRegistrationOptions({
      rpName: RP_NAME,
      rpID: this.#rpId(),
      userName: who.name,
      userDisplayName: who.name,
      userID: Uint8Array.from(uuidBytes(who.id)),
      challenge: Uint8Array.from(challenge),
      timeout: CHALLENGE_TTL_MS,
      attestationType: 'none',
      supportedAlgorithmIDs: ALGORITHMS,
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      excludeCredentials: existing.map(describe),
    })
  }

  /** The administrator for whom it was made. Throws CREDENTIAL_REFUSED. */
  async made(
    purpose: 'enrol' | 'add',
    response: PasskeyMade,
  ): Promise<{ administratorId: string; passkey: NewPasskey }> {
    const challenge = await this.#take(purpose, response)
    const administratorId = challenge?.administratorId
    if (administratorId === undefined) throw new AccessError('CREDENTIAL_REFUSED')
    const expected = { ...this.#expected(), supportedAlgorithmIDs: ALGORITHMS }
    const verified = await verifyRegistrationResponse({ response, ...expected }).catch((cause: unknown) => {
      throw new AccessError('CREDENTIAL_REFUSED', { cause })
    })
    if (!verified.verified) throw new AccessError('CREDENTIAL_REFUSED')
    const { id, publicKey, counter, transports = [] } = verified.registrationInfo.credential
    const credentialId = Buffer.from(id, 'base64url')
    return {
      administratorId,
      passkey: {
        credentialId,
        publicKey: Buffer.from(publicKey),
        counter,
        transports: transports.filter(isTransport),
      },
    }
  }

  /** Of anybody when nobody is named. Throws BUSY. */
  async request(administratorId?: string, passkeys: readonly PasskeyRow[] = []): Promise<PasskeyRequest> {
    const challenge = await this.#give(administratorId === undefined ? 'sign-in' : 'proof', administratorId)
    return generateAuthenticationOptions({
      rpID: this.#rpId(),
      challenge: Uint8Array.from(challenge),
      timeout: CHALLENGE_TTL_MS,
      userVerification: 'required',
      allowCredentials: passkeys.map(describe),
    })
  }

  /** Uses the challenge up. Undefined: it is none of ours, too old, used, or for something else. */
  answered(purpose: 'sign-in' | 'proof', response: PasskeySigned): Promise<ChallengeRow | undefined> {
    return this.#take(purpose, response)
  }

  /** The new counter; undefined: not signed by this passkey of this administrator. The challenge is not judged here. */
  async signed(
    response: PasskeySigned,
    passkey: PasskeyRow,
    administratorId: string,
  ): Promise<number | undefined> {
    const { userHandle } = response.response
    if (userHandle !== undefined && userHandle !== uuidBytes(administratorId).toString('base64url'))
      return undefined
    const credential = {
      id: passkey.credentialId.toString('base64url'),
      publicKey: Uint8Array.from(passkey.publicKey),
      counter: passkey.counter,
    }
    try {
      const checked = await verifyAuthenticationResponse({ response, credential, ...this.#expected() })
      return checked.verified ? checked.authenticationInfo.newCounter : undefined
    } catch {
      return undefined
    }
  }

  /** The challenge has been taken from the table by then. */
  #expected() {
    return {
      expectedChallenge: () => true,
      expectedOrigin: this.#options.origin(),
      expectedRPID: this.#rpId(),
      requireUserVerification: true,
    }
  }

  #rpId(): string {
    return new URL(this.#options.origin()).hostname
  }

  async #give(purpose: ChallengePurpose, administratorId: string | undefined): Promise<Buffer> {
    const { store, clock, random } = this.#options
    const challenge = random.bytes(CHALLENGE_BYTES)
    const now = clock.now()
    const row = {
      challengeHash: hash(challenge),
      purpose,
      administratorId,
      expiresAt: now + CHALLENGE_TTL_MS,
    }
    if (!(await store.insertChallenge(row, CHALLENGES_MAX, now))) throw new AccessError('BUSY')
    return challenge
  }

  async #take(
    purpose: ChallengePurpose,
    { response }: PasskeyMade | PasskeySigned,
  ): Promise<ChallengeRow | undefined> {
    const challenge = challengeOf(response.clientDataJSON)
    return challenge && this.#options.store.takeChallenge(hash(challenge), purpose, this.#options.clock.now())
  }
}

/** WebAuthn §5.8.1. */
function challengeOf(clientDataJson: string): Buffer | undefined {
  try {
    const data: unknown = JSON.parse(Buffer.from(clientDataJson, 'base64url').toString())
    const isData = typeof data === 'object' && data !== null && 'challenge' in data
    return isData && typeof data.challenge === 'string' ? Buffer.from(data.challenge, 'base64url') : undefined
  } catch {
    return undefined
  }
}

function hash(challenge: Buffer): Buffer {
  return createHash('sha256').update(challenge).digest()
}

function describe({ credentialId, transports }: PasskeyRow) {
  return { id: credentialId.toString('base64url'), transports: [...transports] }
}

/** The user handle (WebAuthn §5.4.3): the id's bytes, which tell nothing. */
function uuidBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}

/** Words of WebAuthn §5.8.4 and of later versions. */
function isTransport(text: string): boolean {
  return /^[a-z-]{1,16}$/.test(text)
}
