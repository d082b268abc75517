/** Sending the directory's mails: encrypted to the certificate when that can be, plain otherwise, so that nothing ever depends on encryption. */
import type { Mail } from '@sealpost/ports'
import type { Clock, Random } from '@sealpost/runtime'
import type { CertificateWorker } from '../certificates/certificate-worker.ts'
import { encryptedEntity, mailAddress, textEntity, writeMessage } from './message.ts'

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
}

export class KeyMail {
  readonly #options: KeyMailOptions

  constructor(options: KeyMailOptions) {
    this.#options = options
  }

  /** Rejects with MailError or PortError when it is not on its way. */
  async send(address: string, { subject, text }: Letter, certificate: Buffer): Promise<void> {
    const { mail, clock, random, domain } = this.#options
    const sender = mailAddress(`keys@${domain}`)
    const recipient = mailAddress(address)
    const host = sender.slice(sender.lastIndexOf('@') + 1)
    const parts = { from: sender, to: recipient, subject, date: clock.now() }
    const entity = await this.#entity(text, certificate)
    const message = writeMessage({ ...parts, messageId: `${random.token(18)}@${host}` }, entity)
    await mail.send({ sender, recipient, message })
  }

  async #entity(text: string, certificate: Buffer): Promise<Buffer> {
    const { worker, clock, random } = this.#options
    const plain = textEntity(text)
    const now = Math.floor(clock.now() / 1000)
    const armored = await worker.encrypt({ certificate, plain, now }).catch(() => undefined)
    return armored === undefined ? plain : encryptedEntity(armored, random.token(18))
  }
}
