/** Days, times, numbers and sizes as the language writes them. */
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'

export interface Format {
  /** Of a day in UTC, `2026-11-26`. */
  readonly day: (iso: string) => string
  /** Of a month, by one of its days. */
  readonly month: (iso: string) => string
  /** Of an instant (RFC 3339), where the reader is. */
  readonly moment: (iso: string) => string
  readonly number: (value: number) => string
  /** A share of 1. */
  readonly percent: (share: number, digits?: number) => string
  readonly bytes: (value: number) => string
  readonly seconds: (value: number) => string
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const
const SPANS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

export function useFormat(): Format {
  const { i18n } = useTranslation()
  const { language } = i18n
  return useMemo(() => createFormat(language), [language])
}

function createFormat(language: string): Format {
  const days = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: 'UTC' })
  const months = new Intl.DateTimeFormat(language, { year: 'numeric', month: 'long', timeZone: 'UTC' })
  const moments = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  const numbers = new Intl.NumberFormat(language)
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat(language, {
      style: 'unit',
      unit: name,
      unitDisplay: 'short',
      maximumFractionDigits: value < 10 ? 1 : 0,
    }).format(value)
  return {
    day: (iso) => days.format(new Date(iso)),
    month: (iso) => months.format(new Date(iso)),
    moment: (iso) => moments.format(new Date(iso)),
    number: (value) => numbers.format(value),
    percent: (share, digits = 0) =>
      new Intl.NumberFormat(language, {
        style: 'percent',
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      }).format(share),
    bytes: (value) => {
      const power = value < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(value) / 3))
      return unit(value / 1000 ** power, UNITS[power] ?? 'byte')
    },
    seconds: (value) => {
      const [name, size] = SPANS.find(([, least]) => value >= least) ?? ['second', 1]
      return unit(value / size, name)
    },
  }
}
