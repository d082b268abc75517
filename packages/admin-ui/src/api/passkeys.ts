/** Passkeys (WebAuthn Level 3): the browser's part of signing in, of proving and of enrolling. */
import {
  startAuthentication,
  startRegistration,
  WebAuthnError,
  type AuthenticationResponseJSON,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
} from '@simplewebauthn/browser'
import { Problem } from './problem.ts'
import { request } from './request.ts'

/** Asks for a challenge, then for a passkey that answers it. Throws Problem. */
export async function assertPasskey(
  optionsPath: string,
  body?: unknown,
): Promise<AuthenticationResponseJSON> {
  const optionsJSON = await request<PublicKeyCredentialRequestOptionsJSON>('POST', optionsPath, {
    body: body ?? {},
  })
  return asProblem(() => startAuthentication({ optionsJSON }))
}

/** Asks for what the new passkey is to be, then has the browser make it. Throws Problem. */
export async function makePasskey(optionsPath: string, body?: unknown): Promise<RegistrationResponseJSON> {
  const optionsJSON = await request<PublicKeyCredentialCreationOptionsJSON>('POST', optionsPath, {
    body: body ?? {},
  })
  return asProblem(() => startRegistration({ optionsJSON }))
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
