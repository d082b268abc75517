/** Keeps strangers from writing in the name of the address to which keys are submitted, and tells at once what is too large to be sent there. */
import { SUBMISSION_BYTES_MAX } from '@sealpost/ports'
import { isSubmissionAddress } from '../local-mailbox.ts'
import { sizeOf } from '../mailbox/key-submission.ts'
import type { Stage } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'

const reject = {
  sender: () => new SmtpReply(550, '5.7.1', 'Only this server sends from this address'), // RFC 3463 §3.8
  tooLarge: () =>
    new SmtpReply(552, '5.3.4', `A key is submitted with ${String(SUBMISSION_BYTES_MAX)} bytes at most`), // RFC 3463 §3.4
} as const

export function keySubmissionStage({ domains }: { readonly domains: readonly string[] }): Stage {
  return {
    name: 'key-submission',
    sender: ({ trusted }, { sender }) =>
      !trusted && sender !== undefined && isSubmissionAddress(sender, domains) ? reject.sender() : undefined,
    message: ({ envelope: { recipients } }, content) =>
      sizeOf(content) > SUBMISSION_BYTES_MAX &&
      recipients.some(({ address }) => isSubmissionAddress(address, domains))
        ? reject.tooLarge()
        : undefined,
  }
}
