/** Structured logging without metadata: a closed vocabulary of fields, checked by the compiler and again at run time (STYLE §6). */
import { pino } from 'pino'
import type { DestinationStream } from 'pino'

/**
 * Everything a log line can say besides its event name. There is no field for an address, a JID, a key or any content, on purpose.
 * `stream` is a random id of one connection; `module`, `service`, `state`, `kind` and `code` are words of ours.
 */
export interface LogFields {
  readonly code?: string
  readonly count?: number
  readonly bytes?: number
  readonly ms?: number
  readonly state?: string
  readonly module?: string
  readonly stream?: string
  readonly service?: string
  readonly port?: number
  readonly kind?: string
}

/** `event` is a constant in snake_case: `queue_expired`. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  /** A log whose lines all carry `fields`. */
  child(fields: LogFields): Log
}

/** The levels that LOG_LEVEL may name. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const WORDS = ['code', 'state', 'module', 'stream', 'service', 'kind'] as const
const NUMBERS = ['count', 'bytes', 'ms', 'port'] as const
/** All that a line can have. */
export const LOG_FIELD_NAMES: readonly string[] = ['level', 'time', 'event', ...WORDS, ...NUMBERS]

/** Longer words are no words; letters, digits and `_.-:` only, so that neither a JID nor a mail address passes. */
const WORD = /^[A-Za-z0-9_.:-]{1,64}$/

export interface LogOptions {
  readonly level: string
  readonly destination?: NodeJS.WritableStream
  /** Hears of each line of a level that somebody may have to look at, whether or not `level` lets it through. */
  readonly onLine?: (level: 'warn' | 'error') => void
}

/**
 * JSON lines on `destination` (stderr unless told), without host name and process id.
 * A field that is unknown, or that is not of the shape above, is dropped, whatever the caller's types said.
 */
export function createLog(options: LogOptions): Log {
  const { onLine } = options
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination ?? standardError(),
  )
  return wrap(onLine === undefined ? logger : counted(logger, onLine), {})
}

/** What may wait while nobody reads our stderr; lines beyond it are dropped: a stalled reader must not stop the server. */
const WAITING_BYTES_MAX = 1024 * 1024

/** Written behind the caller's back, the rest when the process exits. */
function standardError(): DestinationStream {
  return pino.destination({ fd: 2, sync: false, minLength: 0, maxLength: WAITING_BYTES_MAX })
}

type Writer = Record<'debug' | 'info' | 'warn' | 'error', (fields: LogFields, event: string) => void>

function counted(logger: Writer, onLine: (level: 'warn' | 'error') => void): Writer {
  const count =
    (level: 'warn' | 'error') =>
    (fields: LogFields, event: string): void => {
      onLine(level)
      logger[level](fields, event)
    }
  return {
    debug: (fields, event) => logger.debug(fields, event),
    info: (fields, event) => logger.info(fields, event),
    warn: count('warn'),
    error: count('error'),
  }
}

function wrap(logger: Writer, inherited: LogFields): Log {
  const merge = (fields: LogFields | undefined): LogFields =>
    fields === undefined ? inherited : { ...inherited, ...allowed(fields) }
  return {
    debug: (event, fields) => logger.debug(merge(fields), word(event)),
    info: (event, fields) => logger.info(merge(fields), word(event)),
    warn: (event, fields) => logger.warn(merge(fields), word(event)),
    error: (event, fields) => logger.error(merge(fields), word(event)),
    child: (fields) => wrap(logger, merge(fields)),
  }
}

function word(text: string): string {
  return WORD.test(text) ? text : 'invalid'
}

function allowed(fields: LogFields): LogFields {
  const kept: Record<string, string | number> = {}
  for (const name of WORDS) {
    const value: unknown = fields[name]
    if (typeof value === 'string') kept[name] = word(value)
  }
  for (const name of NUMBERS) {
    const value: unknown = fields[name]
    if (typeof value === 'number' && Number.isFinite(value)) kept[name] = value
  }
  return kept
}
