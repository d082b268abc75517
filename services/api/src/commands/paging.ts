/** Pages of listings: `?cursor&limit`, and `items` with the cursor of the `next` page. What a cursor looks like is its listing's. */
import { Type } from '@sealpost/http'

export const LIMIT_DEFAULT = 50

export const limitSchema = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 200, description: `${String(LIMIT_DEFAULT)} unless given` }),
)

export const nextSchema = Type.Optional(
  Type.String({ description: 'Cursor of the next page; absent on the last' }),
)

export function withNext<T>(items: readonly T[], next: string | undefined) {
  return { items: [...items], ...(next === undefined ? {} : { next }) }
}
