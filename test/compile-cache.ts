/** Programs of Node that tests start share what they have compiled: types are stripped once, not at each start. */
import { join } from 'node:path'

export function shareCompiled(): void {
  Object.assign(process.env, compiledEnvironment())
}

/** For programs that get an environment of their own. */
export function compiledEnvironment(): Record<'NODE_COMPILE_CACHE', string> {
  return { NODE_COMPILE_CACHE: join(import.meta.dirname, '../node_modules/.cache/compiled') }
}
