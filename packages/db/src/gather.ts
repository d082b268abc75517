/**
 * Many questions, one statement. The first goes out at once; those that come while it is being answered, and within a pause, are put
 * together and go out next. When there is little to do nobody waits, and when there is much, a statement answers hundreds. Nothing is
 * remembered: an answer is as true as one asked for alone.
 */
import { type Clock, systemClock } from '@sealpost/runtime'
import { DbError } from './db-error.ts'

interface Waiting<Question, Answer> {
  readonly question: Question
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

export interface GatherOptions {
  /** From one statement to the next, 10 unless told; with 0 only for what has arrived already. */
  readonly pauseMs?: number
  /** Questions of one statement, 500 unless told. */
  readonly togetherMax?: number
  readonly clock?: Clock
}

/** Questions that may wait; more fail with DB_BUSY. */
const WAITING_MAX = 10_000

/**
 * @param answer asks in one statement; its answers are in the order of the questions. When it throws, so do all questions of that statement.
 */
export function gather<Question, Answer>(
  answer: (questions: readonly Question[]) => Promise<readonly Answer[]>,
  { pauseMs = 10, togetherMax = 500, clock = systemClock }: GatherOptions = {},
): (question: Question) => Promise<Answer> {
  let waiting: Waiting<Question, Answer>[] = []
  let asking = false

  async function askAll(): Promise<void> {
    asking = true
    await (pauseMs === 0 ? arrived() : Promise.resolve()) // for what else is asked in this turn
    while (waiting.length > 0) {
      const together = waiting.slice(0, togetherMax)
      waiting = waiting.slice(togetherMax)
      const pause =
        pauseMs === 0 ? undefined : new Promise<void>((resolve) => void clock.after(pauseMs, resolve))
      await askTogether(together, answer)
      if (waiting.length < togetherMax) await (pause ?? arrived())
    }
    asking = false
  }

  return (question) => {
    if (waiting.length >= WAITING_MAX)
      return Promise.reject(new DbError('DB_BUSY', 'Too many questions wait for Postgres'))
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    waiting.push({ question, resolve, reject })
    if (!asking) void askAll()
    return promise
  }
}

/** After everything that the sockets have brought by now. */
function arrived(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

async function askTogether<Question, Answer>(
  together: readonly Waiting<Question, Answer>[],
  answer: (questions: readonly Question[]) => Promise<readonly Answer[]>,
): Promise<void> {
  try {
    const answers = await answer(together.map(({ question }) => question))
    for (const [index, { resolve }] of together.entries()) resolve(answers[index] as Answer)
  } catch (error) {
    for (const { reject } of together) reject(error)
  }
}
