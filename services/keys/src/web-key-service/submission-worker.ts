/** The thread in which mails to submission addresses are read: what strangers encrypt is opened nowhere else. */
import { makeOwnKey, readOwnKey, signDetached } from '@sealpost/openpgp/own-key'
import { answerRequests } from '@sealpost/runtime'
import { readMail } from './read-mail.ts'

/** Times in milliseconds since 1970. */
export type SubmissionTask =
  | { readonly kind: 'make'; readonly address: string; readonly now: number }
  | { readonly kind: 'certificate'; readonly secret: Uint8Array }
  | { readonly kind: 'read'; readonly message: Uint8Array; readonly secret: Uint8Array }
  | { readonly kind: 'sign'; readonly data: Uint8Array; readonly secret: Uint8Array; readonly now: number }

async function run(task: SubmissionTask): Promise<unknown> {
  if (task.kind === 'make') return await makeOwnKey(task.address, task.now)
  if (task.kind === 'certificate') return (await readOwnKey(task.secret))?.certificate
  if (task.kind === 'sign') return await signDetached(task.secret, task.data, task.now)
  return await readMail(Buffer.from(task.message), task.secret)
}

answerRequests(run)
