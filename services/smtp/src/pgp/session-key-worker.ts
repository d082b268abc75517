/** The other side of session-key-thread.ts. */
import { parentPort } from 'node:worker_threads'
import type { SessionKey } from '@sealpost/openpgp'
import { makeSessionKey } from '@sealpost/openpgp/encrypt'

export interface SessionKeyTask {
  readonly certificate: Uint8Array
  readonly address: string
  /** Milliseconds since 1970. */
  readonly now: number
}

export interface Answer {
  readonly id: number
  readonly session: SessionKey | undefined
}

interface Request {
  readonly id: number
  readonly task: SessionKeyTask
}

async function answer({ id, task: { certificate, address, now } }: Request): Promise<void> {
  const session = await makeSessionKey(certificate, address, now)
  parentPort?.postMessage({ id, session } satisfies Answer)
}

parentPort?.on('message', (request: Request) => void answer(request))
