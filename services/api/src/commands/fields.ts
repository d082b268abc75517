/** Commands as forms: fields of the registry's schemas, for surfaces where people fill something in (XEP-0004), and the way back. */
import type { TSchema } from '@sealpost/http'
import type { CommandField, CommandFieldKind, CommandValues } from '@sealpost/ports'
import type { Command } from './command.ts'

type Place = 'params' | 'query' | 'body'
const PLACES = ['params', 'query', 'body'] as const

/** What is asked of a schema here. */
interface Schema {
  readonly type?: string
  readonly const?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
}

interface Placed extends CommandField {
  readonly place: Place
}

const SECRETS = new Set(['password', 'token', 'code', 'old_password'])
const ADDRESSES = new Set(['jid'])

/** The fields of a command; undefined: it needs what no form can give, such as a file. */
export function fieldsOf(command: Command): readonly CommandField[] | undefined {
  return place(command)?.map(({ name, kind, required, label, options }) => ({
    name,
    kind,
    required,
    label,
    options,
  }))
}

function place(command: Command): Placed[] | undefined {
  if (command.upload !== undefined) return undefined
  const placed: Placed[] = []
  for (const where of PLACES) {
    const { properties = {}, required = [] } = (command[where] ?? {}) as Schema
    for (const [name, schema] of Object.entries(properties)) {
      const shape = shapeOf(name, schema)
      if (shape === undefined && required.includes(name)) return undefined
      if (shape === undefined) continue
      const label = schema.description === undefined ? name : `${name}: ${schema.description}`
      placed.push({ name, label, required: required.includes(name), place: where, ...shape })
    }
  }
  return placed
}

function shapeOf(name: string, schema: Schema): { kind: CommandFieldKind; options: string[] } | undefined {
  const options = choices(schema)
  if (options !== undefined) return { kind: 'choice', options }
  if (schema.type === 'array') {
    const several = schema.items && choices(schema.items)
    return several && { kind: 'choices', options: several }
  }
  const kind = kindOf(name, schema)
  return kind && { kind, options: [] }
}

function kindOf(name: string, { type = '' }: Schema): CommandFieldKind | undefined {
  if (type === 'string') return SECRETS.has(name) ? 'secret' : ADDRESSES.has(name) ? 'address' : 'text'
  if (type === 'integer' || type === 'number') return 'number'
  return type === 'boolean' ? 'flag' : undefined
}

function choices({ anyOf, const: only }: Schema): string[] | undefined {
  const values = anyOf?.map((each) => each.const) ?? [only]
  return values.every((value) => typeof value === 'string') ? values : undefined
}

export type Filled = Readonly<Record<Place, Readonly<Record<string, unknown>>>>

/** Params, query and body from what was filled in; what is empty was not given. Whether they match is for the schemas to say. */
export function fill(command: Command, values: CommandValues): Filled {
  const filled: Record<Place, Record<string, unknown>> = { params: {}, query: {}, body: {} }
  for (const { name, kind, place: where } of place(command) ?? []) {
    const given = values[name] ?? []
    if (given.length > 0 && given[0] !== '') filled[where][name] = read(kind, given)
  }
  return filled
}

function read(kind: CommandFieldKind, given: readonly string[]): unknown {
  const [first = ''] = given
  if (kind === 'choices') return given
  if (kind === 'flag') return first === '1' || first === 'true'
  if (kind === 'number') return /^-?\d{1,15}$/.test(first) ? Number(first) : first
  return first
}

/** The schema of each place, where there is one. */
export function schemasOf(command: Command): [Place, TSchema][] {
  return PLACES.flatMap((where) =>
    command[where] === undefined ? [] : [[where, command[where]] as [Place, TSchema]],
  )
}
