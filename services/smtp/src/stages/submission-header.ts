/**
 * RFC 6409 §8: what the relay takes from and adds to the header of a mail that one of our users sends. Taken: whatever tells from where and with what it was
 * written, and blind copies (RFC 5322 §3.6.3). Added: Date and Message-ID where they are missing. No Received: the first one would tell the client's address.
 */
import { domainToASCII } from 'node:url'
import { formatAddress, type HeaderField, type MailHeader } from '@sealpost/mail'
import type { Clock, Random } from '@sealpost/runtime'
import { formatDate } from '../mail-date.ts'
import type { Stage } from '../reception/stage.ts'

const TAKEN = new Set([
  'received',
  'return-path',
  'delivered-to',
  'bcc',
  'resent-bcc',
  'user-agent',
  'x-mailer',
  'x-newsreader',
  'x-mimeole',
  'x-originating-ip',
  'x-originating-client',
  'x-originating-email',
  'x-originatororg',
  'x-client-ip',
  'x-sender-ip',
  'x-source-ip',
  'x-remote-ip',
  'x-forwarded-for',
  'x-real-ip',
  'x-php-originating-script',
  'x-php-script',
  'x-authenticated-sender',
  'x-authenticated-user',
  'x-get-message-sender-via',
  'x-report-abuse-to',
  'x-source',
  'x-source-args',
  'x-source-dir',
])
/** Drafts and mail clients' own notes. */
const TAKEN_FAMILIES =
  /^x-(?:mozilla|account|identity|evolution|uniform|apple|universally|balsa|kmail|sylpheed|claws)-/

export interface SubmissionHeaderOptions {
  readonly clock: Clock
  readonly random: Random
}

export function submissionHeaderStage({ clock, random }: SubmissionHeaderOptions): Stage {
  return {
    name: 'submission-header',
    header({ client, header }) {
      if (client.entrance === 'mx') return undefined
      header.remove(isTaken)
      if (isEmpty(header, 'date')) header.replace('Date', formatDate(clock.now()))
      if (isEmpty(header, 'message-id')) {
        const domain = domainToASCII(client.account?.jid.domain ?? 'localhost')
        const id = formatAddress({ local: random.bytes(18).toString('hex'), domain })
        header.replace('Message-ID', `<${id}>`)
      }
      return undefined
    },
  }
}

function isTaken({ name }: HeaderField): boolean {
  return TAKEN.has(name) || TAKEN_FAMILIES.test(name)
}

function isEmpty(header: MailHeader, name: string): boolean {
  return (header.value(name) ?? '') === ''
}
