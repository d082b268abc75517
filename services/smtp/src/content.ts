/** A mail as it is handed around: the header in memory, the body wherever it lies. */

export interface Content {
  /** RFC 5322 header section with its closing empty line; 256 KiB at most. */
  readonly header: Buffer
  /** Bytes of the body. */
  readonly bodyBytes: number
  /** The body from its beginning, in chunks of 64 KiB at most. Can be called again; not kept in memory as a whole unless small. */
  body(): AsyncIterable<Buffer>
}
