/** A server that cannot be used for this mail now, or a transaction that broke. */
import { OperationalError } from '@sealpost/errors'
import type { Reply } from '../queue/mail-record.ts'
import type { TlsFault } from './tls-failure.ts'

const MESSAGES = {
  SESSION_UNREACHABLE: 'The server cannot be reached',
  SESSION_REFUSED: 'The server does not want us',
  SESSION_TLS: 'The connection cannot be made as private as it has to be',
  SESSION_LOST: 'The connection broke',
  SESSION_MALFORMED: 'The server does not speak SMTP',
} as const

export type SessionErrorCode = keyof typeof MESSAGES

export class SessionError extends OperationalError {
  override readonly name = 'SessionError'
  declare readonly code: SessionErrorCode
  /** As it is told to senders. */
  readonly reply: Reply
  /** Of SESSION_TLS. */
  readonly fault: TlsFault | undefined

  constructor(code: SessionErrorCode, reply: Reply, options?: { cause?: unknown; fault?: TlsFault }) {
    super(code, MESSAGES[code], options)
    this.reply = reply
    this.fault = options?.fault
  }
}

/** In our own words. */
export function ownReply(code: number, status: string, text: string): Reply {
  return { code, status, text, host: undefined }
}
