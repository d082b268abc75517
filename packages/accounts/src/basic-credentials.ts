/** RFC 7617 §2: what a client shows with HTTP Basic. */
import { type Jid, tryParseJid } from '@sealpost/jid'

export interface BasicCredentials {
  /** Bare. */
  readonly jid: Jid
  readonly password: string
}

/** Of `user:password`, the user with or without domain; undefined when nobody can be meant. */
export function parseBasicCredentials(bytes: Buffer, defaultDomain: string): BasicCredentials | undefined {
  const text = bytes.toString('utf8')
  const colon = text.indexOf(':') // RFC 7617 §2: the user has none, the password may.
  if (colon < 1) return undefined
  const user = text.slice(0, colon)
  const jid = tryParseJid(user.includes('@') ? user : `${user}@${defaultDomain}`)
  return jid === undefined || jid.local === ''
    ? undefined
    : { jid: jid.bare, password: text.slice(colon + 1) }
}
