/** What a relay in a process of its own says: the errors, beside what the test says; or everything, at the end of a file. */
import { closeSync, openSync } from 'node:fs'

export interface RelayLog extends Disposable {
  readonly stderr: 'inherit' | number
  readonly env: Readonly<Record<string, string>>
}

/** To be disposed when the process was started. */
export function openRelayLog(file?: string): RelayLog {
  if (file === undefined) return { stderr: 'inherit', env: {}, [Symbol.dispose]: () => undefined }
  const stderr = openSync(file, 'a')
  return { stderr, env: { LOG_LEVEL: 'debug' }, [Symbol.dispose]: () => closeSync(stderr) }
}
