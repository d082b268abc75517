/** JSON Schema as it stands in our OpenAPI document, written as a TypeScript type. What the type cannot say (lengths, patterns) stays out. */
import type { Schema } from './document.ts'

export interface TypeStyle {
  /** Descriptions become comments. */
  readonly comments: boolean
  /** Of the line on which the type begins. */
  readonly indent: string
}

/** Throws for a schema of a kind that nobody has used so far: better no client than a wrong one. */
export function typeOf(schema: Schema | undefined, style: TypeStyle): string {
  if (schema === undefined) return 'unknown'
  const members = schema.anyOf ?? schema.oneOf
  if (members !== undefined) return union(members.map((member) => typeOf(member, style)))
  if (schema.allOf !== undefined)
    return schema.allOf.map((member) => grouped(typeOf(member, style))).join(' & ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return union(schema.enum.map((value) => JSON.stringify(value)))
  return ofKind(schema, style)
}

function ofKind(schema: Schema, style: TypeStyle): string {
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type
    case 'number':
    case 'integer':
      return 'number'
    case 'array':
      return `${grouped(typeOf(schema.items, style))}[]`
    case 'object':
      return objectType(schema, style)
    case undefined:
      return 'unknown'
    default:
      throw new Error(`No type for a schema of ${schema.type}`)
  }
}

function objectType(schema: Schema, style: TypeStyle): string {
  const inner = { ...style, indent: `${style.indent}  ` }
  const properties = Object.entries(schema.properties ?? {}).map(([name, value]) => {
    const mark = schema.required?.includes(name) === true ? '' : '?'
    return `${comment(value.description, inner)}${inner.indent}${quoted(name)}${mark}: ${typeOf(value, inner)}`
  })
  const [pattern] = Object.values(schema.patternProperties ?? {})
  const others = pattern ?? schema.additionalProperties
  if (properties.length === 0 && typeof others === 'object')
    return `{ [name: string]: ${typeOf(others, style)} }`
  if (properties.length === 0)
    return others === false ? '{ [name: string]: never }' : '{ [name: string]: unknown }'
  return `{\n${properties.join('\n')}\n${style.indent}}`
}

/** A line of documentation above what follows, or nothing. */
export function comment(text: string | undefined, { comments, indent }: TypeStyle): string {
  return comments && text !== undefined ? `${indent}/** ${text.replaceAll('*/', '*\u200b/')} */\n` : ''
}

export function quoted(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)
}

function union(members: readonly string[]): string {
  const different = [...new Set(members)]
  return different.length === 0 ? 'never' : different.join(' | ')
}

function grouped(type: string): string {
  return / [|&] /.test(type) && !type.startsWith('{') ? `(${type})` : type
}
