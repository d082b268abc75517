/** The other side of session-key-thread.ts. */
import { makeSessionKey } from '@sealpost/openpgp/encrypt'
import { answerRequests } from '@sealpost/runtime'

export interface SessionKeyTask {
  readonly certificate: Uint8Array
  readonly address: string
  /** Milliseconds since 1970. */
  readonly now: number
}

answerRequests(({ certificate, address, now }: SessionKeyTask) => makeSessionKey(certificate, address, now))
