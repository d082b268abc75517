/** Reading what another service answered: anything unexpected is PORT_FAILED. */
import { PortError } from './port-error.ts'

export type Fields = Readonly<Record<string, unknown>>

export function fields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw new PortError('PORT_FAILED')
  return value as Fields
}
