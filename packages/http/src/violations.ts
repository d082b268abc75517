import type { TSchema } from 'typebox'
import { Errors } from 'typebox/schema'

/** Where a value does not match a schema and how, for values that came by another way than HTTP; at most 20 findings. */
export function violations(schema: TSchema, value: unknown): { pointer: string; detail: string }[] {
  const [, found] = Errors(schema, value)
  return found
    .slice(0, FINDINGS_MAX)
    .map(({ instancePath, message }) => ({ pointer: `#${instancePath}`, detail: message }))
}

const FINDINGS_MAX = 20
