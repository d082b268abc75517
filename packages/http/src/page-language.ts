/** In which of our languages a page speaks: the one that the browser prefers (RFC 9110 §12.5.4), or English. */
import type { FastifyRequest } from 'fastify'

export type PageLanguage = 'en' | 'fr'

const LANGUAGES: readonly PageLanguage[] = ['en', 'fr']
/** More are not looked at. */
const RANGES_MAX = 20

export function languageOf({ headers }: Pick<FastifyRequest, 'headers'>): PageLanguage {
  const ranges = (headers['accept-language'] ?? '').split(',', RANGES_MAX).map((range) => {
    const [tag = '', weight = ''] = range.split(';')
    const q = /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(weight)?.[1]
    return { primary: tag.trim().toLowerCase().split('-')[0], q: weight === '' ? 1 : Number(q ?? 0) }
  })
  const wanted = ranges.filter(({ q }) => q > 0).toSorted((one, other) => other.q - one.q)
  for (const { primary } of wanted) {
    const found = LANGUAGES.find((language) => language === primary)
    if (found !== undefined) return found
  }
  return 'en'
}
