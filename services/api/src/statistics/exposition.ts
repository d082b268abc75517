/** Reads the text format in which metrics are exposed (Prometheus text exposition format 0.0.4). Lines that are none of it are left out. */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/gy

/** Values that are no finite numbers are left out as well, since no sum can be made of them. */
export function parseExposition(text: string): Sample[] {
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const sample = line.startsWith('#') ? undefined : parseLine(line)
    if (sample !== undefined) samples.push(sample)
  }
  return samples
}

function parseLine(line: string): Sample | undefined {
  const [, name, inBraces = '', number = ''] = LINE.exec(line) ?? []
  const value = Number(number)
  const labels = parseLabels(inBraces)
  if (name === undefined || labels === undefined || number === '' || !Number.isFinite(value)) return undefined
  return { name, labels, value }
}

function parseLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = Object.create(null) as Record<string, string>
  let end = 0
  for (const match of text.matchAll(LABEL)) {
    labels[match[1] ?? ''] = unescape(match[2] ?? '')
    end = match.index + match[0].length
  }
  return end === text.length ? labels : undefined
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_all, escaped: string) => (escaped === 'n' ? '\n' : escaped))
}
