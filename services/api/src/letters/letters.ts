/** RFC 5322, RFC 3834 §5: short letters of the server to one person, in plain text, sent by the mail relay. */
import { domainToASCII } from 'node:url'
import { MailHeader } from '@sealpost/mail'
import type { Mail } from '@sealpost/ports'
import type { Platform } from '@sealpost/service'

export interface Letter {
  /** `user@domain`. */
  readonly to: string
  /** One line of fixed text in ASCII. */
  readonly subject: string
  /** Of at most 76 characters where they can be. */
  readonly lines: readonly string[]
}

export interface Letters {
  /** Resolves when the mail relay has it. Rejects with MailError, or with PortError when the relay is away. */
  send(letter: Letter): Promise<void>
  /** To postmaster@ our first domain. */
  tellOperator(letter: Omit<Letter, 'to'>): Promise<void>
}

export interface LettersOptions {
  readonly mail: Mail
  readonly platform: Pick<Platform, 'domains' | 'clock' | 'random'>
}

export function createLetters({ mail, platform }: LettersOptions): Letters {
  const { domains, clock, random } = platform
  const host = domainToASCII(domains[0] ?? 'localhost')
  const sender = `postmaster@${host}`
  const send = async ({ to, subject, lines }: Letter): Promise<void> => {
    const at = to.lastIndexOf('@')
    const recipient = `${to.slice(0, at)}@${domainToASCII(to.slice(at + 1))}`
    const header = MailHeader.empty()
    header.append('Date', new Date(clock.now()).toUTCString().replace('GMT', '+0000')) // RFC 5322 §3.3
    header.append('From', `Sealpost <${sender}>`)
    header.append('To', `<${recipient}>`)
    header.append('Subject', subject)
    header.append('Message-ID', `<${random.token(18)}@${host}>`)
    header.append('Auto-Submitted', 'auto-generated')
    header.append('MIME-Version', '1.0')
    header.append('Content-Type', 'text/plain; charset=utf-8')
    header.append('Content-Transfer-Encoding', '8bit')
    const body = Buffer.from(lines.map((line) => `${line}\r\n`).join(''))
    await mail.send({ sender, recipient, message: Buffer.concat([header.toBuffer(), body]) })
  }
  return { send, tellOperator: (letter) => send({ to: sender, ...letter }) }
}
