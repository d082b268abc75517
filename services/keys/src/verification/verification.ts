/**
 * Proving that an address is one's own by a link that is sent to it, and with the same proof taking off what is published. Nobody else can publish or hide
 * anything: whoever holds the token of a link holds the mailbox.
 */
import { OperationalError } from '@sealpost/errors'
import { normalizeAddress } from '@sealpost/openpgp'
import type { Clock, Random, Supervisor } from '@sealpost/runtime'
import { DirectoryError } from '../directory/directory.ts'
import type { Described, Directory } from '../directory/directory.ts'
import type { KeyMail, Letter } from './key-mail.ts'
import { confirmLetter, manageLetter } from './letters.ts'
import type { LetterFacts } from './letters.ts'
import type { MailLimits } from './mail-limits.ts'
import { hashMailedToken, isMailedToken, newMailedToken } from './mailed-token.ts'
import type { Link, LinkPurpose, LinkStore } from './store.ts'
import type { Uploaded } from './upload-token.ts'

/** What is to be said of an address of a certificate. `pending`: a link was sent and not used yet. */
export type AddressStatus = 'unpublished' | 'published' | 'revoked' | 'pending'

export interface CertificateStatus {
  readonly fingerprint: string
  readonly addresses: Readonly<Record<string, AddressStatus>>
}

/** Mails that nobody waits for, at once. */
const UNAWAITED_MAX = 64
const LINK_MS = 24 * 60 * 60_000
/** Of a DirectoryError: what was to be published is there no more. */
const GONE: ReadonlySet<string> = new Set(['KEYS_UNKNOWN', 'KEYS_NO_SUCH_USER_ID'])

export class VerificationError extends OperationalError {
  override name = 'VerificationError'

  static limited(): VerificationError {
    const text = 'You have asked for too many mails. Try again later.'
    return new VerificationError('VERIFICATION_LIMITED', text)
  }

  static busy(): VerificationError {
    return new VerificationError('VERIFICATION_BUSY', 'Too many mails are being sent. Try again later.')
  }

  static unknown(): VerificationError {
    const text = 'This key is not in the directory. Upload it again.'
    return new VerificationError('VERIFICATION_UNKNOWN', text)
  }
}

/** What a management link leads to. */
export interface Managed {
  readonly fingerprint: string
  readonly address: string
  /** Whether it is published for other addresses too, so that this one's owner cannot delete it. */
  readonly shared: boolean
}

export interface VerificationOptions {
  readonly directory: Directory
  readonly links: LinkStore
  readonly mail: KeyMail
  readonly limits: MailLimits
  readonly clock: Clock
  readonly random: Random
  /** Takes mails that nobody waits for. */
  readonly supervisor: Supervisor
  /** The first domain. */
  readonly server: string
  /** Origin of the links. */
  readonly origin: () => string
  /** Whether the account of an address is suspended. Other addresses have none. */
  readonly isSuspended: (address: string) => Promise<boolean>
}

export class Verification {
  readonly #options: VerificationOptions

  constructor(options: VerificationOptions) {
    this.#options = options
  }

  /** Of addresses that are published or known to the one who asks. Undefined when the certificate is not here. */
  async status({ fingerprint, named }: Uploaded): Promise<CertificateStatus | undefined> {
    const described = await this.#options.directory.describe(fingerprint)
    return described && this.#statusOf(described, named)
  }

  /**
   * Sends a link to each of the addresses that were uploaded and could be published; others, and those that have had too many mails, keep their status. Throws
   * VERIFICATION_UNKNOWN; VERIFICATION_LIMITED for a client that has asked too often; MailError or PortError, and then the address has no link.
   */
  async request(
    { fingerprint, named }: Uploaded,
    texts: readonly string[],
    client: string,
  ): Promise<CertificateStatus> {
    const { directory, isSuspended } = this.#options
    const described = await directory.describe(fingerprint)
    if (described === undefined) throw VerificationError.unknown()
    const wanted = new Set(texts.map(normalizeAddress))
    const addresses = isDead(described)
      ? []
      : described.unpublished.filter((each) => wanted.has(each) && named(each))
    for (const address of addresses)
      if (!(await isSuspended(address))) await this.#requestOne(described, address, client)
    return this.#statusOf(described, named)
  }

  /** What a link is for; undefined when it was used, has expired, or is none of ours. Using nothing up. */
  async show(token: string, purpose: LinkPurpose): Promise<Link | undefined> {
    const hash = hashToken(token)
    const link = hash && (await this.#options.links.find(hash, this.#options.clock.now()))
    return link?.purpose === purpose ? link : undefined
  }

  /**
   * Publishes what the link is for, once; what was published for the address before no longer is. Undefined as `show`. `tell` is called before the link is used up: if
   * it rejects, the link may be used again.
   */
  async confirm(
    token: string,
    purpose: 'publish' | 'submission' = 'publish',
    tell?: (described: Described) => Promise<void>,
  ): Promise<Link | undefined> {
    const { directory, links, isSuspended } = this.#options
    const link = await this.show(token, purpose)
    if (link === undefined) return undefined
    const described = await directory.describe(link.fingerprint)
    if (described === undefined || isDead(described) || (await isSuspended(link.address))) return undefined
    try {
      await directory.publish(link.fingerprint, link.address)
    } catch (error) {
      // It was removed, or its user id was revoked or forgotten, meanwhile.
      if (error instanceof DirectoryError && GONE.has(error.code)) return undefined
      throw error
    }
    await tell?.(described)
    await links.deleteFor({ ...pick(link), purpose })
    return link
  }

  /**
   * Sends a management link to the address if something is published for it. Says nothing of whether there is: it returns before anything is looked up.
   * Throws VERIFICATION_LIMITED for a client that has asked too often, VERIFICATION_BUSY.
   */
  requestManagement(text: string, client: string): void {
    const { limits, supervisor } = this.#options
    const address = normalizeAddress(text)
    if (address === undefined) return
    if (supervisor.size >= UNAWAITED_MAX) throw VerificationError.busy()
    const taken = limits.take(address, client)
    if (taken === 'client') throw VerificationError.limited()
    if (taken === 'taken') supervisor.spawn(this.#sendManagement(address))
  }

  /** What a management link leads to; undefined as `show`, or when it is published no more. */
  async showManaged(token: string): Promise<Managed | undefined> {
    const { directory } = this.#options
    const link = await this.show(token, 'manage')
    if (link === undefined) return undefined
    const { fingerprint, address } = link
    const described = await directory.describe(fingerprint)
    const published = [...(described?.published ?? []), ...(described?.suspended ?? [])]
    if (!published.includes(address)) return undefined
    return { fingerprint, address, shared: published.length > 1 }
  }

  /** Takes the address off, or the whole certificate unless others share it. The links for the address are used up. Undefined as `showManaged`. */
  async manage(token: string, action: 'unpublish' | 'delete'): Promise<Managed | undefined> {
    const { directory, links } = this.#options
    const managed = await this.showManaged(token)
    if (managed === undefined || (action === 'delete' && managed.shared)) return undefined
    if (action === 'delete') await directory.remove(managed.fingerprint)
    else await directory.unpublish(managed.address)
    await links.deleteFor(pick(managed))
    return managed
  }

  async #requestOne(described: Described, address: string, client: string): Promise<void> {
    const taken = this.#options.limits.take(address, client)
    if (taken === 'client') throw VerificationError.limited()
    if (taken === 'address') return
    const { origin } = this.#options
    await this.#sendLink(described, address, 'publish', (facts, token) =>
      confirmLetter(facts, `${origin()}/keys/confirm/${token}`),
    )
  }

  async #sendManagement(address: string): Promise<void> {
    const { directory, origin } = this.#options
    const owner = await directory.ownerOf(address)
    const described = owner === undefined ? undefined : await directory.describe(owner)
    if (described === undefined) return
    await this.#sendLink(described, address, 'manage', (facts, token) =>
      manageLetter(facts, `${origin()}/keys/manage/${token}`),
    )
  }

  /** Of a mail that is not on its way no link is left. */
  async #sendLink(
    { fingerprint, kept }: Described,
    address: string,
    purpose: LinkPurpose,
    write: (facts: LetterFacts, token: string) => Letter,
  ): Promise<void> {
    const { links, mail, limits, clock, random, server } = this.#options
    const token = newMailedToken(random)
    const hash = hashMailedToken(token)
    const expiresAt = clock.now() + LINK_MS
    if (!(await links.put(hash, { purpose, fingerprint, address, expiresAt }))) return
    try {
      await mail.send(address, write({ server, address, fingerprint }, token), kept)
    } catch (error) {
      limits.giveBack(address)
      await links.delete(hash)
      throw error
    }
  }

  async #statusOf(described: Described, named: Uploaded['named']): Promise<CertificateStatus> {
    const { fingerprint, published, suspended, unpublished, revoked } = described
    const pending = await this.#options.links.pending(fingerprint, this.#options.clock.now())
    const dead = isDead(described)
    const statusOf = (address: string): AddressStatus =>
      dead ? 'revoked' : pending.includes(address) ? 'pending' : 'unpublished'
    return {
      fingerprint,
      addresses: Object.fromEntries([
        ...revoked.filter(named).map((address) => [address, 'revoked'] as const),
        ...[...unpublished, ...suspended]
          .filter(named)
          .map((address) => [address, statusOf(address)] as const),
        ...published.map((address) => [address, 'published'] as const),
      ]),
    }
  }
}

/** Revoked as a whole: nobody should find it by address any more who does not yet. */
function isDead({ listing }: Described): boolean {
  return listing.revoked !== undefined
}

const pick = ({ address, fingerprint }: Pick<Link, 'address' | 'fingerprint'>) => ({ address, fingerprint })

function hashToken(token: string): Buffer | undefined {
  return isMailedToken(token) ? hashMailedToken(token) : undefined
}
