/** Reads the command line of `ctl` against the registry. */
import { OperationalError } from '@sealpost/errors'
import type { Command, CommandLine } from '../commands/command.ts'

/** The command line is wrong: exit code 2. */
export class UsageError extends OperationalError {
  override readonly name = 'UsageError'

  constructor(message: string) {
    super('USAGE', message)
  }
}

/** One verb of the registry. */
export interface Verb {
  readonly command: Command
  readonly line: CommandLine<unknown>
}

/** Options that every verb has; they say how to reach the server and how to answer. */
export const COMMON_OPTIONS = {
  json: { value: undefined, help: 'print the answer as JSON' },
  url: { value: 'URL', help: 'a server elsewhere, https://HOST:PORT; needs a key' },
  'key-file': { value: 'FILE', help: 'file with the API key for --url' },
  'ca-file': {
    value: 'FILE',
    help: 'certificates to trust for --url; tls/ca.pem of the data directory if it is there',
  },
  'data-dir': {
    value: 'DIR',
    help: 'data directory of a server here; SEALPOST_DATA_DIR or ./data unless given',
  },
  because: { value: 'TEXT', help: 'why, for the audit log' },
  help: { value: undefined, help: 'this text, or that of a verb' },
} as const
export type CommonOption = keyof typeof COMMON_OPTIONS

/** Words and options as they stand; every option but the flags takes a value, `--name value` or `--name=value`. */
export interface Words {
  readonly positional: readonly string[]
  readonly options: ReadonlyMap<string, string>
}

const FLAGS = new Set(['json', 'help'])

export function splitWords(argv: readonly string[]): Words {
  const positional: string[] = []
  const options = new Map<string, string>()
  const words = argv.values()
  for (const word of words) {
    if (!word.startsWith('--')) {
      positional.push(word)
      continue
    }
    const [name = '', ...rest] = word.slice(2).split('=')
    if (name === '') {
      positional.push(...words)
      break
    }
    const isFlag = FLAGS.has(name) || name.endsWith('-stdin')
    const value = rest.length > 0 ? rest.join('=') : isFlag ? '' : words.next().value
    if (value === undefined) throw new UsageError(`--${name} needs a value`)
    if (isFlag && rest.length > 0) throw new UsageError(`--${name} takes no value`)
    if (options.has(name)) throw new UsageError(`--${name} is given twice`)
    options.set(name, value)
  }
  return { positional, options }
}

/** What one verb needs for its request. */
export interface Invocation {
  readonly verb: Verb
  /** Path and query. */
  readonly path: string
  readonly body: Record<string, unknown> | undefined
  /** Property of the body that is to be read from standard input. */
  readonly stdin: string | undefined
  /** File to send as the body. */
  readonly file: string | undefined
}

interface Property {
  readonly name: string
  readonly option: string
  readonly required: boolean
  readonly schema: PropertySchema
}

interface PropertySchema {
  readonly type?: string
  readonly description?: string
  readonly anyOf?: readonly { readonly const?: string }[]
}

type Fields = Record<string, unknown>

/** Binds the words after noun and verb to the parameters of the command. Throws UsageError. */
export function bindArguments(verb: Verb, words: Words): Invocation {
  const { command, line } = verb
  const names = positionalNames(verb)
  if (words.positional.length !== names.length) throw new UsageError(`Usage: ${usageOf(verb)}`)
  const given = new Map(names.map((name, index) => [name, words.positional[index] ?? '']))
  const body: Fields = { ...line.preset }
  for (const name of line.positional ?? []) body[name] = given.get(name)
  const query = new URLSearchParams()
  const options = new Map(words.options)
  for (const { name, option, schema } of queryProperties(command)) {
    const value = take(options, option)
    if (value !== undefined) query.set(name, String(convert(option, value, schema)))
  }
  for (const { name, option, schema, required } of bodyOptions(verb)) {
    const value = take(options, option)
    if (required && value === undefined) throw new UsageError(`Usage: ${usageOf(verb)}`)
    if (value !== undefined) body[name] = convert(option, value, schema)
  }
  const stdin = line.fromStdin !== undefined && take(options, `${kebab(line.fromStdin)}-stdin`) !== undefined
  for (const option of options.keys()) {
    if (!(option in COMMON_OPTIONS))
      throw new UsageError(`There is no option --${option} here. Usage: ${usageOf(verb)}`)
  }
  const path = command.path.replaceAll(/:(\w+)/g, (_all, name: string) =>
    encodeURIComponent(given.get(name) ?? ''),
  )
  return {
    verb,
    path: query.size === 0 ? path : `${path}?${query.toString()}`,
    body: command.body === undefined ? undefined : body,
    stdin: stdin ? line.fromStdin : undefined,
    file: command.upload === undefined ? undefined : given.get('file'),
  }
}

function take(options: Map<string, string>, name: string): string | undefined {
  const value = options.get(name)
  options.delete(name)
  return value
}

function positionalNames({ command, line }: Verb): string[] {
  const inPath = [...command.path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  return [...inPath, ...(line.positional ?? []), ...(command.upload === undefined ? [] : ['file'])]
}

function queryProperties(command: Command): Property[] {
  return propertiesOf(command.query)
}

/** Properties of the body that are options: neither positional, nor preset, nor read from standard input. */
function bodyOptions({ command, line }: Verb): Property[] {
  const taken = new Set([...(line.positional ?? []), ...Object.keys(line.preset ?? {}), line.fromStdin])
  return propertiesOf(command.body).filter(({ name, schema }) => !taken.has(name) && !isNested(schema))
}

function propertiesOf(schema: Command['body']): Property[] {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => ({
    name,
    option: kebab(name),
    required: schema?.required?.includes(name) ?? false,
    schema: property as PropertySchema,
  }))
}

/** Arrays of words can be options; objects and arrays of them are for programs. */
function isNested(schema: PropertySchema): boolean {
  if (schema.type === 'object') return true
  if (schema.type !== 'array') return false
  return (schema as { items?: PropertySchema }).items?.type === 'object'
}

function convert(option: string, value: string, schema: PropertySchema): unknown {
  if (schema.type === 'array') return value.split(',').map((item) => item.trim())
  if (schema.type !== 'integer') return value
  if (!/^\d{1,15}$/.test(value)) throw new UsageError(`--${option} must be a number`)
  return Number(value)
}

function kebab(name: string): string {
  return name.replaceAll('_', '-')
}

/** One line: `account create JID [--password-stdin]`. */
export function usageOf(verb: Verb): string {
  const { command, line } = verb
  const positional = positionalNames(verb).map((name) => name.toUpperCase())
  const options = [...queryProperties(command), ...bodyOptions(verb)].map(({ option, schema, required }) => {
    const text = `--${option} ${placeholder(option, schema)}`
    return required ? text : `[${text}]`
  })
  const stdin = line.fromStdin === undefined ? [] : [`[--${kebab(line.fromStdin)}-stdin]`]
  return [line.noun, ...(line.verb === '' ? [] : [line.verb]), ...positional, ...stdin, ...options].join(' ')
}

function placeholder(option: string, schema: PropertySchema): string {
  const choices = schema.anyOf?.map((choice) => choice.const)
  if (choices !== undefined && choices.length <= 4) return choices.join('|')
  return schema.type === 'integer' ? 'NUMBER' : option.toUpperCase()
}
