import { expect, test } from 'vitest'
import { VirtualClock } from '@sealpost/runtime'
import { gather } from './gather.ts'

/** Answers each question by its square, when told. */
function squares() {
  const asked: number[][] = []
  const answering: PromiseWithResolvers<void>[] = []
  const ask = gather(async (questions: readonly number[]) => {
    asked.push([...questions])
    const held = Promise.withResolvers<void>()
    answering.push(held)
    await held.promise
    return questions.map((question) => question ** 2)
  })
  /** Waits for statement `number` to be asked. */
  const statement = (number: number) => expect.poll(() => asked.length).toBe(number)
  return { ask, asked, answering, statement }
}

test('questions of one turn, and those that come while one is answered, are one statement', async () => {
  const { ask, asked, answering, statement } = squares()
  const first = [ask(2), ask(3)]
  await statement(1)
  const later = [ask(4), ask(5), ask(4)]
  answering[0]?.resolve()
  expect(await Promise.all(first)).toEqual([4, 9])
  await statement(2)
  answering[1]?.resolve()
  expect(await Promise.all(later)).toEqual([16, 25, 16])
  expect(asked).toEqual([
    [2, 3],
    [4, 5, 4],
  ])
  const alone = ask(6)
  await statement(3)
  answering[2]?.resolve()
  expect(await alone).toBe(36)
})

test('without a pause, what the sockets bring in one turn is put together, and nobody waits for a clock', async () => {
  const clock = new VirtualClock()
  const asked: number[][] = []
  const ask = gather(
    async (questions: readonly number[]) => {
      asked.push([...questions])
      return questions
    },
    { clock, pauseMs: 0 },
  )
  const first = ask(1)
  const second = new Promise((resolve) => void setImmediate(resolve)).then(() => ask(3))
  await Promise.resolve()
  expect(await Promise.all([first, ask(2)])).toEqual([1, 2])
  expect(await second).toBe(3)
  expect(await ask(4)).toBe(4)
  expect(asked.at(0)).toEqual([1, 2])
  expect(asked.flat()).toEqual([1, 2, 3, 4])
})

test('after an answer, too, questions of the next milliseconds are put together; after that one goes at once', async () => {
  const clock = new VirtualClock()
  const asked: number[][] = []
  const ask = gather(
    async (questions: readonly number[]) => {
      asked.push([...questions])
      return questions
    },
    { clock },
  )
  expect(await ask(1)).toBe(1)
  const second = ask(2)
  await clock.advance(9)
  const third = ask(3)
  await clock.advance(1)
  expect(await Promise.all([second, third])).toEqual([2, 3])
  await clock.advance(10)
  expect(await ask(4)).toBe(4)
  expect(asked).toEqual([[1], [2, 3], [4]])
})

test('what fails, fails for its own questions only', async () => {
  const { ask, answering, statement } = squares()
  const lost = Promise.allSettled([ask(2), ask(3)])
  await statement(1)
  const kept = ask(4)
  answering[0]?.reject(new Error('the connection broke'))
  expect((await lost).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await statement(2)
  answering[1]?.resolve()
  expect(await kept).toBe(16)
})

test('a statement answers 500 at most, and not more than 10,000 wait', async () => {
  const { ask, asked, answering, statement } = squares()
  const first = ask(0)
  await statement(1)
  const waiting = Array.from({ length: 10_000 }, (_, index) => ask(index))
  await expect(ask(1)).rejects.toMatchObject({ code: 'DB_BUSY' })
  answering[0]?.resolve()
  await first
  for (let number = 2; number <= 21; number++) {
    await statement(number)
    answering[number - 1]?.resolve()
  }
  await Promise.all(waiting)
  expect(asked.slice(1).map((each) => each.length)).toEqual(Array(20).fill(500))
})
