/**
 * draft-koch-openpgp-webkey-service §4: keys are submitted and confirmed by mail. Who answers the confirmation request reads the mail of the address and has the key, and
 * both must be so before anything is published. The draft knows no negative answers; our own users, whose From is true, are told why a key was not taken, and
 * nobody else is told anything.
 */
import { OpenPgpError } from '@sealpost/openpgp'
import type { SubmissionMail } from '@sealpost/ports'
import type { Clock, Random } from '@sealpost/runtime'
import type { Described, Directory, Readable } from '../directory/directory.ts'
import { mailAddress } from '../verification/message.ts'
import { hashMailedToken, newNonce } from '../verification/mailed-token.ts'
import type { Asker, MailLimits } from '../verification/mail-limits.ts'
import type { LinkStore } from '../verification/store.ts'
import type { Verification } from '../verification/verification.ts'
import { readDocument } from './document.ts'
import { confirmationLetter, publishedLetter, refusalLetter } from './letters.ts'
import type { MailContent } from './read-mail.ts'
import { SubmissionError } from './submission-error.ts'
import type { SubmissionKeys } from './submission-keys.ts'
import type { Parties, SubmissionMails } from './submission-mail.ts'
import { type SubmissionThread, SubmissionThreadError } from './submission-thread.ts'

/** Until when a confirmation is waited for: also over a weekend. */
const CONFIRM_MS = 3 * 24 * 60 * 60_000

/** What came of a mail: the key waits for its confirmation, was published, was refused and its owner told; or nothing was done. */
export const SUBMISSION_STEPS = ['requested', 'confirmed', 'refused', 'ignored'] as const
export type SubmissionStep = (typeof SUBMISSION_STEPS)[number]

export interface WebKeyServiceOptions {
  readonly directory: Directory
  readonly links: LinkStore
  readonly verification: Pick<Verification, 'show' | 'confirm'>
  readonly keys: SubmissionKeys
  readonly thread: Pick<SubmissionThread, 'read'>
  readonly mails: SubmissionMails
  readonly limits: MailLimits
  readonly clock: Clock
  readonly random: Random
  /** As they are configured. */
  readonly domains: readonly string[]
  /** Whether the address has an account that gets mail. */
  readonly isActive: (address: string) => Promise<boolean>
  readonly onStep: (step: SubmissionStep) => void
  /** Of a mail that comes again. */
  readonly onError: (error: unknown) => void
}

/** A mail of one of our users to the submission address of the user's domain. */
interface Request extends Parties {
  readonly secret: Buffer
  readonly content: MailContent
  readonly authenticated: boolean
}

export class WebKeyService {
  readonly #options: WebKeyServiceOptions

  constructor(options: WebKeyServiceOptions) {
    this.#options = options
  }

  /** See KeyDirectory. What it rejects with passes. */
  async take(mail: SubmissionMail): Promise<void> {
    const { onStep, onError } = this.#options
    try {
      onStep(await this.#take(mail))
    } catch (error) {
      onError(error)
      throw error
    }
  }

  async #take(mail: SubmissionMail): Promise<SubmissionStep> {
    const request = await this.#read(mail)
    if (request === undefined) return 'ignored'
    const { part, encrypted } = request.content
    if (part?.kind === 'document') return encrypted ? await this.#confirm(request, part.content) : 'ignored'
    if (!this.#options.limits.takeByMail(request.to, askerOf(request))) return 'ignored'
    try {
      return await this.#submit(request, part?.content)
    } catch (error) {
      if (error instanceof SubmissionError || error instanceof OpenPgpError)
        return await this.#refuse(request, error.message)
      this.#options.limits.giveBack(request.to, askerOf(request))
      throw error
    }
  }

  /** Undefined for mails that nothing is done about: of nobody here, by programs, and those that are made to hurt. */
  async #read({ domain, authenticated, message }: SubmissionMail): Promise<Request | undefined> {
    const { keys, domains, isActive } = this.#options
    const ours = domains.find((each) => mailAddress(`x@${each}`) === `x@${domain}`)
    if (ours === undefined) return undefined
    const secret = await keys.secretOf(domain)
    const content = await this.#open(message, secret)
    const { from, automatic } = content ?? {}
    if (content === undefined || automatic === true || from?.domain !== domain) return undefined
    const to = `${from.local.toLowerCase()}@${ours}`
    if (!(await isActive(to))) return undefined
    return { from: keys.addressOf(domain), to, secret, content, authenticated }
  }

  /** Undefined for a mail that costs too much: it will not cost less another time. */
  async #open(message: Buffer, secret: Buffer): Promise<MailContent | undefined> {
    try {
      return await this.#options.thread.read(message, secret)
    } catch (error) {
      if (error instanceof SubmissionThreadError && error.code !== 'SUBMISSION_BUSY') return undefined
      throw error
    }
  }

  /** §4.2. Throws SubmissionError and OpenPgpError for what is not taken; whatever else passes. */
  async #submit(request: Request, key: Uint8Array | undefined): Promise<SubmissionStep> {
    const { directory } = this.#options
    const { to, content } = request
    if (key === undefined) throw new SubmissionError('SUBMISSION_UNREADABLE')
    let wanted: Wanted | undefined
    const submission = await directory.submit(key, undefined, (all) => {
      wanted = onlyOneOf(to, all)
      if (!content.encrypted) throw new SubmissionError('SUBMISSION_UNENCRYPTED')
    })
    const taken = submission.certificates.find(({ fingerprint }) => fingerprint === wanted?.fingerprint)
    const described = wanted && (await directory.describe(wanted.fingerprint))
    if (wanted === undefined || described === undefined || taken?.outcome === 'ignored')
      throw new SubmissionError('SUBMISSION_REMOVED')
    if (described.listing.revoked === undefined)
      return await this.#request(request, wanted.address, described)
    if (!described.published.includes(wanted.address)) throw new SubmissionError('SUBMISSION_REVOKED')
    await this.#tellPublished(request, described) // with its revocation, which needs no confirmation
    return 'confirmed'
  }

  /** §4.3. A mail that comes twice, since we were ended between the two, gets two nonces, of which either will do. */
  async #request(request: Request, address: string, described: Described): Promise<SubmissionStep> {
    const { links, mails, clock, random, domains } = this.#options
    const { fingerprint, kept } = described
    const nonce = newNonce(random)
    const hash = hashMailedToken(nonce)
    const expiresAt = clock.now() + CONFIRM_MS
    const link = { purpose: 'submission', fingerprint, address, expiresAt } as const
    if (!(await links.put(hash, link))) throw new SubmissionError('SUBMISSION_REMOVED')
    let sent = false
    try {
      const letter = confirmationLetter({ server: domains[0] ?? 'localhost', fingerprint })
      const parts = { fingerprint, certificate: kept, nonce, secret: request.secret }
      sent = await mails.requestConfirmation({ from: request.from, to: address }, letter, parts)
    } finally {
      if (!sent) await links.delete(hash)
    }
    if (!sent) throw new SubmissionError('SUBMISSION_NO_ENCRYPTION')
    return 'requested'
  }

  /** §4.4. One that is malformed, was used, has expired, or is somebody else's changes nothing, and is not answered. */
  async #confirm(request: Request, content: Uint8Array): Promise<SubmissionStep> {
    const { verification } = this.#options
    const document = readDocument(Buffer.from(content).toString('utf8'))
    if (document?.get('type') !== 'confirmation-response') return 'ignored'
    const [nonce = '', address = request.to] = [document.get('nonce'), document.get('address')]
    const link = await verification.show(nonce, 'submission')
    if (link === undefined || !isSame(link.address, request.to) || !isSame(address, request.to))
      return 'ignored'
    const published = await verification.confirm(nonce, 'submission', (described) =>
      this.#tellPublished(request, described),
    )
    return published === undefined ? 'ignored' : 'confirmed'
  }

  async #tellPublished(request: Request, { fingerprint, kept }: Described): Promise<void> {
    const key = { server: this.#options.domains[0] ?? 'localhost', fingerprint }
    await this.#options.mails.tellPublished(request, publishedLetter(key, request.to), kept)
  }

  async #refuse(request: Request, reason: string): Promise<SubmissionStep> {
    if (!request.authenticated) {
      this.#options.limits.giveBack(request.to, askerOf(request))
      return 'ignored'
    }
    await this.#options.mails.tellRefused(request, refusalLetter(reason))
    return 'refused'
  }
}

/** The relay lets our users write as themselves alone. */
function askerOf({ authenticated }: Request): Asker {
  return authenticated ? 'owner' : 'address'
}

interface Wanted {
  readonly fingerprint: string
  /** As the certificate has it, in the form in which addresses are compared. */
  readonly address: string
}

function onlyOneOf(mailbox: string, all: readonly Readable[]): Wanted {
  const found = all.flatMap(({ fingerprint, addresses }) =>
    addresses.filter((address) => isSame(address, mailbox)).map((address) => ({ fingerprint, address })),
  )
  const [first, ...more] = found
  if (first === undefined) throw new SubmissionError('SUBMISSION_NO_ADDRESS')
  if (more.some(({ fingerprint }) => fingerprint !== first.fingerprint))
    throw new SubmissionError('SUBMISSION_SEVERAL')
  return first
}

/** However their domains are written. */
function isSame(one: string, other: string): boolean {
  return mailAddress(one.toLowerCase()) === mailAddress(other.toLowerCase())
}
