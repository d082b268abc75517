/**
 * The DKIM keys of one domain, in a file of their own that its owner alone can read. Not in Postgres: a private key in its tables or its log would let whoever
 * reads them sign in the domain's name.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OperationalError, unlessGone } from '@sealpost/errors'
import { type Random, syncDirectory } from '@sealpost/runtime'

/** `next`: made, signs once its record is found in DNS. `active`: signs. `retired`: signs no more; the record stays for what is still on its way. */
export type DkimKeyState = 'next' | 'active' | 'retired'

export interface DkimKey {
  readonly selector: string
  readonly algorithm: 'rsa' | 'ed25519'
  readonly state: DkimKeyState
  /** Day (UTC) of the state. */
  readonly since: string
  /** RFC 6376 §3.6.1: what is to be published at `SELECTOR._domainkey.DOMAIN`. */
  readonly record: string
  /** PKCS #8, PEM; undefined once retired. */
  readonly privateKey: string | undefined
}

interface Contents {
  readonly keys: readonly DkimKey[]
}

/** Undefined when there is none yet. Throws DKIM_KEYS_UNREADABLE. */
export async function readKeyFile(path: string): Promise<readonly DkimKey[] | undefined> {
  const text = await readFile(path, 'utf8').catch(unlessGone)
  if (text === undefined) return undefined
  try {
    return (JSON.parse(text) as Contents).keys
  } catch (cause) {
    throw new OperationalError('DKIM_KEYS_UNREADABLE', 'A file of DKIM keys cannot be read', { cause })
  }
}

/** Whole or not at all, also through a crash. */
export async function writeKeyFile(
  path: string,
  keys: readonly DkimKey[],
  random: Pick<Random, 'token'>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${random.token(6)}`
  {
    await using file = await open(draft, 'wx', 0o600)
    await file.writeFile(JSON.stringify({ keys } satisfies Contents, undefined, 2))
    await file.sync()
  }
  await rename(draft, path)
  await syncDirectory(dirname(path))
}
