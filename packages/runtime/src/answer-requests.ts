/** The other side of a `WorkerLine`, in its thread. */
import { parentPort } from 'node:worker_threads'
import type { WorkerAnswer, WorkerRequest } from './worker-line.ts'

/** Answers each task. What `run` throws ends the thread, as an unhandled rejection does. */
export function answerRequests(run: (task: never) => unknown): void {
  const answer = async ({ id, task }: WorkerRequest<never>): Promise<void> => {
    parentPort?.postMessage({ id, result: await run(task) } satisfies WorkerAnswer<unknown>)
  }
  parentPort?.on('message', (request: WorkerRequest<never>) => void answer(request))
}
