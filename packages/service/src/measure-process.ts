/** What every process says of itself besides what its services count: connections to Postgres, the certificate's end, room in the data directory. */
import { X509Certificate } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { poolFigures } from '@sealpost/db'
import type { Metrics } from '@sealpost/metrics'
import type { Clock } from '@sealpost/runtime'
import type { TlsSource } from './watch-tls.ts'

export interface Measured {
  readonly metrics: Metrics
  readonly clock: Pick<Clock, 'every'>
  readonly tls: TlsSource
  readonly dataDir: string
}

const EVERY_MS = 10_000

export function measureProcess({ metrics, clock, tls, dataDir }: Measured): Disposable {
  const stack = new DisposableStack()
  const connections = metrics.gauge('db_connections', 'Connections to Postgres by what they do', ['state'])
  const waiting = metrics.gauge('db_statements_waiting', 'Statements that wait for a connection to Postgres')
  const expiry = metrics.gauge(
    'tls_certificate_expiry_timestamp_seconds',
    'When the TLS certificate in force ends, in seconds since the epoch',
  )
  const free = metrics.gauge('data_directory_free_bytes', 'Room that is left where the data directory is')
  const size = metrics.gauge('data_directory_size_bytes', 'Size of the volume where the data directory is')

  const readCertificate = (): void =>
    expiry.set(new X509Certificate(tls.current().cert).validToDate.getTime() / 1000)
  const measure = async (): Promise<void> => {
    const figures = poolFigures()
    connections.set(figures.used, { state: 'used' })
    connections.set(figures.idle, { state: 'idle' })
    waiting.set(figures.waiting)
    const volume = await statfs(dataDir)
    free.set(volume.bavail * volume.bsize)
    size.set(volume.blocks * volume.bsize)
  }
  readCertificate()
  stack.use(tls.onChange(readCertificate))
  stack.use(clock.every(EVERY_MS, measure))
  return stack.move()
}
