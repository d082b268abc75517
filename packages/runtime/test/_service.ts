/** A service for run-service.test.ts; its argument says how it misbehaves. */
import { ConfigError, OperationalError } from '@sealpost/errors'
import { runService } from '../src/index.ts'

const mode = process.argv[2] ?? ''

function readConfig(): string {
  if (mode === 'bad-config') throw new ConfigError(['A must be set', 'B must be a whole number'])
  return mode
}

async function create(): Promise<AsyncDisposable> {
  if (mode === 'fails') throw new OperationalError('DIRECTORY_HELD', 'Another process holds the directory')
  if (mode === 'busy-port')
    throw Object.assign(new Error('canary'), { code: 'EADDRINUSE', syscall: 'listen', port: 5222 })
  const timer = setInterval(() => undefined, 1_000)
  process.stdout.write('started\n')
  if (mode === 'crashes') setImmediate(crash)
  if (mode === 'rejects') void Promise.reject(new Error('canary@example.com\n    at canary (/canary.ts:1:1)'))
  return {
    [Symbol.asyncDispose]: async () => {
      process.stdout.write('disposed\n')
      if (mode === 'stuck') await new Promise(() => undefined)
      if (mode === 'stop-fails') throw new Error('canary')
      clearInterval(timer)
    },
  }
}

function crash(): never {
  throw new TypeError('canary@example.com')
}

await runService(readConfig, create)
