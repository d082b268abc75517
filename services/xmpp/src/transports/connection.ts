/** What a stream needs of its transport. */
export interface Connection {
  /** TLS is established. */
  readonly secure: boolean
  /** The peer's IP address. */
  readonly remoteAddress: string
  /** Bytes handed over but not yet taken by the peer's window; above the high-water mark a sender should wait. */
  readonly backlogBytes: number
  /** Queues text; everything written within one turn of the event loop leaves in one TLS record. */
  write(xml: string): void
  /** Called once before each flush, so that an acknowledgement request can ride along. */
  beforeFlush: (() => void) | undefined
  /** Called when the backlog has left after `congested`. */
  onDrain: (() => void) | undefined
  readonly congested: boolean
  /** Until then nothing is read, and no TLS begins. */
  start(): void
  startTls(): void
  /** The version of this TLS connection as four digits (XEP-0515 §4.1); undefined where it may be another's than the client's. */
  readonly tlsVersion: string | undefined
  /** Types of channel binding that this TLS connection has data for (RFC 9266, RFC 5929), strongest first. */
  readonly channelBindings: readonly string[]
  /** The data; undefined for a type it does not have. Computed when asked for. */
  channelBinding(type: string): Buffer | undefined
  pause(): void
  resume(): void
  /** Flushes and closes. */
  end(): void
}
