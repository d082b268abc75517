import { useFormat } from '../../app/format.ts'

/** A value in its unit. */
export function useShowValue(): (value: number, unit: string) => string {
  const format = useFormat()
  return (value, unit) => {
    if (unit === 'seconds') return format.seconds(value)
    if (unit === 'bytes') return format.bytes(value)
    return format.number(Math.round(value * 10) / 10)
  }
}
