/** The thread of sync-thread.ts. */
import { fdatasyncSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import type { Synced, SyncWorkerData } from './sync-thread.ts'

const { fd, ordered } = workerData as SyncWorkerData

function sync(order: number): Synced {
  try {
    fdatasyncSync(fd)
    return { order, at: performance.timeOrigin + performance.now() }
  } catch (error) {
    const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException
    return { order, code, message }
  }
}

// Until the thread is ended.
for (let done = 0; ;) {
  Atomics.wait(ordered, 0, done)
  done = Atomics.load(ordered, 0)
  parentPort?.postMessage(sync(done))
}
