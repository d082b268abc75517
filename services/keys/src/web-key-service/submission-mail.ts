/** The mails of the Web Key Service: from the submission address of the domain, which a program reads. */
import type { Mail } from '@sealpost/ports'
import type { Clock, Random } from '@sealpost/runtime'
import type { CertificateWorker } from '../certificates/certificate-worker.ts'
import type { Letter } from '../verification/key-mail.ts'
import {
  encryptedEntity,
  mailAddress,
  signedEntity,
  textEntity,
  writeMessage,
} from '../verification/message.ts'
import { writeDocument } from './document.ts'
import type { SubmissionThread } from './submission-thread.ts'

/** GnuPG numbers the forms of the mails so: signed confirmation requests, and encrypted responses with their type inside. */
export const DRAFT_VERSION = 3

export interface SubmissionMailsOptions {
  readonly mail: Mail
  readonly worker: Pick<CertificateWorker, 'encrypt'>
  readonly thread: Pick<SubmissionThread, 'sign'>
  readonly clock: Clock
  readonly random: Random
}

/** Who writes, and to whom. */
export interface Parties {
  /** The submission address. */
  readonly from: string
  readonly to: string
}

export interface ConfirmationRequest {
  readonly fingerprint: string
  /** Whose owner alone is to read the nonce. */
  readonly certificate: Uint8Array
  readonly nonce: string
  /** Of the submission address. */
  readonly secret: Uint8Array
}

export class SubmissionMails {
  readonly #options: SubmissionMailsOptions

  constructor(options: SubmissionMailsOptions) {
    this.#options = options
  }

  /**
   * draft-koch-openpgp-webkey-service §4.3. False, and nothing sent, when nothing can be encrypted to the certificate. Rejects with MailError or PortError when it is not on
   * its way, and as the threads do.
   */
  async requestConfirmation(
    parties: Parties,
    letter: Letter,
    request: ConfirmationRequest,
  ): Promise<boolean> {
    const { thread, random } = this.#options
    const { fingerprint, certificate, nonce, secret } = request
    const document = writeDocument([
      ['type', 'confirmation-request'],
      ['sender', parties.from],
      ['address', parties.to],
      ['fingerprint', fingerprint],
      ['nonce', nonce],
    ])
    const armored = await this.#encrypt(certificate, Buffer.from(document))
    if (armored === undefined) return false
    const entity = await signedEntity(
      { text: letter.text, armored, boundaries: [random.token(18), random.token(18)] },
      (data) => thread.sign(data, secret),
    )
    await this.#send(parties, letter, entity, ['WKS-Phase: confirm'])
    return true
  }

  /** Encrypted to the certificate if that can be. Rejects as `requestConfirmation`. */
  async tellPublished(parties: Parties, letter: Letter, certificate: Uint8Array): Promise<void> {
    const plain = textEntity(letter.text)
    const armored = await this.#encrypt(certificate, plain)
    const entity = armored === undefined ? plain : encryptedEntity(armored, this.#options.random.token(18))
    await this.#send(parties, letter, entity, ['WKS-Phase: done'])
  }

  async tellRefused(parties: Parties, letter: Letter): Promise<void> {
    await this.#send(parties, letter, textEntity(letter.text), [])
  }

  async #encrypt(certificate: Uint8Array, plain: Uint8Array): Promise<string | undefined> {
    const { worker, clock } = this.#options
    return await worker.encrypt({ certificate, plain, now: Math.floor(clock.now() / 1000) })
  }

  async #send(
    { from, to }: Parties,
    { subject }: Letter,
    entity: Buffer,
    fields: readonly string[],
  ): Promise<void> {
    const { mail, clock, random } = this.#options
    const recipient = mailAddress(to)
    const messageId = `${random.token(18)}@${from.slice(from.lastIndexOf('@') + 1)}`
    const parts = { from, to: recipient, subject, date: clock.now(), messageId, isReply: true }
    const version = `Wks-Draft-Version: ${String(DRAFT_VERSION)}`
    const message = writeMessage({ ...parts, fields: [version, ...fields] }, entity)
    await mail.send({ sender: from, recipient, message })
  }
}
