/** Programs of Node that tests start share what they have compiled: types are stripped once, not at each start. */
import { join } from 'node:path'

export function shareCompiled(): void {
  process.env['NODE_COMPILE_CACHE'] = join(import.meta.dirname, '../node_modules/.cache/compiled')
}
