/** Canaries of the self-audit: accepted into the store as mails are, in a place that nothing is delivered from; half of them are read whole and shredded as after a delivery. */
import { CANARY_SECONDS, type Canary, type PlantedCanaries } from '@sealpost/forensics'
import { formatAddress, parseAddress } from '@sealpost/mail'
import type { Random } from '@sealpost/runtime'
import type { KeptMail } from '../queue/kept-mail.ts'
import type { MailStore } from '../queue/mail-store.ts'

/** Half of them are taken; of each half the last one has a body that lies in the spool. */
const CANARIES = 8
const TEXT_BYTES = 24
/** More than a row takes. */
const LONG_BYTES = 300 * 1024
/** RFC 6761 §6.4: nobody's. */
const DOMAIN = 'canary.invalid'

export interface CanaryParts {
  readonly store: Pick<MailStore, 'draft' | 'accept' | 'open' | 'shred' | 'shredded'>
  readonly random: Pick<Random, 'token'>
}

interface CanaryMail extends Canary {
  readonly kept: KeptMail
}

export function canaries(parts: CanaryParts): () => Promise<PlantedCanaries> {
  const { store } = parts
  return async () => {
    const mails: CanaryMail[] = []
    const clear = (): void => {
      for (const { kept } of mails) store.shred(kept)
    }
    try {
      for (let index = 1; index <= CANARIES; index++)
        mails.push(await accept(index % (CANARIES / 2) === 0 ? LONG_BYTES : 0, parts))
      const taken = mails.slice(0, CANARIES / 2)
      for (const mail of taken) await deliver(mail, store)
      await store.shredded()
      return { taken, waiting: mails.slice(CANARIES / 2), clear }
    } catch (error) {
      clear()
      throw error
    }
  }
}

/** With a text of its own in envelope, header and body. */
async function accept(padding: number, { store, random }: CanaryParts): Promise<CanaryMail> {
  const [local = '', subject = '', body = ''] = [0, 0, 0].map(() => random.token(TEXT_BYTES))
  const address = parseAddress(`${local}@${DOMAIN}`)
  if (address === undefined) throw new Error('a canary has no address')
  await using draft = store.draft()
  await draft.write(Buffer.from(`${body}\r\n`))
  if (padding > 0) await draft.write(Buffer.alloc(padding, ' '))
  const { kept } = await store.accept({
    account: undefined,
    place: 'canaries',
    envelope: {
      sender: undefined,
      recipients: [{ address, notify: undefined, originalRecipient: undefined }],
      smtpUtf8: false,
      eightBit: false,
      requireTls: false,
      returnContent: undefined,
      envelopeId: undefined,
    },
    header: Buffer.from(`Subject: ${subject}\r\n\r\n`),
    draft,
    recipients: [{ done: false, attempts: 1, nextAt: 0, delayTold: false }],
    keepSeconds: CANARY_SECONDS,
  })
  const ids = kept.spool === undefined ? [kept.id] : [kept.id, kept.spool]
  return { kept, ids, texts: [local, subject, body] }
}

async function deliver({ kept, texts }: CanaryMail, store: CanaryParts['store']): Promise<void> {
  const opened = await store.open(kept)
  const pieces: Buffer[] = []
  for await (const piece of opened?.content.body() ?? []) pieces.push(piece)
  const [recipient] = opened?.envelope.recipients ?? []
  const read = [
    recipient && formatAddress(recipient.address),
    opened?.content.header.toString(),
    Buffer.concat(pieces).toString(),
  ]
  if (!texts.every((text, part) => read[part]?.includes(text) === true))
    throw new Error('canaries did not come back')
  store.shred(kept)
}
