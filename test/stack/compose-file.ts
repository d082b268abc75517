/** docker-compose.yml as Compose reads it: merged, with variables put in. Only the forms that the file has. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

export interface ComposeService {
  readonly image: string
  readonly user?: string
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** `SOURCE:TARGET`, `SOURCE:TARGET:ro`. */
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  /** Names, or names with what else is said of them. */
  readonly networks?: readonly string[] | Readonly<Record<string, unknown>>
  readonly network_mode?: string
  readonly profiles?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly read_only?: boolean
  readonly ulimits?: Readonly<Record<string, number>>
  readonly mem_limit?: string
  readonly memswap_limit?: string
  readonly build?: unknown
  readonly restart?: string
  readonly healthcheck?: { readonly test: readonly string[] }
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly networks: Readonly<Record<string, unknown>>
}

export const ROOT = join(import.meta.dirname, '../..')

export function readComposeFile(variables: Readonly<Record<string, string>>): ComposeFile {
  const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')
  const put = (value: unknown): unknown => {
    if (typeof value === 'string') return interpolate(value, variables)
    if (Array.isArray(value)) return value.map(put)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, put(each)]))
  }
  return put(parse(text, { merge: true })) as ComposeFile
}

/** `${NAME}`, `${NAME-default}`, `${NAME:-default}`, `${NAME:?what}`. */
function interpolate(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$\{(\w+)(?:(:?[-?])([^}]*))?\}/g,
    (_whole, name: string, operator: string = '', otherwise: string = '') => {
      const value = variables[name]
      if (value !== undefined && (value !== '' || !operator.startsWith(':'))) return value
      if (operator.endsWith('-')) return otherwise
      throw new Error(`${name} is not set`)
    },
  )
}
