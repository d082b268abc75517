/** Reading what another service answered: anything unexpected is PORT_FAILED. */
import { PortError } from './port-error.ts'

export type Fields = Readonly<Record<string, unknown>>

export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
export const ANY = /^/
export const DAY = /^\d{4}-\d\d-\d\d$/

export function fields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw new PortError('PORT_FAILED')
  return value as Fields
}

/** At most `max` items. */
export function list(value: unknown, max: number): Fields[] {
  if (!Array.isArray(value) || value.length > max) throw new PortError('PORT_FAILED')
  return value.map(fields)
}

export function text(value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw new PortError('PORT_FAILED')
  return value
}

/** At most `max` texts, whatever they say. */
export function texts(value: unknown, max: number): string[] {
  if (!Array.isArray(value) || value.length > max) throw new PortError('PORT_FAILED')
  return value.map((each: unknown) => text(each, ANY))
}

export function oneOf<T extends string>(value: unknown, values: readonly T[]): T {
  const found = values.find((candidate) => candidate === value)
  if (found === undefined) throw new PortError('PORT_FAILED')
  return found
}

export function flag(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new PortError('PORT_FAILED')
  return value
}

export function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new PortError('PORT_FAILED')
  return value
}

export function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value)
}
