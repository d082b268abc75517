import { readFileSync } from 'node:fs'
import { parseDuration } from './duration.ts'
import { type Networks, parseNetworks } from './networks.ts'
import { Secret } from './secret.ts'

/** Where variables come from: `process.env` in production, a literal in tests. */
export type Env = Readonly<Record<string, string | undefined>>

/** Inclusive bounds. */
export interface IntRange {
  readonly min?: number
  readonly max?: number
}

/**
 * One reader per kind of value. A variable that is set to the empty string counts as unset, since compose files pass `${NAME:-}`.
 * A reader that finds a problem records it and returns a placeholder of its type, so that the rest of the table is read too.
 * Problems name the variable and the rule, never the value.
 */
export interface EnvReader {
  /** Without a fallback the variable is required. */
  str(name: string, fallback?: string): string
  optional(name: string): string | undefined
  /** A decimal integer. */
  int(name: string, fallback: number, range?: IntRange): number
  /** 0 to 65535; 0 asks the system for a free port. */
  port(name: string, fallback: number): number
  /** true, false, yes, no, on, off, 1, 0. */
  bool(name: string, fallback: boolean): boolean
  /** Comma-separated, trimmed, empty items dropped. */
  list(name: string, fallback: readonly string[]): string[]
  /** Comma-separated networks in CIDR notation, or single addresses. */
  networks(name: string, fallback: readonly string[]): Networks
  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T
  /** `500ms`, `90s`, `10m`, `12h`, `14d`; range in milliseconds; the result is in milliseconds. */
  durationMs(name: string, fallback: string, range?: IntRange): number
  /** NAME, or the content of the file named by NAME_FILE without its last line break. Required. */
  secret(name: string, options?: { bytesMin?: number }): Secret
  optionalSecret(name: string, options?: { bytesMin?: number }): Secret | undefined
  /** Records the violation of a rule across several variables, as one sentence. */
  problem(text: string): void
}

/** Who hears of what a reader meets. */
interface Observer {
  problem(text: string): void
  asked?(name: string): void
  port?(name: string, value: number): void
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
}

/** A reader over `source`; the names asked for and the problems found go to `observer`. */
export function createEnvReader(source: Env, observer: Observer): EnvReader {
  const raw = (name: string): string | undefined => {
    observer.asked?.(name)
    const value = source[name]
    return value === undefined || value === '' ? undefined : value
  }
  const bounded = (name: string, value: number, range: IntRange, unit: string): number => {
    if (value < (range.min ?? -Infinity))
      observer.problem(`${name} must be at least ${String(range.min)}${unit}`)
    if (value > (range.max ?? Infinity))
      observer.problem(`${name} must be at most ${String(range.max)}${unit}`)
    return value
  }
  const int = (name: string, fallback: number, range: IntRange = {}): number => {
    const value = raw(name)
    if (value === undefined) return fallback
    if (/^-?\d{1,15}$/.test(value)) return bounded(name, Number(value), range, '')
    observer.problem(`${name} must be a whole number`)
    return fallback
  }
  const texts = textReaders(raw, observer)
  return {
    ...texts,
    ...secretReaders(source, raw, observer),
    networks(name, fallback) {
      const networks = parseNetworks(texts.list(name, fallback))
      if (networks === undefined)
        observer.problem(`${name} must be a list of networks such as 192.0.2.0/24,2001:db8::/32`)
      return networks ?? { include: () => false }
    },
    int,
    port(name, fallback) {
      const value = int(name, fallback, { min: 0, max: 65_535 })
      observer.port?.(name, value)
      return value
    },
    durationMs(name, fallback, range = {}) {
      const value = parseDuration(raw(name) ?? fallback)
      if (value !== undefined) return bounded(name, value, range, ' ms')
      observer.problem(`${name} must be a duration such as 500ms, 90s, 10m, 12h or 14d`)
      return 0
    },
    problem: (text) => observer.problem(text),
  }
}

type Raw = (name: string) => string | undefined

function textReaders(
  raw: Raw,
  observer: Observer,
): Pick<EnvReader, 'str' | 'optional' | 'bool' | 'list' | 'oneOf'> {
  return {
    str(name, fallback) {
      const value = raw(name) ?? fallback
      if (value === undefined) observer.problem(`${name} must be set`)
      return value ?? ''
    },
    optional: raw,
    bool(name, fallback) {
      const value = raw(name)
      if (value === undefined) return fallback
      const meant = BOOLEANS[value.toLowerCase()]
      if (meant === undefined) observer.problem(`${name} must be true or false`)
      return meant ?? fallback
    },
    list(name, fallback) {
      const value = raw(name)
      if (value === undefined) return [...fallback]
      return value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
    },
    oneOf(name, values, fallback) {
      const value = raw(name)
      if (value === undefined) return fallback
      const meant = values.find((candidate) => candidate === value)
      if (meant === undefined) observer.problem(`${name} must be one of ${values.join(', ')}`)
      return meant ?? fallback
    },
  }
}

/** Secrets larger than this are not secrets but a wrong path. */
const SECRET_FILE_BYTES_MAX = 64 * 1024

function secretReaders(
  source: Env,
  raw: Raw,
  observer: Observer,
): Pick<EnvReader, 'secret' | 'optionalSecret'> {
  const fromFile = (name: string, path: string): string | undefined => {
    try {
      const text = readFileSync(path, 'utf8')
      if (text.length > SECRET_FILE_BYTES_MAX) observer.problem(`${name}_FILE names a file that is too large`)
      return text.replace(/\r?\n$/, '')
    } catch {
      observer.problem(`${name}_FILE names a file that cannot be read`)
      return undefined
    }
  }
  const optionalSecret: EnvReader['optionalSecret'] = (name, { bytesMin = 1 } = {}) => {
    const direct = raw(name)
    const path = source[`${name}_FILE`]
    const hasFile = path !== undefined && path !== ''
    if (direct !== undefined && hasFile) observer.problem(`${name} and ${name}_FILE must not both be set`)
    const value = direct ?? (hasFile ? fromFile(name, path) : undefined)
    if (value === undefined) return undefined
    if (Buffer.byteLength(value) < bytesMin)
      observer.problem(`${name} must have at least ${String(bytesMin)} bytes`)
    return Secret.of(value)
  }
  return {
    optionalSecret,
    secret(name, options) {
      const before = optionalSecret(name, options)
      const hasFile = (source[`${name}_FILE`] ?? '') !== ''
      if (before === undefined && !hasFile) observer.problem(`${name} or ${name}_FILE must be set`)
      return before ?? Secret.of('')
    },
  }
}
