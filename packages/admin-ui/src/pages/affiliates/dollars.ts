import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

/** Whole cents (CAD) as the language writes dollars. */
export function useDollars(): (cents: number) => string {
  const { i18n } = useTranslation()
  const { language } = i18n
  return useCallback(
    (cents) =>
      new Intl.NumberFormat(language, {
        style: 'currency',
        currency: 'CAD',
        currencyDisplay: 'narrowSymbol',
      }).format(cents / 100),
    [language],
  )
}
