/** Keys of accounts: whoever is signed in has proven to own the account's address, and needs no mail to publish for it or to take it off. */
import { OperationalError } from '@sealpost/errors'
import { normalizeAddress } from '@sealpost/openpgp'
import { DirectoryError } from '../directory/directory.ts'
import type { Described, Directory, Outcome, Submission } from '../directory/directory.ts'

const messages = {
  OWN_KEY_UNKNOWN: 'There is no such key with your address',
  OWN_KEY_NO_ADDRESS: 'The key has no valid user id with your address',
  OWN_KEY_NOT_ONE: 'Send one key at a time, signed by itself',
  OWN_KEY_POOL_EXCEEDED: 'Your organisation may have no more keys published',
  OWN_KEY_SHARED: 'The key is published for other addresses too, whose owners did not ask for this',
  OWN_KEY_REVOKED: 'The key is revoked',
  OWN_ADDRESS_UNUSABLE: 'The name of the account is no mail address',
} as const

export type OwnKeyErrorCode = keyof typeof messages

export class OwnKeyError extends OperationalError {
  override readonly name = 'OwnKeyError'
  declare readonly code: OwnKeyErrorCode

  constructor(code: OwnKeyErrorCode) {
    super(code, messages[code])
  }
}

/** All methods take the account's address, and throw OwnKeyError. */
export class OwnKeys {
  readonly #directory: Directory

  constructor(directory: Directory) {
    this.#directory = directory
  }

  /** What is published for the address: one or none. */
  async list(text: string): Promise<readonly Described[]> {
    const fingerprint = await this.#directory.ownerOf(own(text))
    const described = fingerprint === undefined ? undefined : await this.#directory.describe(fingerprint)
    return described === undefined ? [] : [described]
  }

  /**
   * Takes one key, also one that was removed before, and publishes it for the address if asked to. Throws OpenPgpError as `submit`; and OWN_KEY_NO_ADDRESS
   * or OWN_KEY_REVOKED when it cannot be published: it is in the directory then, without user ids.
   */
  async upload(
    text: string,
    upload: Uint8Array,
    { publish }: { readonly publish: boolean },
  ): Promise<{ readonly described: Described; readonly outcome: Outcome }> {
    const address = own(text)
    let submitted = one(await this.#directory.submit(upload))
    if (submitted.outcome === 'ignored') {
      if (!submitted.addresses.includes(address)) throw new OwnKeyError('OWN_KEY_NO_ADDRESS')
      await this.#directory.readmit(submitted.fingerprint)
      submitted = one(await this.#directory.submit(upload))
    }
    const { fingerprint, outcome } = submitted
    if (publish) await this.publish(address, fingerprint)
    const described = await this.#directory.describe(fingerprint)
    if (described === undefined) throw new OwnKeyError('OWN_KEY_UNKNOWN')
    return { described, outcome }
  }

  /** What was published for the address before no longer is. */
  async publish(text: string, fingerprint: string): Promise<void> {
    const address = own(text)
    const described = await this.#directory.describe(fingerprint)
    if (described === undefined) throw new OwnKeyError('OWN_KEY_UNKNOWN')
    if (described.listing.revoked !== undefined) throw new OwnKeyError('OWN_KEY_REVOKED')
    try {
      await this.#directory.publish(fingerprint, address)
    } catch (error) {
      const code = error instanceof DirectoryError ? error.code : undefined
      if (code === 'KEYS_NO_SUCH_USER_ID') throw new OwnKeyError('OWN_KEY_NO_ADDRESS')
      if (code === 'KEYS_POOL_EXCEEDED') throw new OwnKeyError('OWN_KEY_POOL_EXCEEDED')
      throw error
    }
  }

  /** Also of a key that has expired or is revoked. */
  async unpublish(text: string, fingerprint: string): Promise<void> {
    const address = own(text)
    if ((await this.#directory.ownerOf(address)) !== fingerprint) throw new OwnKeyError('OWN_KEY_UNKNOWN')
    await this.#directory.unpublish(address)
  }

  /** Removes a key with the address in a user id, also one that has expired or is revoked, unless it is published for others. */
  async delete(text: string, fingerprint: string): Promise<void> {
    const address = own(text)
    const described = await this.#directory.describe(fingerprint)
    if (described === undefined || !isOf(described, address)) throw new OwnKeyError('OWN_KEY_UNKNOWN')
    const { published, suspended } = described
    if ([...published, ...suspended].some((each) => each !== address)) throw new OwnKeyError('OWN_KEY_SHARED')
    await this.#directory.remove(fingerprint)
  }
}

function own(text: string): string {
  const address = normalizeAddress(text)
  if (address === undefined) throw new OwnKeyError('OWN_ADDRESS_UNUSABLE')
  return address
}

function one({ certificates, rejected }: Submission): Submission['certificates'][number] {
  const [first, ...more] = certificates
  if (first === undefined || more.length > 0 || rejected > 0) throw new OwnKeyError('OWN_KEY_NOT_ONE')
  return first
}

function isOf({ published, suspended, unpublished, revoked }: Described, address: string): boolean {
  return [...published, ...suspended, ...unpublished, ...revoked].includes(address)
}
