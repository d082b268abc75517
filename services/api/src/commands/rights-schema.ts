/** Pieces of the schemas of requests, policies and notices. */
import { Type } from '@sealpost/http'
import { limitSchema } from './paging.ts'

/** Years that Postgres and JavaScript read the same. */
const pattern = '^[12][0-9]{3}-'

export const daySchema = Type.String({ format: 'date', pattern, description: 'A day in UTC' })
/** RFC 3339, but no leap second, which JavaScript does not read. */
export const timeSchema = Type.String({ format: 'date-time', pattern: `${pattern}.{12}[0-5]` })
export const idSchema = Type.String({ format: 'uuid' })

/** One line: no control characters. */
export const lineSchema = (maxLength: number, description?: string) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern: String.raw`^[^\u0000-\u001f\u007f\ufffe\uffff]*$`,
    ...(description === undefined ? {} : { description }),
  })

/** Several lines: what XML and Postgres take. */
export const textSchema = (maxLength: number, description?: string) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern: String.raw`^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]*$`,
    ...(description === undefined ? {} : { description }),
  })

/** One of these words. */
export const words = <T extends string>(values: readonly T[]) =>
  Type.Unsafe<T>(Type.Union(values.map((value) => Type.Literal(value))))

export const pageQuery = {
  cursor: Type.Optional(Type.String({ maxLength: 256, description: '`next` of the page before' })),
  limit: limitSchema,
}
