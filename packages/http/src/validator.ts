/** TypeBox reads `1.5` and `1e3` as 1 where a path or query is to have a whole number. Here they are refused, as in a body. */
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from './index.ts'

const WHOLE = /^[+-]?\d+$/
/** Not read as a number, as the empty text is, so that it is refused as every other text. */
const NOTHING = 'none'

export const validatorCompiler: FastifySchemaCompiler<TSchema> = (route) => {
  const validate = TypeBoxValidatorCompiler(route)
  const names = route.httpPart === 'body' ? [] : wholeNumbersOf(route.schema)
  if (names.length === 0) return validate
  return (values: Record<string, unknown>) => {
    const wrong = names.filter((name) => typeof values[name] === 'string' && !WHOLE.test(values[name]))
    return validate(
      wrong.length === 0
        ? values
        : { ...values, ...Object.fromEntries(wrong.map((name) => [name, NOTHING])) },
    )
  }
}

function wholeNumbersOf(schema: unknown): string[] {
  const { properties = {} } = schema as { properties?: Readonly<Record<string, { type?: unknown }>> }
  return Object.entries(properties).flatMap(([name, { type }]) => (type === 'integer' ? name : []))
}
