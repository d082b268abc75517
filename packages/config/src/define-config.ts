import { ConfigError } from '@sealpost/errors'
import { createEnvReader } from './env-reader.ts'
import type { Env, EnvReader } from './env-reader.ts'

/**
 * Reads a configuration through `read`, which is a table of names and readers. The result is frozen in depth.
 * Throws one ConfigError that holds every problem found.
 */
export function defineConfig<T>(source: Env, read: (env: EnvReader) => T): Readonly<T> {
  const problems: string[] = []
  const config = read(createEnvReader(source, { problem: (text) => problems.push(text) }))
  if (problems.length > 0) throw new ConfigError(problems)
  return deepFreeze(config)
}

/**
 * The names that `read` asks for, sorted; a secret under its own name (NAME_FILE goes without saying).
 * A name that `read` asks for under a condition only is listed if the condition holds with nothing set.
 */
export function listVariables(read: (env: EnvReader) => unknown): string[] {
  const names = new Set<string>()
  read(createEnvReader({}, { problem: () => undefined, asked: (name) => names.add(name) }))
  return [...names].sort()
}

/** The variable that gives this port, if any does. */
export function findPort(source: Env, read: (env: EnvReader) => unknown, port: number): string | undefined {
  const names = new Map<number, string>()
  const onPort = (name: string, value: number): void => void names.set(value, name)
  read(createEnvReader(source, { problem: () => undefined, port: onPort }))
  return names.get(port)
}

/** Freezes plain objects and arrays; instances of classes (a Secret, a URL) are left alone. */
function deepFreeze<T>(value: T): Readonly<T> {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype) return value
  for (const child of Object.values(value)) deepFreeze(child)
  return Object.freeze(value)
}
