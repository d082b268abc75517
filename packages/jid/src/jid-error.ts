import { OperationalError } from '@sealpost/errors'

/** The part of an address that an error is about (RFC 7622 §3.1); `jid` when it cannot be divided at all. */
export type JidPart = 'jid' | 'localpart' | 'domainpart' | 'resourcepart'

/** A text is not an address of RFC 7622. Neither the message nor a field repeats any of the text. */
export class JidError extends OperationalError {
  override readonly name = 'JidError'
  readonly part: JidPart

  constructor(part: JidPart) {
    super('JID_MALFORMED', `Not an XMPP address: bad ${part}`)
    this.part = part
  }
}
