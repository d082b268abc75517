/** The other side of a `WorkerLine`, in its thread. */
import { readlinkSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import type { WorkerAnswer, WorkerRequest } from './worker-line.ts'

/** Answers each task, at a low priority, so that whoever waits for the main thread does not wait for the task. What `run` throws ends the thread, as an unhandled rejection does. */
export function answerRequests(run: (task: never) => unknown): void {
  giveWay()
  const answer = async ({ id, task }: WorkerRequest<never>): Promise<void> => {
    parentPort?.postMessage({ id, result: await run(task) } satisfies WorkerAnswer<unknown>)
  }
  parentPort?.on('message', (request: WorkerRequest<never>) => void answer(request))
}

/** Of this thread alone, which Linux names as a task of the process (proc(5)): elsewhere, and where that is not allowed, the priority stays as it is. */
function giveWay(): void {
  try {
    const task = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    setPriority(task, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    return
  }
}
