/**
 * Tokens of invites to make an account. They can be shown again, since a QR code is printed more than once, and still are nowhere: a token is the HMAC
 * of the invite's id with a key in the data directory, and the database has neither the key nor the token.
 */
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { openSecretFile, type Random } from '@sealpost/runtime'

/** The token of an invite by its id: 43 characters of base64url. Without the file of the key, links still work but cannot be shown again. */
export type InviteTokens = (id: string) => string

const KEY_BYTES = 32

export async function openInviteTokens(dataDir: string, random: Random): Promise<InviteTokens> {
  const key = await openSecretFile(join(dataDir, 'invites.key'), random, () => random.token(KEY_BYTES))
  return (id) => createHmac('sha256', key).update(`account invite\0${id}`).digest('base64url')
}
