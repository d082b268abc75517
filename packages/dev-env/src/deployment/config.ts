import { inheritedEnvironment } from '../postgres/config.ts'

/** What programs of Node inherit. Who starts many of them lets them share what they have compiled, by NODE_COMPILE_CACHE. */
export function nodeEnvironment(): Readonly<Record<string, string>> {
  const cache = process.env['NODE_COMPILE_CACHE']
  return { ...inheritedEnvironment(), ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) }
}
