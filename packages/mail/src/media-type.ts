/** RFC 2045 §5.1: the value of Content-Type. Conservative: what two readers could take for different things is not read. */

export interface MediaType {
  /** `type/subtype` in lower case. */
  readonly essence: string
  /** Names in lower case, values without quotes. RFC 2231 continuations are left as they are. */
  readonly parameters: ReadonlyMap<string, string>
}

const TOKEN = String.raw`[!#$%&'*+\-.^\w\u0060{|}~]+`
const ESSENCE = new RegExp(`^(${TOKEN}/${TOKEN})`)
const PARAMETER = new RegExp(
  String.raw`^\s*;\s*(?:(${TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"()<>@,\\]+)))?\s*`,
)

/** Undefined when it is malformed, has comments, or names a parameter twice. */
export function parseMediaType(value: string): MediaType | undefined {
  const text = value.trim()
  const [essence] = ESSENCE.exec(text) ?? []
  if (essence === undefined) return undefined
  const parameters = new Map<string, string>()
  let rest = text.slice(essence.length).trimStart()
  while (rest !== '') {
    const [matched, name, quoted, plain] = PARAMETER.exec(rest) ?? []
    if (matched === undefined) return undefined
    rest = rest.slice(matched.length)
    if (name === undefined) continue
    if (parameters.has(name.toLowerCase())) return undefined
    parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '')
  }
  return { essence: essence.toLowerCase(), parameters }
}
