/**
 * draft-koch-openpgp-webkey-service §4: the address of each of our domains to which keys are submitted. Its mail is no mailbox's: it goes to the key directory, and stays
 * sealed in the queue until the directory has dealt with it.
 */
import { type KeyDirectory, SUBMISSION_BYTES_MAX } from '@sealpost/ports'
import type { Content } from '../content.ts'
import { ownReply } from '../delivery/session-error.ts'
import { isSubmissionAddress } from '../local-mailbox.ts'
import type { Outcome } from '../queue/carrier.ts'
import { type Arrival, unchanged } from './arrival.ts'

export interface Submission {
  /** Whether one of our users sent it. */
  readonly authenticated: boolean
  readonly content: Content
}

/** `domain`: of the submission address, in A-labels. Reception has refused what is too large; see stages/key-submission.ts. */
export async function submitKey(
  keys: Pick<KeyDirectory, 'submit'>,
  domain: string,
  { authenticated, content }: Submission,
): Promise<Outcome> {
  if (sizeOf(content) > SUBMISSION_BYTES_MAX)
    return { result: 'failed', reply: ownReply(552, '5.3.4', 'This is larger than a key to be submitted') }
  const chunks = [content.header]
  for await (const chunk of content.body()) chunks.push(chunk)
  try {
    await keys.submit({ domain, authenticated, message: Buffer.concat(chunks) })
  } catch {
    return { result: 'deferred', reply: ownReply(451, '4.3.0', 'The key directory cannot take mail now') }
  }
  return { result: 'delivered', reply: ownReply(250, '2.0.0', 'The key directory has it'), how: 'final' }
}

export function sizeOf({ header, bodyBytes }: Content): number {
  return header.length + bodyBytes
}

/**
 * The same, but for what the directory writes from there: it is signed, its secret is encrypted, and programs look for it as it is. Whoever has no key yet could not
 * get it otherwise. Nobody else may write from these addresses.
 */
export function sparingConfirmations(arrival: Arrival, domains: readonly string[]): Arrival {
  return {
    prepare: (account, envelope, content) => {
      const { sender } = envelope
      const ours = sender !== undefined && isSubmissionAddress(sender, domains)
      return (ours ? unchanged : arrival).prepare(account, envelope, content)
    },
  }
}
