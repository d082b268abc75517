/** draft-ietf-openpgp-hkp §5.2.2: a token as programs read it. */

export interface SentToken {
  /** Where it may be used. */
  readonly url: string
  readonly token: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

const CONTEXT = 'http://hockeypuck.io/contexts/hkp-sendtoken.jsonld'

/** The expiry in whole seconds of UTC. */
export function writeToken({ url, token, expiresAt }: SentToken): string {
  const expires = new Date(expiresAt).toISOString().replace(/\.\d+/, '')
  return JSON.stringify({ '@context': CONTEXT, url, token, expires }, undefined, 1)
}
