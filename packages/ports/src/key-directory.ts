/** What other services may ask of the key directory. */

/** A mail to the address to which keys are submitted. draft-koch-openpgp-webkey-service §4 */
export interface SubmissionMail {
  /** Of that address: one of ours, as DNS has it. */
  readonly domain: string
  /** Whether one of our users sent it, signed in, so that its From is true; others may claim anything. */
  readonly authenticated: boolean
  /** RFC 5322, lines end in CRLF; SUBMISSION_BYTES_MAX at most. */
  readonly message: Buffer
}

export interface KeyDirectory {
  /** The certificate that is published for the address, binary; undefined: none is. Rejects with PortError when the directory is in another process and away. */
  find(address: string): Promise<Buffer | undefined>
  /**
   * Resolves when the directory has dealt with the mail, whatever came of it, so that it need not be kept any more. Rejects when it could not: then it is to be
   * asked again, with PortError when it is in another process and away.
   */
  submit(mail: SubmissionMail): Promise<void>
}
