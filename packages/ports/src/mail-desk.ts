/** What other services may ask about mail to postmaster@ and abuse@ that nobody's account takes: it is for whoever runs the server. */

/** RFC 5965 §7.3, RFC 6650 §3.3. Whatever else is `other` (RFC 5965 §3.2). */
export const FEEDBACK_TYPES = ['abuse', 'fraud', 'virus', 'not-spam', 'auth-failure', 'other'] as const
export type FeedbackType = (typeof FEEDBACK_TYPES)[number]

export interface DeskMail {
  readonly id: string
  /** Milliseconds since the epoch, whole seconds. */
  readonly acceptedAt: number
  /** Of header and body. */
  readonly bytes: number
  /** What a report by ARF is about; undefined: it is no such report. */
  readonly feedback: FeedbackType | undefined
  /** As they stand in the header, on one line, cut off after 200 characters. */
  readonly from: string
  readonly subject: string
}

/** A piece of a mail. */
export interface DeskText extends DeskMail {
  /** What is no UTF-8 is replaced. */
  readonly text: string
  /** Where the next piece begins, in bytes; undefined: this was the last. */
  readonly next: number | undefined
}

/** Most mails of one list, and most bytes of one piece. */
export const DESK_LIST_MAX = 50
export const DESK_PIECE_BYTES = 128 * 1024

/** Rejects with PortError when the mail relay is in another process and away. */
export interface MailDesk {
  /** Oldest first, after the one named, at most DESK_LIST_MAX. */
  list(after?: string): Promise<readonly DeskMail[]>
  /** From a place in bytes on; undefined: there is no such mail, or no such place in it. */
  read(id: string, from: number): Promise<DeskText | undefined>
  /** Destroys it: nobody can read it any more when it resolves. False: there is no such mail. */
  done(id: string): Promise<boolean>
  /** Takes no mail from a domain of others for thirty days, but for what goes to whoever runs this server. */
  block(domain: string): Promise<void>
}
