/** The thread in which certificates are read, verified and merged: what strangers send never runs where lookups are answered. */
import { OpenPgpError } from '@sealpost/openpgp'
import { answerRequests } from '@sealpost/runtime'
import { encryptTask, importTask, mergeTask, readTask, verifyTask } from './task.ts'
import type { Task } from './task.ts'

export type Outcome =
  | { readonly done: unknown }
  | { readonly refused: { readonly code: string; readonly message: string } }

async function run(task: Task): Promise<unknown> {
  if (task.kind === 'read') return readTask(task)
  if (task.kind === 'verify') return verifyTask(task)
  if (task.kind === 'import') return importTask(task)
  if (task.kind === 'merge-all') return task.tasks.map(mergeTask)
  return task.kind === 'merge' ? mergeTask(task) : await encryptTask(task)
}

/** A refusal is an answer; anything else that is thrown is a bug and ends the thread. */
async function outcomeOf(task: Task): Promise<Outcome> {
  try {
    return { done: await run(task) }
  } catch (error) {
    if (!(error instanceof OpenPgpError)) throw error
    return { refused: { code: error.code, message: error.message } }
  }
}

answerRequests(outcomeOf)
