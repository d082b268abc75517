import { createMetrics } from '@sealpost/metrics'
import { expect, test } from 'vitest'
import { KeyringError } from './keyring-error.ts'
import { ShredLag } from './shred-lag.ts'

const AGE = /shred_oldest_pending_seconds\{keyring="xmpp"\} (\S+)/

test('the oldest key that is still on disk is known as long as its sync fails or stands still, and then no more', async () => {
  const metrics = createMetrics()
  const age = async (): Promise<number> => Number(AGE.exec(await metrics.render())?.[1])
  let round = Promise.withResolvers<number>()
  using lag = new ShredLag(metrics, 'xmpp', () => round.promise)
  expect(await age()).toBe(0)
  lag.shredded()
  const first = await age()
  expect(first).toBeGreaterThan(0)
  const failed = round
  round = Promise.withResolvers()
  failed.reject(new KeyringError('KEYRING_UNAVAILABLE'))
  lag.shredded() // a later order, which shares the next sync
  expect(await age()).toBeGreaterThan(first)
  round.resolve(performance.now() + 60)
  await expect.poll(age).toBe(0)
  expect(await metrics.render()).toContain('shred_lag_seconds_count 2')
  expect(await metrics.render()).toContain('shred_lag_seconds_bucket{le="0.05"} 0')
})

test('a keyring that is closed measures nothing more', async () => {
  const metrics = createMetrics()
  using lag = new ShredLag(metrics, 'smtp', () => Promise.reject(new KeyringError('KEYRING_CLOSED')))
  lag.shredded()
  await expect.poll(() => lag.oldestPendingSeconds).toBe(0)
  expect(await metrics.render()).toContain('shred_lag_seconds_count 0')
})
