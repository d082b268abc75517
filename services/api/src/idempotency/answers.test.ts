import { describe, expect, test } from 'vitest'
import { HttpProblem } from '@sealpost/http'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { memoryAnswers } from './answer-store.memory.ts'
import { IdempotentAnswers } from './answers.ts'

const store = memoryAnswers()
const clock = new VirtualClock()
/** Another process on the same store has the same secret. */
const open = () =>
  new IdempotentAnswers({ store, secret: 'of the data directory', clock, random: systemRandom })
const asked = (key: string) => ({
  key,
  who: 'key 1',
  credential: 'Bearer x',
  request: ['POST', '/v1/things', '{}'],
})
const made = async () => ({ status: 201, body: '{"token":"once"}' })
const never = async (): Promise<never> => {
  throw new Error('It was carried out again')
}

describe('IdempotentAnswers', () => {
  test('a request whose process was killed is never carried out again', async () => {
    void open().once(asked('killed'), () => new Promise(() => undefined))
    await clock.advance(60_000)
    await expect(open().once(asked('killed'), never)).rejects.toMatchObject({
      type: 'idempotency-in-progress',
    })
    await clock.advance(61_000)
    await expect(open().once(asked('killed'), never)).rejects.toMatchObject({
      status: 409,
      type: 'idempotency-outcome-unknown',
    })
    await clock.advance(24 * 3_600_000)
    expect(await open().once(asked('killed'), made)).toMatchObject({ status: 201, replayed: false })
  })

  test('the answer survives a restart', async () => {
    await open().once(asked('kept'), made)
    expect(await open().once(asked('kept'), never)).toEqual({ ...(await made()), replayed: true })
  })

  test('who refuses leaves the key free; who fails does not', async () => {
    const refuse = async () => {
      throw new HttpProblem(422, 'refused', 'Refused')
    }
    const fail = async () => {
      throw new HttpProblem(503, 'away', 'Away')
    }
    await expect(open().once(asked('refused'), refuse)).rejects.toMatchObject({ type: 'refused' })
    expect(await open().once(asked('refused'), made)).toMatchObject({ replayed: false })
    await expect(open().once(asked('failed'), fail)).rejects.toMatchObject({ type: 'away' })
    await expect(open().once(asked('failed'), never)).rejects.toMatchObject({ status: 409 })
  })

  test('an answer that is too long is not kept, and that is said', async () => {
    const long = async () => ({ status: 200, body: 'x'.repeat(70_000) })
    await open().once(asked('long'), long)
    await expect(open().once(asked('long'), never)).rejects.toMatchObject({ type: 'idempotency-done' })
  })

  test('another credential cannot open it', async () => {
    await open().once(asked('mine'), made)
    await expect(open().once({ ...asked('mine'), credential: 'Bearer y' }, never)).rejects.toMatchObject({
      type: 'idempotency-key-reused',
    })
  })
})
