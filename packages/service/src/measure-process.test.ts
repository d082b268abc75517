import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics } from '@sealpost/metrics'
import { VirtualClock } from '@sealpost/runtime'
import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { makeCertificate } from '../../http/test/_certificate.ts'
import { measureProcess } from './measure-process.ts'

test('the end of the certificate in force, connections, and the room of the data directory', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sealpost-measure-'))
  const clock = new VirtualClock()
  const metrics = createMetrics()
  let pair = makeCertificate('one.test')
  let changed = (): void => undefined
  const tls = {
    current: () => pair,
    onChange: (listener: () => void) => {
      changed = listener
      return { [Symbol.dispose]: () => undefined }
    },
  }
  const measuring = measureProcess({ metrics, clock, tls, dataDir })
  const end = ({ cert }: { cert: string }): number => new X509Certificate(cert).validToDate.getTime() / 1000
  const value = async (name: string): Promise<number> =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await metrics.render())?.[1])
  expect(await value('tls_certificate_expiry_timestamp_seconds')).toBe(end(pair))
  pair = makeCertificate('two.test')
  changed()
  expect(await value('tls_certificate_expiry_timestamp_seconds')).toBe(end(pair))

  await clock.advance(10_000)
  await expect.poll(() => value('data_directory_free_bytes')).toBeGreaterThan(0)
  expect(await value('data_directory_size_bytes')).toBeGreaterThan(await value('data_directory_free_bytes'))
  expect(await value('db_connections{state="used"}')).toBe(0)
  expect(await value('db_statements_waiting')).toBe(0)
  measuring[Symbol.dispose]()
  rmSync(dataDir, { recursive: true })
})
