/** Passkeys (WebAuthn Level 3): the browser's part of signing in, of proving and of enrolling. */
import {
  startAuthentication,
  startRegistration,
  WebAuthnError,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/browser'
import type { Answer, Input } from './operations.ts'
import { Problem } from './problem.ts'

/** How the API writes what the browser answers. */
export type SignedCredential = Input<'POST', '/v1/session/passkey'>['body']['credential']
export type MadeCredential = NonNullable<Input<'POST', '/v1/administrators/enrol'>['body']['credential']>

/** Has a passkey answer the challenge. Throws Problem. */
export async function signChallenge(
  options: Answer<'POST', '/v1/session/passkey/options'>,
): Promise<SignedCredential> {
  const optionsJSON = options as unknown as PublicKeyCredentialRequestOptionsJSON
  return (await asProblem(() => startAuthentication({ optionsJSON }))) as unknown as SignedCredential
}

/** Has the browser make a passkey. Throws Problem. */
export async function makePasskey(
  options: Answer<'POST', '/v1/administrators/enrol/options'>,
): Promise<MadeCredential> {
  const optionsJSON = options as unknown as PublicKeyCredentialCreationOptionsJSON
  return (await asProblem(() => startRegistration({ optionsJSON }))) as unknown as MadeCredential
}

async function asProblem<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof WebAuthnError && error.code === 'ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED')
      throw new Problem('passkey-known', error.message, 0)
    throw new Problem('passkey-failed', error instanceof Error ? error.message : '', 0)
  }
}
