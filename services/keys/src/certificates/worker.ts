/** The thread in which certificates are read, verified and merged: what strangers send never runs where lookups are answered. */
import { parentPort } from 'node:worker_threads'
import { OpenPgpError } from '@sealpost/openpgp'
import { encryptTask, importTask, mergeTask, readTask, verifyTask } from './task.ts'
import type { Task } from './task.ts'

export interface Request {
  readonly id: number
  readonly task: Task
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly refused: { readonly code: string; readonly message: string } }

async function run(task: Task): Promise<unknown> {
  if (task.kind === 'read') return readTask(task)
  if (task.kind === 'verify') return verifyTask(task)
  if (task.kind === 'import') return importTask(task)
  return task.kind === 'merge' ? mergeTask(task) : await encryptTask(task)
}

/** A refusal is an answer; anything else that is thrown is a bug and ends the thread. */
async function answer({ id, task }: Request): Promise<Answer> {
  try {
    return { id, result: await run(task) }
  } catch (error) {
    if (!(error instanceof OpenPgpError)) throw error
    return { id, refused: { code: error.code, message: error.message } }
  }
}

/** What `answer` throws ends the thread as an unhandled rejection does. */
async function reply(request: Request): Promise<void> {
  parentPort?.postMessage(await answer(request))
}

parentPort?.on('message', (request: Request) => void reply(request))
