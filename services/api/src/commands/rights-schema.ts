/** Pieces of the schemas of requests, policies and notices. */
import { Type } from '@sealpost/http'

export const LIMIT_DEFAULT = 50

/** Years that Postgres and JavaScript read the same. */
const pattern = '^[12][0-9]{3}-'

export const daySchema = Type.String({ format: 'date', pattern, description: 'A day in UTC' })
export const timeSchema = Type.String({ format: 'date-time', pattern })
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
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 200, description: `${String(LIMIT_DEFAULT)} unless given` }),
  ),
}

export const nextSchema = Type.Optional(
  Type.String({ description: 'Cursor of the next page; absent on the last' }),
)

export function withNext<T>(items: readonly T[], next: string | undefined) {
  return { items: [...items], ...(next === undefined ? {} : { next }) }
}
