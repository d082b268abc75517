/** The thread in which certificates are read, verified and merged: what strangers send never runs where lookups are answered. */
import { parentPort } from 'node:worker_threads'
import { OpenPgpError } from '@sealpost/openpgp'
import { mergeTask, readTask } from './task.ts'
import type { Task } from './task.ts'

export interface Request {
  readonly id: number
  readonly task: Task
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly refused: { readonly code: string; readonly message: string } }

function run(task: Task): unknown {
  return task.kind === 'read' ? readTask(task) : mergeTask(task)
}

/** A refusal is an answer; anything else that is thrown is a bug and ends the thread. */
function answer({ id, task }: Request): Answer {
  try {
    return { id, result: run(task) }
  } catch (error) {
    if (!(error instanceof OpenPgpError)) throw error
    return { id, refused: { code: error.code, message: error.message } }
  }
}

parentPort?.on('message', (request: Request) => parentPort?.postMessage(answer(request)))
