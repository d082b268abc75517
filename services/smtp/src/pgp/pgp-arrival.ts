/**
 * What a mail is made into on its way into a mailbox: what is readable is encrypted to the account's published key if it wants that, once and as a whole; what is
 * encrypted already loses what tells about it outside. Nothing is kept in memory or on disk for it: contents are made while they are read.
 */
import type { Account } from '@sealpost/accounts'
import {
  encryptionReader,
  isDeliveryReport,
  MailHeader,
  pgpMimeDisguise,
  type Encryption,
} from '@sealpost/mail'
import type { Random } from '@sealpost/runtime'
import type { Content } from '../content.ts'
import type { SmtpEvents } from '../events.ts'
import type { Arrival, Prepared } from '../mailbox/arrival.ts'
import { encryptMail } from './encrypted-mail.ts'
import type { PgpPolicy } from './pgp-policy.ts'
import type { RecipientKeys } from './recipient-keys.ts'

export interface PgpArrivalOptions {
  readonly policy: Pick<PgpPolicy, 'of'>
  readonly keys: Pick<RecipientKeys, 'find'>
  readonly random: Random
  readonly events: Pick<SmtpEvents, 'arrived'>
}

const replies = {
  noKey: {
    code: 550,
    status: '5.7.1',
    text: 'Encryption needed: there is no key to encrypt this mail to',
    host: undefined,
  },
  noKeyYet: {
    code: 450,
    status: '4.7.1',
    text: 'Encryption needed: there is no key to encrypt this mail to',
    host: undefined,
  },
  later: {
    code: 451,
    status: '4.7.5',
    text: 'The key to encrypt this mail to cannot be asked for now',
    host: undefined,
  },
} as const // RFC 3463 §3.8

export function pgpArrival({ policy, keys, random, events }: PgpArrivalOptions): Arrival {
  const encrypt = async (account: Account, content: Content): Promise<Prepared | undefined> => {
    const key = await keys.find(account.jid.toString())
    if (key.result === 'failed') return { result: 'deferred', reply: replies.later }
    if (key.result === 'none') return undefined
    return { result: 'content', content: encryptMail(content, { session: key.session, random }) }
  }
  return {
    async prepare(account, { sender }, content) {
      const { mode, onMissingKey } = await policy.of(account)
      const { encryption, disguised } = await inspect(content, mode !== 'optional')
      if (encryption !== undefined || mode === 'optional') {
        events.arrived(encryption === undefined ? 'as it came' : encryption.kind)
        return { result: 'content', content: disguised }
      }
      const encrypted = await encrypt(account, content)
      if (encrypted !== undefined) {
        events.arrived(encrypted.result === 'content' ? 'encrypted here' : 'key not to be had')
        return encrypted
      }
      events.arrived('no key')
      // Where only encrypted mail is taken, reception has let through what cannot be encrypted.
      const passes = mode === 'required' || onMissingKey === 'plain'
      if (passes || (sender === undefined && isReport(content))) return { result: 'content', content }
      if (onMissingKey === 'refuse') return { result: 'refused', reply: replies.noKey }
      return { result: 'deferred', reply: replies.noKeyYet }
    },
  }
}

/** To refuse a report would lose it: nobody is told. */
function isReport({ header }: Content): boolean {
  const parsed = MailHeader.parse(header)
  return parsed !== undefined && isDeliveryReport(parsed)
}

interface Inspected {
  readonly encryption: Encryption | undefined
  readonly disguised: Content
}

/** Reads the body once, if its header says that it may be encrypted; `all`: also if it would not be disguised. */
async function inspect(content: Content, all: boolean): Promise<Inspected> {
  const header = MailHeader.parse(content.header)
  const transform = header && pgpMimeDisguise(header)
  const reader = header && (all || transform !== undefined) ? encryptionReader(header) : undefined
  if (header === undefined || reader === undefined) return { encryption: undefined, disguised: content }
  let bodyBytes = 0
  for await (const chunk of content.body()) {
    reader.write(chunk)
    bodyBytes += transform?.write(chunk).length ?? 0
  }
  bodyBytes += transform?.end().length ?? 0
  const encryption = reader.end()
  if (transform === undefined || encryption === undefined) return { encryption, disguised: content }
  return {
    encryption,
    disguised: { header: content.header, bodyBytes, body: () => disguise(header, content) },
  }
}

async function* disguise(header: MailHeader, content: Content): AsyncIterable<Buffer> {
  const transform = pgpMimeDisguise(header)
  for await (const chunk of content.body()) yield transform?.write(chunk) ?? chunk
  yield transform?.end() ?? Buffer.alloc(0)
}
