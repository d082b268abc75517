/** Where the metrics of the services come from: the registry of this process, and the signs of health of other processes. */
import { OperationalError } from '@sealpost/errors'

export interface MetricsSource {
  /** A word of ours, for whoever asks what is missing. */
  readonly name: string
  /** It counts from zero since this process has been watching it. */
  readonly fresh: boolean
  /** The text exposition format. Rejects when the process is away. */
  read(): Promise<string>
}

const TIMEOUT_MS = 5_000
const TEXT_BYTES_MAX = 4 * 1024 * 1024

/** A service in another process. `url`: the origin of its plain HTTP listener. */
export function remoteSource(name: string, url: URL): MetricsSource {
  return { name, fresh: false, read: () => fetchText(new URL('/metrics', url)) }
}

async function fetchText(url: URL): Promise<string> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (!response.ok) throw new OperationalError('METRICS_REFUSED', 'A service did not tell its metrics')
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes > TEXT_BYTES_MAX)
      throw new OperationalError('METRICS_TOO_LARGE', 'A service tells more metrics than one can have')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
