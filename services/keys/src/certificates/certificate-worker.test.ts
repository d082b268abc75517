import { afterEach, expect, test } from 'vitest'
import { systemClock, VirtualClock } from '@sealpost/runtime'
import { hostileCorpus } from '../../../../packages/openpgp/test/hostile.ts'
import { NOW, sample } from '../../../../packages/openpgp/test/maker.ts'
import { longTest } from '../../../../test/long-test.ts'
import { CertificateWorker } from './certificate-worker.ts'

let worker: CertificateWorker
afterEach(() => worker[Symbol.asyncDispose]())

const upload = sample(1).bytes

test('answers in the order of asking, refusals with their code', async () => {
  worker = new CertificateWorker(systemClock)
  const all = await Promise.allSettled([
    worker.read({ upload, now: NOW }),
    worker.read({ upload: Buffer.from('hello'), now: NOW }),
    worker.read({ upload, now: NOW }),
  ])
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(all[1]).toMatchObject({ reason: { name: 'OpenPgpError', code: 'OPENPGP_NO_CERTIFICATE' } })
})

test('a task that takes too long ends the thread, and the next one begins another', async () => {
  const clock = new VirtualClock()
  worker = new CertificateWorker(clock)
  // The clock decides what is too long: the thread still starts.
  const late = expect(worker.read({ upload, now: NOW })).rejects.toMatchObject({ code: 'CERTIFICATES_LATE' })
  const waiting = worker.read({ upload, now: NOW })
  await clock.advance(5_000)
  await late
  expect((await waiting).certificates).toHaveLength(1)
  expect((await worker.read({ upload, now: NOW })).certificates).toHaveLength(1)
})

test('the line is bounded, and nobody waits for ever when it is closed', async () => {
  worker = new CertificateWorker(systemClock)
  const asked = Array.from({ length: 70 }, () => worker.read({ upload, now: NOW }))
  const settled = Promise.allSettled(asked)
  await worker[Symbol.asyncDispose]()
  const codes = (await settled).map((each) =>
    each.status === 'rejected' ? (each.reason as { code: string }).code : 'done',
  )
  expect(new Set(codes)).toEqual(new Set(['CERTIFICATES_ENDED', 'CERTIFICATES_BUSY']))
  expect(codes.filter((code) => code === 'CERTIFICATES_BUSY')).toHaveLength(5)
  await expect(worker.read({ upload, now: NOW })).rejects.toMatchObject({ code: 'CERTIFICATES_ENDED' })
})

longTest('whatever the hostile corpus sends, the thread stays', async () => {
  worker = new CertificateWorker(systemClock)
  for (const hostile of hostileCorpus())
    await worker.read({ upload: hostile.upload, now: NOW }).catch(() => undefined)
  expect((await worker.read({ upload, now: NOW })).certificates).toHaveLength(1)
})
