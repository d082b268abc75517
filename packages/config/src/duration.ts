/** Durations as operators write them: `500ms`, `90s`, `10m`, `12h`, `14d`. */
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Milliseconds meant by `text`; undefined when it is not a whole number followed by one of ms, s, m, h, d. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  if (match === null) return undefined
  const unitMs = UNIT_MS[match[2] ?? '']
  return unitMs === undefined ? undefined : Number(match[1]) * unitMs
}
