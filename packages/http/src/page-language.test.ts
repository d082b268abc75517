import { expect, test } from 'vitest'
import { languageOf } from './page-language.ts'

test.each([
  [undefined, 'en'],
  ['', 'en'],
  ['fr', 'fr'],
  ['fr-CA,fr;q=0.8,en;q=0.5', 'fr'],
  ['en-CA, fr;q=0.9', 'en'],
  ['de, fr;q=0.2, en;q=0.1', 'fr'],
  ['de, en;q=0.1, fr;q=0.2', 'fr'],
  ['fr;q=0, en;q=0.1', 'en'],
  ['FR', 'fr'],
  ['*', 'en'],
  ['fr;q=nonsense, en;q=0.1', 'en'],
  [`${'xx,'.repeat(10_000)}fr`, 'en'],
])('Accept-Language %s is answered in %s', (header, language) => {
  const headers = header === undefined ? {} : { 'accept-language': header }
  expect(languageOf({ headers })).toBe(language)
})
