/** The other side of session-key-thread.ts. */
import { parentPort } from 'node:worker_threads'
import type { SessionKey } from '@sealpost/openpgp'
import { makeSessionKey } from '@sealpost/openpgp/encrypt'
import type { WorkerAnswer, WorkerRequest } from '@sealpost/runtime'

export interface SessionKeyTask {
  readonly certificate: Uint8Array
  readonly address: string
  /** Milliseconds since 1970. */
  readonly now: number
}

async function answer({
  id,
  task: { certificate, address, now },
}: WorkerRequest<SessionKeyTask>): Promise<void> {
  const result = await makeSessionKey(certificate, address, now)
  parentPort?.postMessage({ id, result } satisfies WorkerAnswer<SessionKey | undefined>)
}

parentPort?.on('message', (request: WorkerRequest<SessionKeyTask>) => void answer(request))
