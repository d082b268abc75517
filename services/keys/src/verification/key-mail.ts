/** Sending the directory's mails: encrypted to the certificate when that can be, plain otherwise, so that nothing ever depends on encryption. */
import type { Mail } from '@sealpost/ports'
import type { Clock, Random } from '@sealpost/runtime'
import type { CertificateWorker } from '../certificates/certificate-worker.ts'
import { encryptedEntity, mailAddress, textEntity, twofoldEntity, writeMessage } from './message.ts'

export interface KeyMailOptions {
  readonly mail: Mail
  readonly worker: Pick<CertificateWorker, 'encrypt'>
  readonly clock: Clock
  readonly random: Random
  /** Whose mails these are: they come from `keys@` it. */
  readonly domain: string
}

export interface Letter {
  readonly subject: string
  /** Lines of at most 76 characters where they can be, ending in LF. */
  readonly text: string
  /** The same for programs: JSON-LD, in lines of at most 998 characters. */
  readonly document?: string
}

export class KeyMail {
  readonly #options: KeyMailOptions

  constructor(options: KeyMailOptions) {
    this.#options = options
  }

  /** Encrypted to a certificate when one is given. Rejects with MailError or PortError when it is not on its way. */
  async send(address: string, letter: Letter, certificate?: Buffer): Promise<void> {
    const { mail, clock, random, domain } = this.#options
    const sender = mailAddress(`keys@${domain}`)
    const recipient = mailAddress(address)
    const host = sender.slice(sender.lastIndexOf('@') + 1)
    const parts = { from: sender, to: recipient, subject: letter.subject, date: clock.now() }
    const entity = await this.#entity(letter, certificate)
    const message = writeMessage({ ...parts, messageId: `${random.token(18)}@${host}` }, entity)
    await mail.send({ sender, recipient, message })
  }

  async #entity({ text, document }: Letter, certificate: Buffer | undefined): Promise<Buffer> {
    const { worker, clock, random } = this.#options
    const plain = document === undefined ? textEntity(text) : twofoldEntity(text, document, random.token(18))
    if (certificate === undefined) return plain
    const now = Math.floor(clock.now() / 1000)
    const armored = await worker.encrypt({ certificate, plain, now }).catch(() => undefined)
    return armored === undefined ? plain : encryptedEntity(armored, random.token(18))
  }
}
