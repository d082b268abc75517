/** The life of a service process: configuration, start, signals, crash, bounded stop. */
import { availableParallelism } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { ConfigError, OperationalError, errorCode } from '@sealpost/errors'
import { collectAll } from './collect-garbage.ts'
import { keepMemoryOutOfDumps } from './core-dumps.ts'

/** A stop that takes longer than this ends in exit code 1. */
const STOP_MS_MAX = 10_000

/**
 * A second signal within this time is the same wish: Ctrl-C reaches the process from the terminal and once more through npm.
 * After it, a signal means "now".
 */
const SAME_SIGNAL_MS = 1_000

const FRAMES_MAX = 12

/**
 * Runs one service until SIGTERM or SIGINT and then disposes it. Never returns: the process ends
 * with 0 (clean stop, or `--check-config` found nothing), 1 (start failed, crashed, or the stop took over 10 s) or 2 (bad configuration).
 * An exception or rejection that nobody caught is told in one line without its message, the service is disposed, exit 1.
 */
export async function runService<C>(
  readConfig: () => C,
  create: (config: C) => Promise<AsyncDisposable>,
): Promise<void> {
  const config = readOrExit(readConfig)
  if (process.argv.includes('--check-config')) {
    process.stdout.write('The configuration is valid\n')
    process.exit(0)
  }
  suitOneCore()
  keepMemoryOutOfDumps()
  const stop = watchForStop()
  let service: AsyncDisposable
  try {
    service = await Promise.race([create(config), stop.crashed])
  } catch (error) {
    process.stderr.write(`Cannot start: ${startProblem(error)}\n`)
    process.exit(1)
  }
  collectAll() // Measured: 60 MB of 205 go back; V8 by itself would keep them for a heap that grows again.
  const code = await stop.requested
  process.exit(await disposeWithin(service, code))
}

/** With one core, threads that help to collect garbage are only waited for: measured, the longest delays are half as long without. */
function suitOneCore(): void {
  if (availableParallelism() === 1) setFlagsFromString('--no-parallel-scavenge')
}

function readOrExit<C>(readConfig: () => C): C {
  try {
    return readConfig()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) process.stderr.write(`Configuration: ${problem}\n`)
    return process.exit(2)
  }
}

/** `requested` resolves with the exit code to be; `crashed` never resolves, it rejects when the process crashes. */
function watchForStop(): { requested: Promise<number>; crashed: Promise<never> } {
  const requested = Promise.withResolvers<number>()
  const crashed = Promise.withResolvers<never>()
  crashed.promise.catch(() => undefined)
  let firstAt: number | undefined
  const onSignal = (): void => {
    if (firstAt !== undefined && performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(1)
    firstAt ??= performance.now()
    requested.resolve(0)
  }
  const onCrash = (error: unknown): void => {
    process.stderr.write(`${JSON.stringify(crashLine(error))}\n`)
    crashed.reject(new OperationalError('CRASHED', 'The process crashed while it started'))
    requested.resolve(1)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  process.on('uncaughtException', onCrash)
  process.on('unhandledRejection', onCrash)
  return { requested: requested.promise, crashed: crashed.promise }
}

async function disposeWithin(service: AsyncDisposable, code: number): Promise<number> {
  const late = setTimeout(() => {
    process.stderr.write(
      `${JSON.stringify({ level: 'error', event: 'stop_took_too_long', ms: STOP_MS_MAX })}\n`,
    )
    process.exit(1)
  }, STOP_MS_MAX)
  try {
    await service[Symbol.asyncDispose]()
    return code
  } catch (error) {
    process.stderr.write(
      `${JSON.stringify({ level: 'error', event: 'stop_failed', code: errorCode(error) })}\n`,
    )
    return 1
  } finally {
    clearTimeout(late)
  }
}

/** For the operator at the terminal: our own texts in full, of a system error its code, call and port. */
function startProblem(error: unknown): string {
  if (error instanceof OperationalError) return `${error.message} (${error.code})`
  const { syscall, port } = error as { syscall?: unknown; port?: unknown }
  const where = [
    typeof syscall === 'string' ? ` at ${syscall}` : '',
    typeof port === 'number' ? `, port ${String(port)}` : '',
  ]
  const trace = typeof syscall === 'string' ? '' : `\n${frames(error).join('\n')}`
  return `${errorCode(error)}${where.join('')}${trace}`
}

function crashLine(error: unknown): Record<string, unknown> {
  return {
    level: 'error',
    time: new Date().toISOString(),
    event: 'crashed',
    code: errorCode(error),
    frames: frames(error),
  }
}

/** Places in our code, `packages/x/src/y.ts:12:3`. The message is cut off first, for it may quote what a peer sent. */
function frames(error: unknown): string[] {
  if (!(error instanceof Error) || error.stack === undefined) return []
  const end = error.stack.indexOf(error.message)
  if (end < 0) return []
  const places: string[] = []
  for (const line of error.stack.slice(end + error.message.length).split('\n')) {
    const match = /^\s+at .*?([^\s()/]+(?:\/[^\s()/]+){0,3}:\d+:\d+)\)?$/.exec(line)
    if (match?.[1] !== undefined) places.push(match[1])
  }
  return places.slice(0, FRAMES_MAX)
}
