/** The other side of a `WorkerLine`, in its thread. */
import { parentPort } from 'node:worker_threads'
import type { WorkerAnswer, WorkerRequest } from './worker-line.ts'

/** Answers each task. What `run` throws ends the thread, as an unhandled rejection does. */
export function answerRequests<Task, Result>(run: (task: Task) => Result | Promise<Result>): void {
  const answer = async ({ id, task }: WorkerRequest<Task>): Promise<void> => {
    parentPort?.postMessage({ id, result: await run(task) } satisfies WorkerAnswer<Result>)
  }
  parentPort?.on('message', (request: WorkerRequest<Task>) => void answer(request))
}
