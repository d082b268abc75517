/** What the benchmark `mail` needs of a mail relay: from this machine it takes everything without asking who sends, and hands it all to one server, the sink. */

export interface MailRelayOptions {
  /** A directory of its own, made already, removed by the caller. */
  readonly directory: string
  /** The core the relay is pinned to, with everything it starts. */
  readonly core: number
  /** Where everything goes, on this machine. */
  readonly sinkPort: number
  /** Larger mails need not be taken. */
  readonly bytesMax: number
}

export interface MailRelay extends AsyncDisposable {
  readonly name: string
  /** Mail exchanger. */
  readonly port: number
  /** Process ids whose trees are the relay; the first one took the mail. */
  readonly roots: readonly number[]
}
