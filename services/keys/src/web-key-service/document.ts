/** draft-koch-openpgp-webkey-service §4.3: the Web Key data format, names with values, a line each. */

/** Ours have 400; an address has 254 at most. */
const CHARS_MAX = 4_096
const LINE = /^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$/

/** Values by their names in lower case. Undefined when a line is something else, or names something twice. */
export function readDocument(text: string): ReadonlyMap<string, string> | undefined {
  if (text.length > CHARS_MAX) return undefined
  const values = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue
    const [, name = '', value = ''] = LINE.exec(line) ?? []
    if (name === '' || values.has(name.toLowerCase())) return undefined
    values.set(name.toLowerCase(), value.trim())
  }
  return values
}

/** In the order in which they are given, which the draft prescribes for each type. */
export function writeDocument(pairs: readonly (readonly [name: string, value: string])[]): string {
  return pairs.map(([name, value]) => `${name}: ${value}\n`).join('')
}
