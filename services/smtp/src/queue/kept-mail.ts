/** A mail on its way through the store: as it comes, as memory knows it, as it is read. */
import type { Content } from '../content.ts'
import type { Envelope } from '../reception/stage.ts'
import type { ContentKey } from './content-key.ts'
import type { Place } from './mail-keys.ts'
import type { MailState, Progress } from './mail-record.ts'
import type { SealedDraft } from './sealed-draft.ts'

/** No mail waits longer, whatever holds it. */
export const KEPT_SECONDS_MAX = 30 * 24 * 60 * 60

/** What memory knows of a mail. */
export interface KeptMail {
  readonly id: string
  readonly account: string | undefined
  readonly place: Place
  /** Milliseconds since the epoch, whole seconds. */
  readonly acceptedAt: number
  readonly bodyBytes: number
  readonly spool: string | undefined
  /** Domains of the recipients, in the order of the envelope. */
  readonly domains: readonly string[]
  readonly key: ContentKey
  readonly state: MailState
  /** Of a mail in a mailbox: which mail of the queue it is a copy of, for which recipient. */
  readonly source?: string | undefined
}

/** A mail whose envelope and header are in memory. */
export interface OpenMail {
  readonly kept: KeptMail
  readonly envelope: Envelope
  readonly content: Content
  /** What header and body take of memory for as long as somebody has hold of this. */
  readonly heldBytes: number
}

export interface NewMail {
  readonly account: string | undefined
  readonly place: Place
  readonly envelope: Envelope
  readonly header: Buffer
  readonly draft: SealedDraft
  /** Of each recipient, as the first attempt leaves it. */
  readonly recipients: readonly Progress[]
  /** How long it may be read at most, KEPT_SECONDS_MAX unless less. */
  readonly keepSeconds: number
  readonly source?: string
  /** What became of another mail, which cannot go before this is kept. */
  readonly isReport?: boolean
}
