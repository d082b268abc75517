/** The pools of this process, for its metrics: how many connections there are, and how many statements wait for one. */
import type { Pool } from 'pg'

export interface PoolFigures {
  readonly used: number
  readonly idle: number
  readonly waiting: number
}

const open = new Set<Pool>()

/** Counts the pool until the disposal. */
export function countPool(pool: Pool): Disposable {
  open.add(pool)
  return { [Symbol.dispose]: () => void open.delete(pool) }
}

/** Of all pools together. */
export function poolFigures(): PoolFigures {
  let [all, idle, waiting] = [0, 0, 0]
  for (const pool of open) {
    all += pool.totalCount
    idle += pool.idleCount
    waiting += pool.waitingCount
  }
  return { used: all - idle, idle, waiting }
}
